"""Asks whether a bucket of snapshots and audit log holds anything."""

from __future__ import annotations

from botocore.exceptions import ClientError

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import explained, is_absent


def holds_records(session: AwsSession, bucket: str) -> bool:
    """Does the bucket hold an object, an older version or a delete marker? AWS deletes it only when it holds none.

    False as well when there is no such bucket (any more); raises when AWS does not let us tell.
    """
    with explained(session, "s3"):
        try:
            page = session.client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
        except ClientError as error:
            if is_absent(error):
                return False
            raise
    return bool(page.get("Versions") or page.get("DeleteMarkers"))
