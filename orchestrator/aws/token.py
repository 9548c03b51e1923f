"""ECR's token: what a registry's client logs in with for twelve hours."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.aws.translation import explained
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.aws.session import AwsSession


@dataclass(frozen=True, slots=True)
class RegistryToken:
    """User name and password for every registry that the session's identity may use in one region."""

    user: str
    password: str = field(repr=False)
    expires: datetime


def registry_token(session: AwsSession, region: str, account: str = "") -> RegistryToken:
    """A token with the rights of the session's identity. Raises OrchestratorError.

    AWS has one token for every registry of a region. The embedded one tells accounts apart, so that it is told which.
    """
    named: Any = {"registryIds": [account]} if account and session.is_local else {}
    with explained(session, "ecr"):
        (data,) = session.client("ecr", region=region).get_authorization_token(**named)["authorizationData"]
    user, separator, password = b64decode(data["authorizationToken"]).decode().partition(":")
    if not separator:
        raise OrchestratorError("ECR's token has no user name.", why="It is `user:password` in base64.")
    return RegistryToken(user, password, data["expiresAt"])
