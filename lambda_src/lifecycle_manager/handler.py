"""AWS Lambda's entry point of the lifecycle manager: variables, context and clients in, the manager's answer out.

The schedule starts `lifecycle_manager.handler.handle`, and so do batches of its own queue and ECR's events. A person does by
`{"source": "manual"}`, with `dry_run` and `allow_fraction` in place of the settings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestrator.aws.ports import (
    CallerExclusion,
    EcrRegistry,
    FunctionClients,
    S3Storage,
    SqsQueue,
    ThreadedHost,
    UpstreamRegistries,
    function_clients,
)
from orchestrator.lifecycle.events import dispatch
from orchestrator.lifecycle.manager import Manager
from orchestrator.lifecycle.settings import Settings, read_settings

# A part of the time that is left at the start is for stopping: a fifth, a minute at most. A call that AWS
# throttles may be at it for so long.
SHARE, MOST_SECONDS = 0.2, 60.0


@cache
def _clients(inspector: bool) -> FunctionClients:
    return function_clients(inspector=inspector)


def handle(event: Mapping[str, Any], context: Any) -> dict[str, object]:
    """Do what the event asks. Settings or events that cannot be understood raise: nothing is done, Lambda's alarm fires."""
    settings = read_settings(os.environ)
    seconds = context.get_remaining_time_in_millis() / 1000
    host = ThreadedHost(
        environment=settings.environment,
        namespace=settings.namespace,
        deadline=time.monotonic() + seconds - min(seconds * SHARE, MOST_SECONDS),
    )
    return dispatch(event, str(context.aws_request_id), lambda: _manager(settings, host), host)


def _manager(settings: Settings, host: ThreadedHost) -> Manager:
    clients = _clients(settings.inspector)
    exclusion = CallerExclusion(clients.ecr, clients.sts, warn=lambda message: host.log("WARNING", message))
    registry = EcrRegistry(clients.ecr, exclusion, clients.inspector)
    storage = S3Storage(clients.s3, settings.bucket) if settings.bucket else None
    queue = SqsQueue(clients.sqs, settings.queue_url) if settings.queue_url else None
    upstreams = UpstreamRegistries(os.environ.get("ORCHESTRATOR_UPSTREAMS", ""))
    return Manager(settings, registry, storage, queue, host, upstreams)
