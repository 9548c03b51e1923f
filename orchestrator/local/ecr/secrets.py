"""Upstream credentials as ECR reads them from Secrets Manager: same account and region, JSON with two members."""

from __future__ import annotations

import json

from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import HeldRegistry

# ECR supports no key of the customer's here (user guide, pull-through cache).
DEFAULT_KEY = "aws/secretsmanager"


def check_secret(registry: HeldRegistry, arn: str) -> None:
    """Raise what AWS raises when the credentials of `arn` cannot be used."""
    problem = secret_problem(registry, arn)
    if problem:
        raise problem


def secret_problem(registry: HeldRegistry, arn: str) -> EcrError | None:
    """Why ECR cannot use the secret of `arn`, or None. Asks moto's Secrets Manager."""
    _, _, _, region, account_id, _, _ = arn.split(":", 6)
    if (account_id, region) != (registry.account_id, registry.region):
        return EcrError(
            "UnableToAccessSecretException",
            f"The secret '{arn}' must be in the account and region of the registry "
            f"({registry.account_id}, {registry.region}).",
        )
    secret, key = _secret_value(registry, arn)
    if secret is None:
        return EcrError("SecretNotFoundException", f"The secret '{arn}' could not be found.")
    if key and not key.endswith(DEFAULT_KEY):
        return EcrError("UnableToDecryptSecretValueException", f"The secret '{arn}' is encrypted with the key '{key}'.")
    try:
        credentials = json.loads(secret)
    except ValueError:
        credentials = None
    if not isinstance(credentials, dict) or not all(
        isinstance(credentials.get(name), str) and credentials[name] for name in ("username", "accessToken")
    ):
        return EcrError(
            "UnableToAccessSecretException",
            f"The secret '{arn}' must be JSON with the members 'username' and 'accessToken'.",
        )
    return None


def secret_login(registry: HeldRegistry, arn: str) -> tuple[str, str]:
    """(user name, access token) of a secret that `secret_problem` has nothing against."""
    credentials = json.loads(_secret_value(registry, arn)[0] or "{}")
    return credentials["username"], credentials["accessToken"]


def _secret_value(registry: HeldRegistry, arn: str) -> tuple[str | None, str]:
    """(the secret's text, or None when it cannot be had; its KMS key, if it names one)."""
    from moto.core.exceptions import JsonRESTError, ServiceException
    from moto.secretsmanager.models import secretsmanager_backends

    backend = secretsmanager_backends[registry.account_id][registry.region]
    try:
        answer = backend.get_secret_value(secret_id=arn, version_id="", version_stage="AWSCURRENT")
        key = backend.describe_secret(arn).to_dict().get("KmsKeyId")
    except (JsonRESTError, ServiceException):
        return None, ""
    return str(answer.get("SecretString") or ""), str(key or "")
