"""Upstream credentials in Secrets Manager, in the one shape that an ECR pull-through cache rule accepts.

ECR user guide, "Storing your upstream repository credentials". The secret's name begins `ecr-pullthroughcache/`, its
value is {"username": ..., "accessToken": ...}. It lives in the rule's account and region and is encrypted with the
default key `aws/secretsmanager`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import explained, found_or_none
from orchestrator.aws.upstream_credentials import Credentials
from orchestrator.errors import OrchestratorError, RefusedInput

PREFIX = "ecr-pullthroughcache/"
DEFAULT_KEY = "alias/aws/secretsmanager"
# What Secrets Manager allows in a name; it adds six characters of its own to the ARN.
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}\Z")


@dataclass(frozen=True, slots=True)
class UpstreamSecret:
    """A secret as it stands: `deleted` while it waits for its scheduled deletion, when ECR cannot use it."""

    name: str
    arn: str
    deleted: bool = False
    kms_key_id: str | None = None

    @property
    def default_key(self) -> bool:
        """True when ECR can read it: it supports no customer managed key here."""
        return self.kms_key_id is None or self.kms_key_id.endswith(DEFAULT_KEY)


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """What `put_upstream_secret` did."""

    name: str
    arn: str
    created: bool


def check_name(name: str) -> None:
    """Raise `RefusedInput` for a name that ECR would not accept for upstream credentials."""
    if not name.startswith(PREFIX) or len(name) == len(PREFIX):
        raise RefusedInput(
            f'secret "{name}": ECR reads upstream credentials only from secrets named `{PREFIX}...`.',
            remedy=f'Name it "{PREFIX}{name.strip("/").rsplit("/", 1)[-1] or "docker-hub"}".',
        )
    if not _NAME.match(name):
        raise RefusedInput(
            f'secret "{name}": Secrets Manager does not accept this name.',
            why="A name has up to 512 ASCII letters, digits and /_+=.@-",
        )


def describe_secret(session: AwsSession, name: str) -> UpstreamSecret | None:
    """The secret as it stands, None when it does not exist; raises when AWS does not let us tell."""
    client = session.client("secretsmanager")
    answer = found_or_none(session, "secretsmanager", lambda: client.describe_secret(SecretId=name))
    return (
        None
        if answer is None
        else UpstreamSecret(
            name=answer["Name"],
            arn=answer["ARN"],
            deleted="DeletedDate" in answer,
            kms_key_id=answer.get("KmsKeyId"),
        )
    )


def unusable(
    session: AwsSession, environment: str, prefix: str, name: str, found: UpstreamSecret | None
) -> tuple[str, str] | None:
    """Why ECR cannot use the secret of a rule, and what to do: (what, remedy); None where it can."""
    if found is None:
        return f"{name} does not exist", f"Store it: orchestrator secret set {environment} {prefix}{session.flag}"
    if found.deleted:
        remedy = f"aws secretsmanager restore-secret --region {session.region} --secret-id {name}"
        return f"{name} is scheduled for deletion", remedy
    if not found.default_key:
        what = f"{name} is encrypted with {found.kms_key_id}, which ECR cannot read"
        return what, "Encrypt it with the default key aws/secretsmanager."
    return None


def put_upstream_secret(
    session: AwsSession,
    name: str,
    credentials: Credentials,
    *,
    tags: Mapping[str, str] | None = None,
    description: str = "",
) -> StoredSecret:
    """Create the secret, or give the existing one a new value; its ARN stays the same then.

    Raises `RefusedInput` for a name that ECR does not read. Raises `OrchestratorError` for a secret that waits for its
    deletion or is encrypted with a key that ECR cannot use.
    """
    check_name(name)
    existing = describe_secret(session, name)
    client = session.client("secretsmanager")
    wanted = [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]
    if existing is None:
        with explained(session, "secretsmanager"):
            made = client.create_secret(
                Name=name,
                Description=description or "Upstream credentials of an ECR pull-through cache rule",
                SecretString=credentials.as_secret(),
                Tags=wanted,  # type: ignore[arg-type]
            )
        return StoredSecret(name=name, arn=made["ARN"], created=True)
    _refuse_unusable(session, existing)
    with explained(session, "secretsmanager"):
        client.put_secret_value(SecretId=existing.arn, SecretString=credentials.as_secret())
        if wanted:
            client.tag_resource(SecretId=existing.arn, Tags=wanted)  # type: ignore[arg-type]
    return StoredSecret(name=name, arn=existing.arn, created=False)


def waits_for_deletion(session: AwsSession, secret: UpstreamSecret) -> OrchestratorError:
    """The error about a secret that nobody can read or write until its deletion is done or cancelled."""
    return OrchestratorError(
        f'secret "{secret.name}" is scheduled for deletion.',
        environment=session.environment,
        why="AWS keeps its name taken and refuses new values until the deletion is done or cancelled.",
        remedy=f"Cancel it: aws secretsmanager restore-secret --region {session.region} --secret-id {secret.name}",
    )


def _refuse_unusable(session: AwsSession, secret: UpstreamSecret) -> None:
    if secret.deleted:
        raise waits_for_deletion(session, secret)
    if not secret.default_key:
        raise OrchestratorError(
            f'secret "{secret.name}" is encrypted with key {secret.kms_key_id}.',
            environment=session.environment,
            why="ECR reads upstream credentials only when they are encrypted with the default key aws/secretsmanager.",
            remedy=f"aws secretsmanager update-secret --region {session.region} --secret-id {secret.name} "
            f"--kms-key-id {DEFAULT_KEY}",
        )
