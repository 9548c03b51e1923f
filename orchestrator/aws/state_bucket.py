"""The S3 bucket that holds Terraform's state: made, or brought up to the standard with only what is missing."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.errors import error_code, error_text, explained
from orchestrator.aws.session import AwsSession
from orchestrator.errors import OrchestratorError, RefusedInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SID = "DenyInsecureTransport"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\Z")
_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_ABSENT = frozenset(
    {
        "NoSuchBucketPolicy",
        "ServerSideEncryptionConfigurationNotFoundError",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
    }
)


@dataclass(frozen=True, slots=True)
class StateBucket:
    """A bucket that meets the standard; `changes` are sentences on what had to be done (empty: nothing)."""

    name: str
    region: str
    created: bool
    changes: tuple[str, ...]


def create_state_bucket(
    session: AwsSession, bucket: str, *, region: str | None = None, kms_key_arn: str | None = None
) -> StateBucket:
    """Make the bucket, or give an existing one of the same account what it lacks. Running it again changes nothing.

    The standard: object ownership enforced, no public access, versioning, encryption (`kms_key_arn`, else AES256; an
    existing KMS encryption stays unless another key is given), and a policy that denies requests without TLS, added to
    the statements that are there. `region` defaults to the session's.

    Raises `RefusedInput` for a name S3 refuses and for a bucket that is not the account's own.
    """
    raise NotImplementedError


def inspect_state_bucket(session: AwsSession, bucket: str, *, region: str | None = None) -> tuple[str, ...] | None:
    """What the bucket lacks of the standard, as sentences; None when it does not exist. Changes nothing."""
    raise NotImplementedError
