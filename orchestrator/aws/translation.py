"""What AWS and its SDK refuse, as errors with a remedy. Nothing secret is in the text: requests are never quoted.

Every command passes through here: a block that calls AWS stands in `explained`, which raises one `OrchestratorError`. It
names the environment, its account and region, the call, the reason in AWS's words, and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore names it
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from orchestrator.aws.refused_calls import RefusedCall, explain_refusal, sentence
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.lifecycle.ports import PortError

T = TypeVar("T")


class AskedAccount(Protocol):
    """Who is asked: a session has the environment's name, account (12 digits) and region."""

    @property
    def environment(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def region(self) -> str: ...


def error_code(error: ClientError) -> str:
    """AWS's own code, such as `RepositoryNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_text(error: ClientError) -> str:
    """AWS's own sentence."""
    return str(error.response.get("Error", {}).get("Message", ""))


def note_operation(**event: Any) -> None:
    """Remember which call an error of the SDK ended: `after-call-error.sts.GetCallerIdentity`.

    A client of `AwsSession` calls it. The first call stays, which is the cause where a role was to be assumed for another.
    """
    error = event["exception"]
    if isinstance(error, BotoCoreError):
        vars(error).setdefault(_CALL, event["event_name"].rsplit(".", 1)[-1])


_CALL = "orchestrator_call"


@contextmanager
def explained(asked: AskedAccount | str, service: str = "", *, what: str = "") -> Iterator[None]:
    """Turn every error of the SDK or of a port inside the block into an `OrchestratorError`.

    `asked` is the session, or only the environment's name before there is one. `service` is the IAM prefix, such as
    `ecr`; `what` is the sentence for a port that failed without AWS.
    """
    try:
        yield
    except (ClientError, BotoCoreError, PortError) as error:
        raise explain(error, asked, service, what=what) from error


def is_absent(error: ClientError) -> bool:
    """True when AWS says that the thing asked for does not exist, which is an answer and no failure."""
    code = error_code(error)
    return code in ("NoSuchEntity", "404", "NoSuchKey", "NoSuchBucket") or code.endswith(
        ("NotFoundException", "NotFound")
    )


def found_or_none(asked: AskedAccount | str, service: str, call: Callable[[], T]) -> T | None:
    """What `call` answers, None when AWS says that the thing does not exist; every other refusal is explained."""
    with explained(asked, service):
        try:
            return call()
        except ClientError as error:
            if is_absent(error):
                return None
            raise


def explain(
    error: ClientError | BotoCoreError | PortError, asked: AskedAccount | str, service: str = "", *, what: str = ""
) -> OrchestratorError:
    """The error that a user sees for what the SDK raised, be it by itself or through a port."""
    found = _explain(error, service, what)
    if isinstance(asked, str):
        found.environment = asked
    else:
        found.environment, found.place = asked.environment, f"account {asked.account_id}, {asked.region}"
    return found


def _explain(error: ClientError | BotoCoreError | PortError, service: str, what: str) -> OrchestratorError:
    if isinstance(error, PortError):
        if isinstance(error.__cause__, (ClientError, BotoCoreError)):
            return _explain(error.__cause__, service, what)
        return OrchestratorError(
            what or f"AWS refused {error.operation or 'a call'}.",
            why=sentence(": ".join(part for part in (error.code, error.message) if part)),
        )
    if isinstance(error, ClientError):
        return explain_refusal(refused_call(error, service))
    if isinstance(error, ProfileNotFound):
        return RefusedInput(
            f'the AWS profile "{error.kwargs.get("profile")}" is not configured.',
            why="`aws_profile` (or AWS_PROFILE) names it, but this machine's AWS configuration does not have it.",
            remedy="Run `aws configure sso --profile NAME` or `aws configure --profile NAME`, or change the name.",
        )
    return _failed_in_sdk(error)


# The first row that fits: {what happened before AWS could answer, remedy}.
_SDK: tuple[tuple[tuple[type[BotoCoreError], ...], str, str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError),
        "there are no usable AWS credentials.",
        "Sign in (`aws sso login`), set `aws_profile`, export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or use --local.",
    ),
    (
        (SSOError, TokenRetrievalError),
        "the SSO session has expired or was never started.",
        "Run `aws sso login` (with `--profile NAME` when the environment has `aws_profile`) and try again.",
    ),
    (
        (LoginError,),
        "the session of `aws login` has expired or was never started.",
        "Run `aws login` (with `--profile NAME` when the environment has `aws_profile`) and try again.",
    ),
    (
        (CredentialRetrievalError,),
        "the AWS credentials could not be fetched.",
        "Run the profile's `credential_process` by hand, or sign in again (`aws sso login`).",
    ),
    (
        (SSLError,),
        "the TLS certificate of AWS was not accepted.",
        "Behind a proxy that opens TLS, let AWS_CA_BUNDLE name a file with its certificate.",
    ),
    (
        (ConnectionError, HTTPClientError),
        "AWS could not be reached.",
        "Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and `aws_region`; for the embedded AWS run "
        "`orchestrator local status`.",
    ),
)


def _failed_in_sdk(error: BotoCoreError) -> OrchestratorError:
    """What the SDK raised by itself, after the name of the call that it ended, where there was one."""
    called: str = getattr(error, _CALL, "")
    before = f"{called}: " if called else ""
    for kinds, what, remedy in _SDK:
        if isinstance(error, kinds):
            return OrchestratorError(f"{before}{what}", why=sentence(error), remedy=remedy)
    return OrchestratorError(
        f"{before}the AWS SDK failed ({type(error).__name__}).",
        why=sentence(error),
        remedy="Run the command again with --verbose to see where.",
    )


def refused_call(error: ClientError, service: str = "") -> RefusedCall:
    """What the SDK raised, as the call that AWS refused; `service` is the IAM prefix."""
    return RefusedCall(error.operation_name, error_code(error), error_text(error), service)
