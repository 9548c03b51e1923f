"""Bucket policies: TLS is not asked for on loopback, everything else is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.local.conftest import make_client, refused

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


def denial(bucket: str, **more: Any) -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("value", ["false", ["false"], False])
def test_a_bucket_that_wants_tls_can_be_used(local_aws: LocalAws, account_id: str, value: Any) -> None:
    s3 = make_client(local_aws, "s3", account_id, "us-east-1")
    bucket = f"tls-{account_id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=denial(bucket, Condition={"Bool": {"aws:SecureTransport": value}}))

    s3.put_object(Bucket=bucket, Key="state", Body=b"x")

    assert s3.get_object(Bucket=bucket, Key="state")["Body"].read() == b"x"
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_a_bucket_that_is_closed_stays_closed(local_aws: LocalAws, account_id: str) -> None:
    s3 = make_client(local_aws, "s3", account_id, "us-east-1")
    bucket = f"closed-{account_id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=denial(bucket))

    with refused("403"):
        s3.put_object(Bucket=bucket, Key="state", Body=b"x")
