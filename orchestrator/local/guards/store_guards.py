"""S3 and Secrets Manager: policies of buckets, and secrets that wait for their deletion."""

from __future__ import annotations

from typing import Any

from orchestrator.local.guards.guard import AskedOfAws, Check
from orchestrator.local.guards.iam_guards import statements_of, texts

S3 = "S3 API reference, error responses"
BLOCK = "S3 user guide, Block Public Access"
SECRETS = "Secrets Manager API reference"


def _bucket(asked: AskedOfAws) -> Any:
    from moto.s3.models import s3_backends

    name = asked.call.path_values.get("Bucket", "")
    return next(
        (backend.buckets[name] for backend in s3_backends[asked.account_id].values() if name in backend.buckets), None
    )


def _no_bucket_policy(asked: AskedOfAws) -> str | None:
    name = asked.call.path_values.get("Bucket", "")
    statements = statements_of(asked.call.body.decode("utf-8", "replace"))
    if not statements:
        return "Policies must be valid JSON and the first byte must be '{'"
    resources = [each for statement in statements for each in texts(statement.get("Resource", ""))]
    if not all(each.split(":::", 1)[-1].split("/", 1)[0] in (name, "*") for each in resources):
        return "Policy has invalid resource"
    return None


def _public_policy(asked: AskedOfAws) -> str | None:
    bucket = _bucket(asked)
    block = bucket.public_access_block if bucket is not None else None
    if block is None or not block.block_public_policy:
        return None
    for statement in statements_of(asked.call.body.decode("utf-8", "replace")):
        principal = statement.get("Principal")
        everybody = principal == "*" or (isinstance(principal, dict) and "*" in texts(principal.get("AWS", "")))
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            return "User is not authorized to perform: s3:PutBucketPolicy because public policies are blocked"
    return None


def _secret_goes(asked: AskedOfAws) -> str | None:
    from moto.secretsmanager.models import secretsmanager_backends

    secrets = secretsmanager_backends[asked.account_id][asked.region].secrets
    secret = secrets.get(str(asked.document.get("SecretId", "")))
    if secret is not None and secret.is_deleted():
        return "You can't perform this operation on the secret because it was marked for deletion."
    return None


def _secret_name_goes(asked: AskedOfAws) -> str | None:
    from moto.secretsmanager.models import secretsmanager_backends

    secrets = secretsmanager_backends[asked.account_id][asked.region].secrets
    secret = secrets.get(str(asked.document.get("Name", "")))
    if secret is not None and secret.is_deleted():
        return "You can't create this secret because a secret with this name is already scheduled for deletion."
    return None


CHECKS = (
    Check("s3", "PutBucketPolicy", "MalformedPolicy", "it is no policy, or of another bucket", S3, _no_bucket_policy),
    Check(
        "s3",
        "PutBucketPolicy",
        "AccessDenied",
        "everybody is allowed and the bucket blocks public policies",
        BLOCK,
        _public_policy,
        403,
    ),
    Check(
        "secretsmanager",
        "PutSecretValue",
        "InvalidRequestException",
        "the secret is scheduled for deletion",
        SECRETS,
        _secret_goes,
    ),
    Check(
        "secretsmanager",
        "CreateSecret",
        "InvalidRequestException",
        "one of that name is scheduled for deletion",
        SECRETS,
        _secret_name_goes,
    ),
)
