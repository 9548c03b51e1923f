"""What belongs to a registry as a whole: its policy, account settings, scanning, replication, pull-time exclusions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestrator.lifecycle.patterns import matches
from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldRepository, now, page
from orchestrator.local.ecr.resource_policies import check_policy_text, statements_of
from orchestrator.local.ecr.tokens import issue

# {setting: its values, the default first} (ECR API reference, PutAccountSetting).
ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"),
    "REGISTRY_POLICY_SCOPE": ("V1", "V2"),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}
SCAN_FREQUENCIES = {
    "BASIC": ("SCAN_ON_PUSH", "MANUAL"),
    "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"),
}
# What a registry policy of scope V1 may grant; V2 knows every action (user guide, "Private registry permissions").
V1_ACTIONS = frozenset({"ecr:replicateimage", "ecr:batchimportupstreamimage", "ecr:createrepository"})
MAX_EXCLUSIONS = 100


def put_registry_policy(context: EcrCall, params: Document) -> Document:
    text = params["policyText"]
    check_policy_text(text, "PolicyText", registry=True)
    if _setting(context, "REGISTRY_POLICY_SCOPE") == "V1" and not _within_v1(text):
        # AWS names no reason (terraform-provider-aws#40933).
        raise invalid_parameter("PolicyText", "Invalid registry policy provided")
    context.registry.policy = text
    return {"registryId": context.registry.account_id, "policyText": text}


def _within_v1(text: str) -> bool:
    """Does a registry policy name only what scope V1 knows? `ecr:*` stands for those actions (user guide)."""
    granted = {
        str(action).lower()
        for statement in statements_of(text)
        for action in _listed(statement.get("Action", statement.get("NotAction")))
    }
    return granted <= V1_ACTIONS | {"ecr:*"} and not any("NotAction" in one for one in statements_of(text))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def get_registry_policy(context: EcrCall, _: Document) -> Document:
    if context.registry.policy is None:
        raise EcrError(
            "RegistryPolicyNotFoundException",
            f"Registry policy does not exist in the registry with id '{context.registry.account_id}'",
        )
    return {"registryId": context.registry.account_id, "policyText": context.registry.policy}


def delete_registry_policy(context: EcrCall, params: Document) -> Document:
    answer = get_registry_policy(context, params)
    context.registry.policy = None
    return answer


def put_account_setting(context: EcrCall, params: Document) -> Document:
    name, value = params["name"], params["value"]
    if name not in ACCOUNT_SETTINGS:
        raise invalid_parameter("name", f"must be one of {', '.join(sorted(ACCOUNT_SETTINGS))}")
    if value not in ACCOUNT_SETTINGS[name]:
        raise invalid_parameter("value", f"must be one of {', '.join(ACCOUNT_SETTINGS[name])} for {name}")
    context.registry.settings[name] = value
    return {"name": name, "value": value}


def get_account_setting(context: EcrCall, params: Document) -> Document:
    name = params["name"]
    if name not in ACCOUNT_SETTINGS:
        raise invalid_parameter("name", f"must be one of {', '.join(sorted(ACCOUNT_SETTINGS))}")
    return {"name": name, "value": _setting(context, name)}


def _setting(context: EcrCall, name: str) -> str:
    # Registries of before December 2024 have scope V1, later ones V2: the narrower one is answered here.
    return context.registry.settings.get(name, ACCOUNT_SETTINGS[name][0])


def put_scanning(context: EcrCall, params: Document) -> Document:
    scan_type = str(params.get("scanType") or context.registry.scanning["scanType"])
    rules = params.get("rules", [])
    for rule in rules:
        if rule["scanFrequency"] not in SCAN_FREQUENCIES[scan_type]:
            raise invalid_parameter("rules", f"{rule['scanFrequency']} is not supported with scan type {scan_type}")
    frequencies = [rule["scanFrequency"] for rule in rules]
    if len(frequencies) != len(set(frequencies)):
        raise invalid_parameter("rules", "a scan frequency may be used by one rule only")
    context.registry.scanning = {"scanType": scan_type, "rules": rules}
    return {"registryScanningConfiguration": context.registry.scanning}


def get_scanning(context: EcrCall, _: Document) -> Document:
    return {"registryId": context.registry.account_id, "scanningConfiguration": context.registry.scanning}


def batch_get_scanning(context: EcrCall, params: Document) -> Document:
    held = context.registry.repositories
    names = params["repositoryNames"]
    failures = [
        {
            "repositoryName": name,
            "failureCode": "REPOSITORY_NOT_FOUND",
            "failureReason": "Repository does not exist",
        }
        for name in names
        if name not in held
    ]
    found = [_scanning_of(context, held[name]) for name in names if name in held]
    return {"scanningConfigurations": found, "failures": failures}


def _scanning_of(context: EcrCall, repository: HeldRepository) -> Document:
    applied = [
        (rule["scanFrequency"], entry)
        for rule in context.registry.scanning["rules"]
        for entry in rule["repositoryFilters"]
        if _matches(entry, repository.name)
    ]
    # Continuous scanning wins over scanning on push, as the user guide says.
    frequency = min((f for f, _ in applied), key=["CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL"].index, default="MANUAL")
    return {
        "repositoryArn": repository.arn,
        "repositoryName": repository.name,
        "scanOnPush": repository.scan_on_push or frequency != "MANUAL",
        "scanFrequency": frequency,
        "appliedScanFilters": [entry for _, entry in applied],
    }


def _matches(entry: Document, name: str) -> bool:
    return matches(entry["filter"], name) if "*" in entry["filter"] else name.startswith(entry["filter"])


def describe_registry(context: EcrCall, _: Document) -> Document:
    return {"registryId": context.registry.account_id, "replicationConfiguration": context.registry.replication}


def put_replication(context: EcrCall, params: Document) -> Document:
    own = {"region": context.registry.region, "registryId": context.registry.account_id}
    if any(own == d for rule in params["replicationConfiguration"]["rules"] for d in rule["destinations"]):
        raise invalid_parameter(
            "replicationConfiguration", "Replication destination cannot be the same as the source registry"
        )
    context.registry.replication = params["replicationConfiguration"]
    return {"replicationConfiguration": context.registry.replication}


def register_exclusion(context: EcrCall, params: Document) -> Document:
    arn = params["principalArn"]
    if arn in context.registry.exclusions:
        raise EcrError("ExclusionAlreadyExistsException", f"The pull time update exclusion for '{arn}' already exists")
    if len(context.registry.exclusions) >= MAX_EXCLUSIONS:
        raise EcrError("LimitExceededException", f"A registry can have at most {MAX_EXCLUSIONS} exclusions")
    context.registry.exclusions[arn] = now()
    return {"principalArn": arn, "createdAt": context.registry.exclusions[arn]}


def deregister_exclusion(context: EcrCall, params: Document) -> Document:
    arn = params["principalArn"]
    if arn not in context.registry.exclusions:
        raise EcrError("ExclusionNotFoundException", f"The pull time update exclusion for '{arn}' does not exist")
    del context.registry.exclusions[arn]
    return {"principalArn": arn}


def list_exclusions(context: EcrCall, params: Document) -> Document:
    some, token = page(sorted(context.registry.exclusions), params, 100)
    return {"pullTimeUpdateExclusions": some, "nextToken": token}


def get_authorization_token(context: EcrCall, params: Document) -> Document:
    host, region = context.registry.host, context.registry.region
    seconds = context.behaviour.token_seconds
    registries = params.get("registryIds") or [context.registry.account_id]
    return {
        "authorizationData": [
            {
                "authorizationToken": issue(account, region, context.principal_arn, seconds),
                "expiresAt": now() + timedelta(seconds=seconds),
                "proxyEndpoint": f"https://{host.replace(context.registry.account_id, account, 1)}",
            }
            for account in registries
        ]
    }


OPERATIONS = {
    "PutRegistryPolicy": put_registry_policy,
    "GetRegistryPolicy": get_registry_policy,
    "DeleteRegistryPolicy": delete_registry_policy,
    "PutAccountSetting": put_account_setting,
    "GetAccountSetting": get_account_setting,
    "PutRegistryScanningConfiguration": put_scanning,
    "GetRegistryScanningConfiguration": get_scanning,
    "BatchGetRepositoryScanningConfiguration": batch_get_scanning,
    "DescribeRegistry": describe_registry,
    "PutReplicationConfiguration": put_replication,
    "RegisterPullTimeUpdateExclusion": register_exclusion,
    "DeregisterPullTimeUpdateExclusion": deregister_exclusion,
    "ListPullTimeUpdateExclusions": list_exclusions,
    "GetAuthorizationToken": get_authorization_token,
}
