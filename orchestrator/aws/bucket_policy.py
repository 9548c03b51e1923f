"""The statement of a bucket policy that lets nobody in without TLS. Pure: text in, text out."""

from __future__ import annotations

import json
from typing import Any

SID = "DenyInsecureTransport"


def with_tls_only(policy: str | None, bucket_arn: str) -> str | None:
    """The bucket policy with a statement that denies requests without TLS, None when `policy` already has one.

    Every statement that is there stays as it is.
    """
    document: dict[str, Any] = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    found = document.get("Statement", [])
    statements: list[dict[str, Any]] = found if isinstance(found, list) else [found]
    resources = {bucket_arn, f"{bucket_arn}/*"}
    if any(_denies_plain_http(statement, resources) for statement in statements):
        return None
    taken = {statement.get("Sid") for statement in statements}
    sid = next(name for name in (SID, *(f"{SID}{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    ours = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": sorted(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({**document, "Statement": [*statements, ours]})


def _denies_plain_http(statement: dict[str, Any], resources: set[str]) -> bool:
    """True for a statement that denies everything to everyone without TLS, for bucket and objects alike."""
    condition = statement.get("Condition", {})
    wanted = {"Bool": {"aws:SecureTransport": ["false"]}}
    plain = {
        operator: {key: [str(value).lower() for value in _listed(values)] for key, values in keys.items()}
        for operator, keys in condition.items()
    }
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and any(action in ("*", "s3:*") for action in _listed(statement.get("Action")))
        and ("*" in _listed(statement.get("Resource")) or resources <= set(_listed(statement.get("Resource"))))
        and plain == wanted
    )


def _listed(value: Any) -> list[Any]:
    """JSON policies write one value without its list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
