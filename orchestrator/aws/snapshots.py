"""Puts a cluster's snapshot where the lifecycle manager reads it."""

from __future__ import annotations

from orchestrator.aws.errors import explained
from orchestrator.aws.session import AwsSession


def put_snapshot(session: AwsSession, bucket: str, key: str, text: str, *, region: str) -> None:
    """Write the snapshot to `s3://bucket/key`. Raises OrchestratorError with the permission that is missing."""
    with explained(session.environment, "s3"):
        session.client("s3", region).put_object(
            Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json"
        )
