"""The clients of a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.aws.ports.host import WORKERS


@dataclass(frozen=True, slots=True)
class FunctionClients:
    """The clients of a function, made once for all its invocations."""

    ecr: Any
    s3: Any
    sqs: Any
    sts: Any
    inspector: Any


def function_clients(*, inspector: bool = False) -> FunctionClients:
    """Clients with the runtime's own region and credentials, which slow down when AWS throttles."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        # While AWS throttles, one call may take all of its attempts, and the function's end does not wait for it.
        retries={"mode": "adaptive", "total_max_attempts": 6},
        max_pool_connections=WORKERS + 2,
        user_agent_extra="orchestrator-lifecycle",
    )
    make: Any = boto3.client
    return FunctionClients(
        ecr=make("ecr", config=config),
        s3=make("s3", config=config),
        sqs=make("sqs", config=config),
        sts=make("sts", config=config),
        inspector=make("inspector2", config=config) if inspector else None,
    )
