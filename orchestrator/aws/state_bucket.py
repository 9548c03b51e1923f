"""The S3 bucket that holds Terraform's state: made, or brought up to the standard with only what is missing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.bucket_policy import with_tls_only
from orchestrator.aws.session import AwsSession
from orchestrator.aws.translation import error_code, explained
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\Z")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")
_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_UNSET = frozenset(
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


@dataclass(frozen=True, slots=True)
class _Step:
    """Something the bucket lacks: `lacks` says it, `done` is what is said once `repair` ran."""

    lacks: str
    done: str
    repair: Callable[[], object]


def create_state_bucket(
    session: AwsSession, bucket: str, *, region: str | None = None, kms_key_arn: str | None = None
) -> StateBucket:
    """Make the bucket, or give an existing one of the same account what it lacks. Running it again changes nothing.

    The standard is object ownership enforced, no public access, versioning, encryption (`kms_key_arn`, else AES256). An
    existing KMS encryption stays unless another key is given. A policy that denies requests without TLS is added to
    the statements that are there. `region` defaults to the session's.

    Raises `RefusedInput` for a name S3 refuses, a key of another region, and a bucket that is not the account's own.
    """
    region = region or session.region
    check_bucket_name(bucket)
    _check_key(kms_key_arn, region)
    client = session.client("s3", region)
    with explained(session, "s3"):
        created = not _exists(session, client, bucket, region)
        if created:
            _create(session, client, bucket, region)
        # A wrong policy for a moment is harmless in an empty bucket; the order below closes public access first.
        changes = []
        for step in _lacking(session, client, bucket, kms_key_arn):
            step.repair()
            changes.append(step.done)
    return StateBucket(bucket, region, created, tuple(changes))


def inspect_state_bucket(session: AwsSession, bucket: str, *, region: str | None = None) -> tuple[str, ...] | None:
    """What the bucket lacks of the standard, as sentences; None when it does not exist. Changes nothing."""
    region = region or session.region
    client = session.client("s3", region)
    with explained(session, "s3"):
        if not _exists(session, client, bucket, region):
            return None
        return tuple(step.lacks for step in _lacking(session, client, bucket, None))


def check_bucket_name(bucket: str) -> None:
    """Raise `RefusedInput` for a name that S3 refuses, or that breaks TLS (dots do, S3 user guide, bucket naming)."""
    problem = ""
    if "." in bucket and _is_address(bucket):
        problem = "A bucket's name cannot be an IP address."
    elif "." in bucket:
        problem = "With a dot in its name the certificate of S3 does not cover the bucket's host name."
    elif not _BUCKET.match(bucket):
        problem = "A name has 3 to 63 lower-case letters, digits and hyphens, and begins and ends with no hyphen."
    elif bucket.startswith(_RESERVED_STARTS) or bucket.endswith(_RESERVED_ENDS):
        problem = "S3 reserves this beginning or ending."
    if problem:
        raise RefusedInput(f'state bucket "{bucket}": S3 does not take this name.', why=problem, remedy="Rename it.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_key(kms_key_arn: str | None, region: str) -> None:
    if kms_key_arn is None:
        return
    parts = kms_key_arn.split(":")
    if len(parts) < 6 or parts[0] != "arn" or parts[2] != "kms":
        raise RefusedInput(
            f'"{kms_key_arn}" is not the ARN of a KMS key.', remedy="Give arn:aws:kms:REGION:ACCOUNT:key/ID."
        )
    if parts[3] != region:
        raise RefusedInput(
            f'KMS key "{kms_key_arn}" is in {parts[3]}, but the state bucket is in {region}.',
            why="S3 encrypts only with a key of the bucket's own region.",
            remedy="Give a key of that region.",
        )


def _exists(session: AwsSession, client: S3Client, bucket: str, region: str) -> bool:
    """Is it there, in `region` and the account's own? Raises `RefusedInput` when it is there but is not that."""
    try:
        answer = client.head_bucket(Bucket=bucket, ExpectedBucketOwner=session.account_id)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            return False
        if status == 403:
            raise _taken(session, bucket, certain=False) from error
        if status in (301, 400) and (elsewhere := _region_header(error.response)) not in (None, region):
            raise _elsewhere(bucket, str(elsewhere), region) from error
        raise
    found = answer.get("BucketRegion") or _region_header(answer)
    # The embedded AWS keeps one list of buckets for all regions.
    if found and found != region and not session.is_local:
        raise _elsewhere(bucket, found, region)
    return True


def _region_header(response: Any) -> str | None:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = headers.get("x-amz-bucket-region")
    return str(found) if found else None


