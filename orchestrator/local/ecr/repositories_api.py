"""Repositories: create, describe, delete, settings, tags and repository policies."""

from __future__ import annotations

import re
import uuid

from orchestrator.local.ecr.ecr_error import EcrError, invalid_parameter
from orchestrator.local.ecr.encryption_keys import check_key
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldRegistry, HeldRepository, now, page
from orchestrator.local.ecr.resource_policies import check_policy_text

MAX_TAGS = 50
MAX_REPOSITORIES = 100_000
_ARN = re.compile(r"arn:[^:]+:ecr:(?P<region>[^:]+):(?P<account>[0-9]{12}):repository/(?P<name>.+)")


def create_repository(context: EcrCall, params: Document) -> Document:
    registry = context.registry
    name = params["repositoryName"]
    if name in registry.repositories:
        raise EcrError(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id '{registry.account_id}'",
        )
    if len(registry.repositories) >= MAX_REPOSITORIES:
        raise EcrError("LimitExceededException", f"A registry can hold at most {MAX_REPOSITORIES} repositories")
    repository = new_repository(
        registry,
        name,
        mutability=params.get("imageTagMutability", "MUTABLE"),
        exclusion_filters=params.get("imageTagMutabilityExclusionFilters"),
        encryption=params.get("encryptionConfiguration"),
        tags=params.get("tags", []),
    )
    repository.scan_on_push = bool(params.get("imageScanningConfiguration", {}).get("scanOnPush"))
    registry.repositories[name] = repository
    return {"repository": describe(repository)}


def new_repository(
    registry: HeldRegistry,
    name: str,
    *,
    mutability: str,
    exclusion_filters: list[Document] | None,
    encryption: Document | None,
    tags: list[Document],
) -> HeldRepository:
    """A repository that is not in the registry yet, its settings checked."""
    check_mutability(mutability, exclusion_filters)
    return HeldRepository(
        name=name,
        registry_id=registry.account_id,
        region=registry.region,
        arn=f"arn:{registry.partition}:ecr:{registry.region}:{registry.account_id}:repository/{name}",
        uri=f"{registry.host}/{name}",
        created_at=now(),
        mutability=mutability,
        exclusion_filters=exclusion_filters,
        encryption=_encryption(registry, encryption),
        tags=_checked_tags({}, tags),
    )


def check_mutability(mutability: str, filters: list[Document] | None) -> None:
    """Refuse exclusion filters without a mutability that takes them, and the reverse."""
    excluding = mutability.endswith("_WITH_EXCLUSION")
    if excluding and not filters:
        raise invalid_parameter(
            "imageTagMutabilityExclusionFilters", f"must not be empty when imageTagMutability is {mutability}"
        )
    if filters and not excluding:
        raise invalid_parameter(
            "imageTagMutabilityExclusionFilters", f"must be empty when imageTagMutability is {mutability}"
        )


def _encryption(registry: HeldRegistry, given: Document | None) -> Document:
    if not given:
        return {"encryptionType": "AES256"}
    if given["encryptionType"] == "AES256":
        if given.get("kmsKey"):
            raise invalid_parameter("encryptionConfiguration", "kmsKey must not be specified with AES256")
        return {"encryptionType": "AES256"}
    if given.get("kmsKey"):
        check_key(registry, given["kmsKey"])
        return dict(given)
    # Without a key AWS takes its own `aws/ecr` key, one per account and region.
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"aws/ecr {registry.account_id} {registry.region}")
    return {**given, "kmsKey": f"arn:{registry.partition}:kms:{registry.region}:{registry.account_id}:key/{key}"}


def _checked_tags(held: dict[str, str], tags: list[Document]) -> dict[str, str]:
    merged = {**held, **{tag["Key"]: tag["Value"] for tag in tags}}
    if any(not key or len(key) > 128 or key.lower().startswith("aws:") for key in merged):
        raise EcrError(
            "InvalidTagParameterException", "A tag key must have 1 to 128 characters and not begin with aws:"
        )
    if len(merged) > MAX_TAGS:
        raise EcrError("TooManyTagsException", f"A resource can have at most {MAX_TAGS} tags")
    return merged


