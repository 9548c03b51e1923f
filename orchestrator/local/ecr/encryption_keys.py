"""KMS keys as ECR uses them: a key of the registry's region that exists and is enabled. Asks moto's KMS."""

from __future__ import annotations

from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import HeldRegistry


def check_key(registry: HeldRegistry, name: str) -> None:
    """Raise what AWS raises for a key that cannot encrypt a repository; `name` is an ARN, a key's ID or an alias."""
    from moto.core.exceptions import JsonRESTError, ServiceException
    from moto.kms.models import kms_backends

    _, _, _, region, account, identifier = name.split(":", 5) if name.startswith("arn:") else ("",) * 5 + (name,)
    if region not in ("", registry.region):
        raise EcrError("KmsException", f"The key '{name}' is not in the region {registry.region}")
    backend = kms_backends[account or registry.account_id][registry.region]
    try:
        key = backend.describe_key(identifier.removeprefix("key/"))
    except (JsonRESTError, ServiceException, KeyError):
        key = None
    if key is None:
        raise EcrError("KmsException", f"The key '{name}' does not exist")
    if key.key_state != "Enabled":
        raise EcrError("KmsException", f"The key '{name}' is {key.key_state}")
