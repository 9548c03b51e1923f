"""The state bucket: made to the standard, repaired with only what is missing, never somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from orchestrator.aws.session import AwsSession, open_session
from orchestrator.aws.state_bucket import create_state_bucket, inspect_state_bucket
from orchestrator.errors import OrchestratorError, RefusedInput

from .conftest import Target
from .scripted import Answer, Request, endpoint


@pytest.fixture
def bucket(account_id: str) -> str:
    return f"state-{account_id}"


def test_a_new_bucket_meets_the_standard(session: AwsSession, bucket: str) -> None:
    made = create_state_bucket(session, bucket)
    assert made.created
    assert len(made.changes) >= 4
    s3 = session.client("s3")
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-central-1"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    controls = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_a_second_time_nothing_changes(session: AwsSession, bucket: str) -> None:
    create_state_bucket(session, bucket)
    again = create_state_bucket(session, bucket)
    assert (again.created, again.changes) == (False, ())
    assert inspect_state_bucket(session, bucket) == ()


def test_us_east_1_takes_no_location_constraint(session_of: Callable[..., AwsSession], bucket: str) -> None:
    session = session_of("us-east-1")
    assert create_state_bucket(session, bucket).created
    assert session.client("s3").get_bucket_location(Bucket=bucket).get("LocationConstraint") is None


def test_govcloud_arns_have_their_own_partition(session_of: Callable[..., AwsSession], bucket: str) -> None:
    session = session_of("us-gov-west-1")
    create_state_bucket(session, bucket)
    policy = session.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    assert f"arn:aws-us-gov:s3:::{bucket}" in policy


def test_a_key_encrypts_the_bucket(session: AwsSession, bucket: str, account_id: str) -> None:
    key = f"arn:aws:kms:eu-central-1:{account_id}:key/1234"
    create_state_bucket(session, bucket)
    assert create_state_bucket(session, bucket, kms_key_arn=key).changes == (f"encryption by default with {key}",)
    # Without a key next time the stronger encryption stays.
    assert create_state_bucket(session, bucket).changes == ()


def test_a_key_of_another_region_is_refused(session: AwsSession, bucket: str) -> None:
    with pytest.raises(RefusedInput, match="is in us-east-1, but the state bucket is in eu-central-1"):
        create_state_bucket(session, bucket, kms_key_arn="arn:aws:kms:us-east-1:111111111111:key/1234")


def test_an_existing_bucket_gets_only_what_it_lacks_and_keeps_its_statements(session: AwsSession, bucket: str) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    theirs = {
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    lacking = inspect_state_bucket(session, bucket)
    assert lacking is not None
    assert "versioning is off" not in lacking
    assert "requests without TLS are not denied" in lacking
    done = create_state_bucket(session, bucket)
    assert not done.created
    assert "versioning enabled" not in done.changes
    statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statements[0] == theirs
    assert len(statements) == 2


def test_an_absent_bucket_is_none(session: AwsSession, bucket: str) -> None:
    assert inspect_state_bucket(session, bucket) is None


@pytest.mark.parametrize(
    "name",
    ["ab", "A-bucket", "-bucket", "bucket-", "my.bucket", "192.168.0.1", "x" * 64, "xn--bucket", "a_b", "state\n"],
)
def test_names_that_s3_refuses_are_refused_before_any_call(name: str) -> None:
    with endpoint(lambda request: Answer(500)) as aws:
        with pytest.raises(RefusedInput, match="does not take this name"):
            create_state_bucket(open_session(Target("111111111111"), local=aws), name)
        assert aws.requests == []


def test_somebody_elses_bucket_is_refused_and_nothing_is_written() -> None:
    with endpoint(lambda request: Answer(403)) as aws:
        with pytest.raises(RefusedInput) as caught:
            create_state_bucket(open_session(Target("111111111111"), local=aws), "taken-name")
        assert {request.method for request in aws.requests} == {"HEAD"}
        # The owner is checked by S3 itself, on each call.
        assert aws.requests[0].headers["x-amz-expected-bucket-owner"] == "111111111111"
    assert "not as one of account 111111111111" in caught.value.what


def test_a_name_taken_between_two_calls_is_refused_too() -> None:
    def answer(request: Request) -> Answer:
        if request.method == "HEAD":
            return Answer(404)
        return Answer(409, "<Error><Code>BucketAlreadyExists</Code><Message>taken</Message></Error>")

    with endpoint(answer) as aws, pytest.raises(RefusedInput, match="not as one of account"):
        create_state_bucket(open_session(Target("111111111111"), local=aws), "taken-name")


def test_a_setting_that_may_not_be_read_is_an_error_and_not_a_missing_setting() -> None:
    def answer(request: Request) -> Answer:
        if request.method == "HEAD":
            return Answer(200, headers={"x-amz-bucket-region": "eu-central-1"})
        return Answer(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")

    with endpoint(answer) as aws:
        with pytest.raises(OrchestratorError, match="s3:GetBucketPublicAccessBlock"):
            create_state_bucket(open_session(Target("111111111111"), local=aws), "our-state")
        assert "PUT" not in {request.method for request in aws.requests}