def describe(repository: HeldRepository) -> Document:
    """The `HeldRepository` shape of the API."""
    return {
        "repositoryArn": repository.arn,
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "repositoryUri": repository.uri,
        "createdAt": repository.created_at,
        "imageTagMutability": repository.mutability,
        "imageTagMutabilityExclusionFilters": repository.exclusion_filters,
        "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
        "encryptionConfiguration": repository.encryption,
    }


def describe_repositories(context: EcrCall, params: Document) -> Document:
    names = params.get("repositoryNames")
    if names:
        if params.get("maxResults") or params.get("nextToken"):
            raise invalid_parameter("maxResults", "must not be used together with repositoryNames")
        return {"repositories": [describe(context.registry.repository(name)) for name in names]}
    held = [repository for _, repository in sorted(context.registry.repositories.items())]
    some, token = page(held, params, 100)
    return {"repositories": [describe(repository) for repository in some], "nextToken": token}


def delete_repository(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    if repository.images and not params.get("force"):
        raise EcrError(
            "RepositoryNotEmptyException",
            f"The repository with name '{repository.name}' in registry with id '{repository.registry_id}' "
            "cannot be deleted because it still contains images",
        )
    del context.registry.repositories[repository.name]
    return {"repository": describe(repository)}


def put_mutability(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    filters = params.get("imageTagMutabilityExclusionFilters")
    check_mutability(params["imageTagMutability"], filters)
    repository.mutability, repository.exclusion_filters = params["imageTagMutability"], filters
    return {**_named(repository), "imageTagMutability": repository.mutability, **_filters(repository)}


def _filters(repository: HeldRepository) -> Document:
    return {"imageTagMutabilityExclusionFilters": repository.exclusion_filters}


def put_scanning(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    repository.scan_on_push = bool(params["imageScanningConfiguration"].get("scanOnPush"))
    return {**_named(repository), "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push}}


def _named(repository: HeldRepository) -> Document:
    return {"registryId": repository.registry_id, "repositoryName": repository.name}


def set_policy(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    check_policy_text(params["policyText"], "PolicyText")
    repository.policy = params["policyText"]
    return {**_named(repository), "policyText": repository.policy}


def get_policy(context: EcrCall, params: Document) -> Document:
    repository = context.registry.repository(params["repositoryName"])
    if repository.policy is None:
        raise EcrError(
            "RepositoryPolicyNotFoundException",
            f"Repository policy does not exist for the repository with name '{repository.name}' in the registry "
            f"with id '{repository.registry_id}'",
        )
    return {**_named(repository), "policyText": repository.policy}


def delete_policy(context: EcrCall, params: Document) -> Document:
    answer = get_policy(context, params)
    context.registry.repository(params["repositoryName"]).policy = None
    return answer


def _by_arn(context: EcrCall, arn: str) -> HeldRepository:
    match = _ARN.fullmatch(arn)
    if not match or (match["account"], match["region"]) != (context.registry.account_id, context.registry.region):
        raise invalid_parameter("resourceArn", "Invalid ARN")
    return context.registry.repository(match["name"])


def list_tags(context: EcrCall, params: Document) -> Document:
    tags = _by_arn(context, params["resourceArn"]).tags
    return {"tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tag_resource(context: EcrCall, params: Document) -> Document:
    repository = _by_arn(context, params["resourceArn"])
    repository.tags = _checked_tags(repository.tags, params["tags"])
    return {}


def untag_resource(context: EcrCall, params: Document) -> Document:
    repository = _by_arn(context, params["resourceArn"])
    repository.tags = {key: value for key, value in repository.tags.items() if key not in params["tagKeys"]}
    return {}


OPERATIONS = {
    "CreateRepository": create_repository,
    "DescribeRepositories": describe_repositories,
    "DeleteRepository": delete_repository,
    "PutImageTagMutability": put_mutability,
    "PutImageScanningConfiguration": put_scanning,
    "SetRepositoryPolicy": set_policy,
    "GetRepositoryPolicy": get_policy,
    "DeleteRepositoryPolicy": delete_policy,
    "ListTagsForResource": list_tags,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
