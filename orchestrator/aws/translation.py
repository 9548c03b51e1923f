"""What AWS and its SDK refuse, as errors with a remedy. Nothing secret is in the text: requests are never quoted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from orchestrator.aws.refusal_remedies import remedy_for
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.lifecycle.ports import PortError

T = TypeVar("T")
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
INVALID = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthFailure",
    }
)
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)

# IAM's name of the action where it is not `service:Operation`.
ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "CreateBucket": "s3:CreateBucket",
    "DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "GetBucketCors": "s3:GetBucketCORS",
    "GetBucketReplication": "s3:GetReplicationConfiguration",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "ListObjectVersions": "s3:ListBucketVersions",
    **dict.fromkeys(("GetBucketLifecycle", "GetBucketLifecycleConfiguration"), "s3:GetLifecycleConfiguration"),
    **dict.fromkeys(
        ("DeleteBucketLifecycle", "PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
        "s3:PutLifecycleConfiguration",
    ),
    **dict.fromkeys(("DeleteBucketEncryption",), "s3:PutEncryptionConfiguration"),
    "Invoke": "lambda:InvokeFunction",
}


def error_code(error: ClientError) -> str:
    """AWS's own code, such as `RepositoryNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_text(error: ClientError) -> str:
    """AWS's own sentence."""
    return str(error.response.get("Error", {}).get("Message", ""))


@contextmanager
def explained(environment: str, service: str = "", *, what: str = "") -> Iterator[None]:
    """Turn every error of the SDK or of a port inside the block into an `OrchestratorError`.

    `service` is the IAM prefix, such as `ecr`; `what` is the sentence for a port that failed without AWS.
    """
    try:
        yield
    except (ClientError, BotoCoreError, PortError) as error:
        raise explain(error, environment, service, what=what) from error


def is_absent(error: ClientError) -> bool:
    """True when AWS says that the thing asked for does not exist, which is an answer and no failure."""
    code = error_code(error)
    return code in ("NoSuchEntity", "404", "NoSuchKey", "NoSuchBucket") or code.endswith(
        ("NotFoundException", "NotFound")
    )


def found_or_none(environment: str, service: str, call: Callable[[], T]) -> T | None:
    """What `call` answers, None when AWS says that the thing does not exist; every other refusal is explained."""
    with explained(environment, service):
        try:
            return call()
        except ClientError as error:
            if is_absent(error):
                return None
            raise


def explain(
    error: ClientError | BotoCoreError | PortError, environment: str, service: str = "", *, what: str = ""
) -> OrchestratorError:
    """The error that a user sees for what the SDK raised, be it by itself or through a port."""
    if isinstance(error, PortError):
        if isinstance(error.__cause__, (ClientError, BotoCoreError)):
            return explain(error.__cause__, environment, service)
        return OrchestratorError(
            what or f"AWS refused {error.operation or 'a call'}.",
            why=_sentence(": ".join(part for part in (error.code, error.message) if part)),
            environment=environment,
        )
    if isinstance(error, ClientError):
        return _refused_by_aws(error, environment, service)
    if isinstance(error, ProfileNotFound):
        return RefusedInput(
            f'the AWS profile "{error.kwargs.get("profile")}" is not configured.',
            environment=environment,
            why="`aws_profile` (or AWS_PROFILE) names it, but this machine's AWS configuration does not have it.",
            remedy="Run `aws configure sso --profile NAME` or `aws configure --profile NAME`, or change the name.",
        )
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return OrchestratorError(
            "there are no usable AWS credentials.",
            environment=environment,
            why=_sentence(error),
            remedy="Sign in (`aws sso login`), set `aws_profile`, export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or use --local.",
        )
    if isinstance(error, (SSOTokenLoadError, TokenRetrievalError, UnauthorizedSSOTokenError)):
        return OrchestratorError(
            "the SSO session has expired or was never started.",
            environment=environment,
            why=_sentence(error),
            remedy="Run `aws sso login` (with `--profile NAME` when the environment has `aws_profile`) and try again.",
        )
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError, ProxyConnectionError)):
        return OrchestratorError(
            "AWS could not be reached.",
            environment=environment,
            why=_sentence(error),
            remedy="Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and `aws_region`; for the embedded AWS run "
            "`orchestrator local status`.",
        )
    if isinstance(error, SSLError):
        return OrchestratorError(
            "the TLS certificate of AWS was not accepted.",
            environment=environment,
            why=_sentence(error),
            remedy="Behind a proxy that opens TLS, let AWS_CA_BUNDLE name a file with its certificate.",
        )
    return OrchestratorError(
        f"the AWS SDK failed ({type(error).__name__}).",
        environment=environment,
        why=_sentence(error),
        remedy="Run the command again with --verbose to see where.",
    )


def _sentence(error: object) -> str:
    """The text of AWS or its SDK on one line, ending with a full stop; nothing of nothing."""
    text = " ".join(str(error).split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def missing_action(error: ClientError, service: str = "") -> str:
    """The IAM action that a refusal is about: what AWS names in its text, else the operation's own."""
    named = re.search(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)", error_text(error))
    if named:
        return named.group(1)
    return ACTIONS.get(error.operation_name, f"{service or '*'}:{error.operation_name}")


def _refused_by_aws(error: ClientError, environment: str, service: str) -> OrchestratorError:
    code, text = error_code(error), _sentence(error_text(error))
    called = error.operation_name
    particular = remedy_for(f"{called} {code}: {text}")
    if code in DENIED:
        action = missing_action(error, service)
        return OrchestratorError(
            f"{called} was denied.",
            environment=environment,
            why=f"The credentials lack {action}: {text}" if text else f"The credentials lack {action}.",
            remedy=particular
            or f"Allow {action} (`orchestrator docs deployer-policy` lists all that is needed), or use another profile.",
        )
    if code in EXPIRED:
        return OrchestratorError(
            f"{called}: the AWS credentials have expired.",
            environment=environment,
            why=text,
            remedy="Sign in again (`aws sso login`) or renew the exported keys.",
        )
    if code in INVALID:
        return OrchestratorError(
            f"{called}: AWS does not know these credentials ({code}).",
            environment=environment,
            why=text,
            remedy="Check the access key, its account's partition and the clock of this machine. A region that the account has "
            "not opted in to answers so, too (`aws account enable-region --region-name REGION`).",
        )
    if code in THROTTLED:
        return OrchestratorError(
            f"{called}: AWS throttled the call {code!r} until the retries were used up.",
            environment=environment,
            why=text,
            remedy="Run the command again later, or with fewer environments at a time (-j 1).",
        )
    return OrchestratorError(f"{called} failed with {code}.", environment=environment, why=text, remedy=particular)
