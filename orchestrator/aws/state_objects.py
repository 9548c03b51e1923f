"""Terraform states in a bucket: one environment reads what another one of the project holds. Reads only."""

from __future__ import annotations

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import explained, found_or_none


def read_state_object(session: AwsSession, bucket: str, key: str, region: str | None) -> str | None:
    """The text of a state, None when there is none."""
    s3 = session.client("s3", region)
    answer = found_or_none(session, "s3", lambda: s3.get_object(Bucket=bucket, Key=key))
    return None if answer is None else answer["Body"].read().decode("utf-8", "replace")


def state_names(session: AwsSession, bucket: str, before: str, after: str, region: str | None) -> tuple[str, ...]:
    """The names for which `<before><name><after>` is a key of the bucket, sorted; a name is one path component."""
    names = set()
    with explained(session, "s3"):
        pages = session.client("s3", region).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=before)
        for page in pages:
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                name = key[len(before) : len(key) - len(after)]
                if key.endswith(after) and name and "/" not in name:
                    names.add(name)
    return tuple(sorted(names))


def move_state_object(
    session: AwsSession, bucket: str, source: str, target: str, region: str | None, *, copy: bool
) -> None:
    """Copy a state to another key of its bucket, and delete the first. Without `copy` it is there already."""
    s3 = session.client("s3", region)
    with explained(session, "s3"):
        if copy:
            s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})
        s3.delete_object(Bucket=bucket, Key=source)