def _elsewhere(bucket: str, found: str, wanted: str) -> RefusedInput:
    return RefusedInput(
        f'state bucket "{bucket}" is in {found}, not in {wanted}.',
        remedy=f'Set `region = "{found}"` in the environment\'s `state`, or choose another name.',
    )


def _taken(session: AwsSession, bucket: str, *, certain: bool) -> RefusedInput:
    also = "" if certain else ", or these credentials lack s3:ListBucket on it"
    return RefusedInput(
        f'state bucket "{bucket}" exists, but not as one of account {session.account_id}{also}.',
        why="All AWS accounts share the names of buckets, and state is never written into another account's bucket.",
        remedy=f'Choose another name, such as "{bucket[:40].rstrip("-")}-{session.account_id}".',
    )


def _create(session: AwsSession, client: S3Client, bucket: str, region: str) -> None:
    request: CreateBucketRequestTypeDef = {"Bucket": bucket, "ObjectOwnership": "BucketOwnerEnforced"}
    if region != "us-east-1":
        # S3 refuses us-east-1 as a location constraint and demands every other region.
        request["CreateBucketConfiguration"] = {"LocationConstraint": region}  # type: ignore[typeddict-item]
    try:
        client.create_bucket(**request)
    except ClientError as error:
        if error_code(error) == "BucketAlreadyExists":
            raise _taken(session, bucket, certain=True) from error
        if error_code(error) != "BucketAlreadyOwnedByYou":
            raise
    client.get_waiter("bucket_exists").wait(Bucket=bucket, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def _lacking(session: AwsSession, client: S3Client, bucket: str, kms_key_arn: str | None) -> Iterator[_Step]:
    """What is missing, in the order in which it is best repaired. Each setting is read when its turn comes."""
    owner: Any = {"Bucket": bucket, "ExpectedBucketOwner": session.account_id}

    block = _setting(lambda: client.get_public_access_block(**owner)["PublicAccessBlockConfiguration"]) or {}
    if not all(block.get(key) for key in _BLOCK):
        yield _Step(
            "public access is not blocked",
            "public access blocked",
            lambda: client.put_public_access_block(
                **owner,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            ),
        )

    controls = _setting(lambda: client.get_bucket_ownership_controls(**owner)["OwnershipControls"]) or {"Rules": []}
    if [rule["ObjectOwnership"] for rule in controls["Rules"]] != ["BucketOwnerEnforced"]:
        yield _Step(
            "access control lists are still in force (object ownership)",
            "object ownership enforced",
            lambda: client.put_bucket_ownership_controls(
                **owner, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
            ),
        )

    if client.get_bucket_versioning(**owner).get("Status") != "Enabled":
        yield _Step(
            "versioning is off",
            "versioning enabled",
            lambda: client.put_bucket_versioning(**owner, VersioningConfiguration={"Status": "Enabled"}),
        )

    encryption = _setting(lambda: client.get_bucket_encryption(**owner)["ServerSideEncryptionConfiguration"])
    if not _encrypted(encryption, kms_key_arn):
        default: Any = (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key_arn} if kms_key_arn else {"SSEAlgorithm": "AES256"}
        )
        yield _Step(
            "encryption by default is off",
            f"encryption by default with {kms_key_arn or 'AES256'}",
            lambda: client.put_bucket_encryption(
                **owner,
                ServerSideEncryptionConfiguration={
                    "Rules": [
                        {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": kms_key_arn is not None}
                    ]
                },
            ),
        )

    text = _setting(lambda: client.get_bucket_policy(**owner)["Policy"])
    arn = f"arn:{session.partition}:s3:::{bucket}"
    policy = with_tls_only(text, arn)
    if policy is not None:
        yield _Step(
            "requests without TLS are not denied",
            "requests without TLS denied",
            lambda: client.put_bucket_policy(**owner, Policy=policy),
        )


def _encrypted(configuration: Any, kms_key_arn: str | None) -> bool:
    for rule in (configuration or {}).get("Rules", []):
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if kms_key_arn is None:
            return bool(default.get("SSEAlgorithm"))
        return (
            str(default.get("SSEAlgorithm", "")).startswith("aws:kms") and default.get("KMSMasterKeyID") == kms_key_arn
        )
    return False


def _setting(read: Callable[[], Any]) -> Any:
    """What `read` gives, None when S3 says that nothing is set. Every other refusal passes through: it is no answer."""
    try:
        return read()
    except ClientError as error:
        if error_code(error) in _UNSET:
            return None
        raise
