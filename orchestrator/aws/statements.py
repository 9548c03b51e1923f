"""A statement of the deployer policy: actions, each with its reason, and whether an environment needs them. Pure data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# IAM's limit for one managed policy; white space does not count.
MAX_CHARACTERS = 6144
ROLE = "arn:*:iam::*:role/*"
REPOSITORY = "arn:*:ecr:*:*:repository/*"
SECRET = "arn:*:secretsmanager:*:*:secret:ecr-pullthroughcache/*"  # noqa: S105 - a pattern of names
KEY = "arn:*:kms:*:*:key/*"


def _always(_: Environment) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the policy. `needed` says whether an environment needs it at all.

    `unseen` are actions (with their reasons) that AWS asks for although no request carries their name.
    """

    sid: str
    reason: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    condition: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    needed: Callable[[Environment], bool] = _always

    @property
    def all_actions(self) -> tuple[str, ...]:
        """Seen and unseen actions, sorted."""
        return tuple(sorted({*self.actions, *self.unseen}))

    def as_dict(self) -> dict[str, Any]:
        """The statement as IAM reads it."""
        made: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.all_actions),
            "Resource": self.resources[0] if len(self.resources) == 1 else list(self.resources),
        }
        return {**made, "Condition": self.condition} if self.condition else made


def document(statements: tuple[Statement, ...]) -> dict[str, Any]:
    """The policy as IAM reads it."""
    return {"Version": "2012-10-17", "Statement": [statement.as_dict() for statement in statements]}


def characters(policy: Mapping[str, Any]) -> int:
    """The length that IAM counts against its limit: without white space."""
    return len("".join(json.dumps(policy, separators=(",", ":")).split()))
