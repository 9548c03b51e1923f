"""A cluster's snapshot where the lifecycle manager reads it: what is there, and a new one put in its place."""

from __future__ import annotations

from botocore.exceptions import ClientError

from orchestrator.aws.refused_calls import DENIED
from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import error_code, explained


def read_snapshot(session: AwsSession, bucket: str, key: str, *, region: str) -> tuple[bytes | None, str]:
    """(what is at `s3://bucket/key`, ""), None when nothing is; or (None, why it may not be read).

    The role of a CronJob may write its snapshot and not read it.
    """
    with explained(session, "s3"):
        try:
            answer = session.client("s3", region).get_object(Bucket=bucket, Key=key)
            content: bytes = answer["Body"].read()
            return content, ""
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None, ""
            if error_code(error) in DENIED:
                return None, f"{error_code(error)} from {error.operation_name}"
            raise


def put_snapshot(session: AwsSession, bucket: str, key: str, text: str, *, region: str) -> None:
    """Write the snapshot to `s3://bucket/key`. Raises OrchestratorError with the permission that is missing."""
    with explained(session, "s3"):
        session.client("s3", region).put_object(
            Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json"
        )
