"""The statement that denies requests without TLS: recognised in every spelling, added to what is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.aws.bucket_policy import SID, with_tls_only

ARN = "arn:aws:s3:::state"
BOTH = [ARN, f"{ARN}/*"]
DENY = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": BOTH,
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": "theirs", "Statement": list(statements)})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Action": ["s3:*"]},
        {"Action": "*"},
        {"Resource": "*"},
        {"Resource": [*BOTH, "arn:aws:s3:::other"]},
        {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
    ],
)
def test_a_statement_that_does_the_work_already_is_recognised(change: dict[str, Any]) -> None:
    assert with_tls_only(policy({**DENY, **change}), ARN) is None


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}},
        {"Action": "s3:PutObject"},
        {"Resource": ARN},
        {"Resource": f"{ARN}/*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {}},
    ],
)
def test_a_statement_with_a_gap_is_not_enough(change: dict[str, Any]) -> None:
    merged = with_tls_only(policy({**DENY, **change}), ARN)
    assert merged is not None
    document = json.loads(merged)
    assert document["Statement"][0] == {**DENY, **change}
    assert document["Id"] == "theirs"
    assert len(document["Statement"]) == 2


def test_no_policy_gives_one_with_our_statement_alone() -> None:
    merged = with_tls_only(None, ARN)
    assert merged is not None
    (statement,) = json.loads(merged)["Statement"]
    assert statement["Sid"] == SID
    assert with_tls_only(merged, ARN) is None


def test_a_single_statement_outside_a_list_is_kept() -> None:
    theirs = {**DENY, "Effect": "Allow", "Sid": SID}
    merged = with_tls_only(json.dumps({"Version": "2012-10-17", "Statement": theirs}), ARN)
    assert merged is not None
    first, second = json.loads(merged)["Statement"]
    assert first == theirs
    assert second["Sid"] == f"{SID}2"
