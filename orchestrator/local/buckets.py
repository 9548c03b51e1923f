"""Bucket policies where moto takes a condition for absent: what is denied without TLS is not denied on loopback.

moto's S3 looks at a statement's action and resource only. The policy which every state bucket should have would
lock everybody out of it. A connection that never leaves the machine stands for one with TLS.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.local.calls import Call
    from orchestrator.local.protocols import Answer

SECURE = "aws:securetransport"


def handle_s3(_call: Call) -> Answer | None:
    """No answer of its own: moto's, once it knows of conditions."""
    _teach_conditions()
    return None


@functools.cache
def _teach_conditions() -> None:
    from moto.s3.models import FakeBucket

    judge = FakeBucket.get_permission

    def get_permission(self: Any, action: str, resource: str) -> Any:
        kept = self.policy
        try:
            self.policy = without_plain_http(kept) if kept is not None else None
            return judge(self, action, resource)
        finally:
            self.policy = kept

    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]


def without_plain_http(policy: bytes) -> bytes:
    """The policy without statements whose condition asks for requests without TLS."""
    document = json.loads(policy)
    found = document.get("Statement", [])
    statements = found if isinstance(found, list) else [found]
    return json.dumps({**document, "Statement": [one for one in statements if not _is_of_plain_http(one)]}).encode()


def _is_of_plain_http(statement: dict[str, Any]) -> bool:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            if key.lower() == SECURE and operator.lower().startswith("bool"):
                listed = values if isinstance(values, list) else [values]
                return all(str(value).lower() == "false" for value in listed)
    return False
