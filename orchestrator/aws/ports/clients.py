"""The clients of the functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.aws.ports.host import WORKERS


@dataclass(frozen=True, slots=True)
class FunctionClients:
    """The lifecycle manager's clients, made once for all invocations."""

    ecr: Any
    s3: Any
    sqs: Any
    sts: Any
    inspector: Any


@dataclass(frozen=True, slots=True)
class FindingsClients:
    """The clients of scan findings, made once for all invocations."""

    ecr: Any
    s3: Any
    sns: Any


def function_clients(*, inspector: bool = False) -> FunctionClients:
    """Clients with the runtime's own region and credentials, which slow down when AWS throttles."""
    settings = {
        "read_timeout": 30,
        # While AWS throttles, one call may take all of its attempts, and the function's end does not wait for it.
        "retries": {"mode": "adaptive", "total_max_attempts": 6},
        "max_pool_connections": WORKERS + 2,
        "user_agent_extra": "orchestrator-lifecycle",
    }
    return FunctionClients(
        ecr=_client("ecr", settings),
        s3=_client("s3", settings),
        sqs=_client("sqs", settings),
        sts=_client("sts", settings),
        inspector=_client("inspector2", settings) if inspector else None,
    )


def findings_clients() -> FindingsClients:
    """The same for scan findings, which has 50 seconds in all: fewer attempts, and shorter ones."""
    settings = {"read_timeout": 20, "retries": {"mode": "adaptive"}}
    return FindingsClients(ecr=_client("ecr", settings), s3=_client("s3", settings), sns=_client("sns", settings))


def _client(service: str, settings: dict[str, Any]) -> Any:
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    return make(service, config=Config(connect_timeout=5, **settings))
