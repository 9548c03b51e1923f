"""AWS Lambda's entry point of scan findings: ECR's and Inspector's events in, scans and one message an image out.

Its variables are in `orchestrator.findings.settings`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from orchestrator.aws.ports import CallerExclusion, EcrRegistry, S3Storage, ThreadedHost
from orchestrator.aws.ports.clients import FindingsClients, findings_clients
from orchestrator.aws.ports.ecr_scanner import EcrScanner, SnsTopic
from orchestrator.findings.ports import Ports
from orchestrator.findings.report import dispatch
from orchestrator.findings.settings import FindingsSettings, read_findings_settings


@cache
def _clients() -> FindingsClients:
    return findings_clients()


def handle(event: Any, context: Any) -> dict[str, object]:  # noqa: ARG001
    """Do what the event asks; what was done. A failure raises, and Lambda calls again."""
    settings = read_findings_settings(os.environ)
    host = ThreadedHost(environment=settings.shared.environment)
    return dispatch(event, settings, lambda: _ports(settings, host), host)


def _ports(settings: FindingsSettings, host: ThreadedHost) -> Ports:
    clients = _clients()
    return Ports(
        # Reading an index counts as a pull, but it was pulled just now.
        images=EcrRegistry(clients.ecr, CallerExclusion(clients.ecr, None, mode="count")),
        scanner=EcrScanner(clients.ecr),
        storage=S3Storage(clients.s3, settings.bucket),
        topic=SnsTopic(clients.sns, settings.topic_arn),
        runtime=host,
    )
