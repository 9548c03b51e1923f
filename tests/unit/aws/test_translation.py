"""What AWS and its SDK refuse, as errors that a user can act on."""

from __future__ import annotations

import ssl

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from orchestrator.aws.ports.refusals import refusals
from orchestrator.aws.translation import explain, explained, found_or_none, is_absent, refused_call
from orchestrator.errors import OrchestratorError
from orchestrator.lifecycle.ports import PortError


def refusal(code: str, message: str = "", operation: str = "DescribeImages") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "what", "remedy"),
    [
        (ProfileNotFound(profile="work"), 'the AWS profile "work" is not configured', "aws configure"),
        (NoCredentialsError(), "no usable AWS credentials", "--local"),
        (PartialCredentialsError(provider="env", cred_var="secret"), "no usable AWS credentials", "aws sso login"),
        (SSOTokenLoadError(error_msg="gone"), "SSO session", "aws sso login"),
        (UnauthorizedSSOTokenError(), "SSO session", "aws sso login"),
        (TokenRetrievalError(provider="sso", error_msg="expired"), "SSO session", "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://x"), "could not be reached", "HTTPS_PROXY"),
        (ConnectTimeoutError(endpoint_url="https://x"), "could not be reached", "HTTPS_PROXY"),
        (ReadTimeoutError(endpoint_url="https://x"), "could not be reached", "HTTPS_PROXY"),
        (
            SSLError(endpoint_url="https://x", error=ssl.SSLError("self-signed")),
            "certificate of AWS was not accepted",
            "AWS_CA_BUNDLE",
        ),
        (ParamValidationError(report="too\nlong"), "the AWS SDK failed (ParamValidationError)", "--verbose"),
        (refusal("AccessDeniedException"), "DescribeImages was denied", "Allow ecr:DescribeImages"),
        (refusal("ExpiredTokenException"), "credentials have expired", "Sign in again"),
        (refusal("UnrecognizedClientException"), "AWS does not know these credentials", "partition"),
        (refusal("ThrottlingException"), "throttled", "-j 1"),
        (refusal("ServerException"), "DescribeImages failed with ServerException", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_failure_says_what_and_what_to_do(error: ClientError | BotoCoreError, what: str, remedy: str) -> None:
    explained_ = explain(error, "dev", "ecr")
    assert explained_.environment == "dev"
    assert what in explained_.what
    assert remedy in explained_.remedy
    assert "\n" not in str(explained_)


@pytest.mark.parametrize(
    ("operation", "message", "action"),
    [
        ("DescribeImages", "", "ecr:DescribeImages"),
        ("HeadBucket", "", "s3:ListBucket"),
        ("GetPublicAccessBlock", "Access Denied", "s3:GetBucketPublicAccessBlock"),
        (
            "CreateRepository",
            "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:TagResource on resource: y",
            "ecr:TagResource",
        ),
        ("CreateRole", "is not authorized to perform iam:PassRole", "iam:PassRole"),
    ],
)
def test_the_missing_action_is_what_aws_names_else_the_operation(operation: str, message: str, action: str) -> None:
    assert refused_call(refusal("AccessDenied", message, operation), "ecr").action == action


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("RepositoryNotFoundException", True),
        ("NoSuchEntity", True),
        ("InvalidVpcEndpointId.NotFound", True),
        ("404", True),
        ("AccessDeniedException", False),
        ("ThrottlingException", False),
        ("", False),
    ],
)
def test_absent_is_an_answer_and_everything_else_a_failure(code: str, absent: bool) -> None:
    assert is_absent(refusal(code)) is absent

    def call() -> str:
        raise refusal(code)

    if absent:
        assert found_or_none("dev", "ecr", call) is None
    else:
        with pytest.raises(OrchestratorError):
            found_or_none("dev", "ecr", call)
    assert found_or_none("dev", "ecr", lambda: "there") == "there"


def test_the_sdks_own_error_stays_as_the_cause() -> None:
    error = refusal("ServerException")
    with pytest.raises(OrchestratorError) as caught, explained("dev", "ecr"):
        raise error
    assert caught.value.__cause__ is error


def test_other_errors_pass_through() -> None:
    with pytest.raises(KeyError), explained("dev"):
        raise KeyError("ours")


def test_what_a_port_was_refused_has_the_environment_and_the_remedy_of_the_sdks_error() -> None:
    with pytest.raises(OrchestratorError) as caught, explained("dev", "ecr"), refusals():
        raise refusal("ExpiredTokenException", "The security token included in the request is expired")
    text = str(caught.value)
    assert text.startswith('environment "dev": DescribeImages: the AWS credentials have expired.')
    assert "request is expired. Sign in again (`aws sso login`)" in text


def test_what_a_port_was_refused_without_aws_is_told_in_its_own_words() -> None:
    with pytest.raises(OrchestratorError) as caught, explained("dev", what="The snapshots cannot be read."):
        raise PortError("Folder", "it is no folder")
    assert str(caught.value) == 'environment "dev": The snapshots cannot be read. Folder: it is no folder.'


@pytest.mark.parametrize("text", ["", "Rate exceeded", "Rate exceeded.", "Why?", "two\nlines"])
@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "InvalidClientTokenId", "Throttling", "Whatever"])
def test_aws_own_text_is_a_sentence(code: str, text: str) -> None:
    why = explain(refusal(code, text), "dev").why
    assert why == "" or why.endswith((".", "?"))
    assert "\n" not in why
    assert ".." not in why
