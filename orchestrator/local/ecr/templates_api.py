"""Repository creation templates, and the repositories that ECR makes from them."""

from __future__ import annotations

from orchestrator.lifecycle.ecr_policy import check_policy
from orchestrator.lifecycle.ports import ROOT
from orchestrator.local.ecr.ecr_error import EcrError
from orchestrator.local.ecr.holdings import Document, EcrCall, HeldRegistry, HeldRepository, now, page
from orchestrator.local.ecr.lifecycle_api import refuse_policy
from orchestrator.local.ecr.repositories_api import check_mutability, new_repository
from orchestrator.local.ecr.resource_policies import check_policy_text

_MEMBERS = (
    "description",
    "encryptionConfiguration",
    "resourceTags",
    "imageTagMutability",
    "imageTagMutabilityExclusionFilters",
    "repositoryPolicy",
    "lifecyclePolicy",
    "appliedFor",
    "customRoleArn",
)


def create_template(context: EcrCall, params: Document) -> Document:
    registry, prefix = context.registry, params["prefix"]
    if prefix in registry.templates:
        raise EcrError(
            "TemplateAlreadyExistsException",
            f"The repository creation template with prefix '{prefix}' already exists in the registry with id "
            f"'{registry.account_id}'",
        )
    _check(params)
    moment = now()
    registry.templates[prefix] = {
        "imageTagMutability": "MUTABLE",
        "encryptionConfiguration": {"encryptionType": "AES256"},
        **{name: params[name] for name in _MEMBERS if name in params},
        "prefix": prefix,
        "createdAt": moment,
        "updatedAt": moment,
    }
    return _answer(registry, registry.templates[prefix])


def update_template(context: EcrCall, params: Document) -> Document:
    template = _template(context.registry, params["prefix"])
    _check({**template, **params})
    template.update({name: params[name] for name in _MEMBERS if name in params})
    if not template["imageTagMutability"].endswith("_WITH_EXCLUSION"):
        template.pop("imageTagMutabilityExclusionFilters", None)
    template["updatedAt"] = now()
    return _answer(context.registry, template)


def delete_template(context: EcrCall, params: Document) -> Document:
    template = _template(context.registry, params["prefix"])
    del context.registry.templates[params["prefix"]]
    return _answer(context.registry, template)


def describe_templates(context: EcrCall, params: Document) -> Document:
    held = context.registry.templates
    wanted = params.get("prefixes")
    if wanted:
        return {
            "registryId": context.registry.account_id,
            "repositoryCreationTemplates": [held[prefix] for prefix in wanted if prefix in held],
        }
    some, token = page([held[prefix] for prefix in sorted(held)], params, 100)
    return {"registryId": context.registry.account_id, "repositoryCreationTemplates": some, "nextToken": token}


def _check(params: Document) -> None:
    filters = params.get("imageTagMutabilityExclusionFilters")
    mutability = params.get("imageTagMutability", "MUTABLE")
    check_mutability(mutability, filters if mutability.endswith("_WITH_EXCLUSION") else None)
    if params.get("lifecyclePolicy"):
        refuse_policy(check_policy(params["lifecyclePolicy"]))
    if params.get("repositoryPolicy"):
        check_policy_text(params["repositoryPolicy"], "repositoryPolicy")


def _template(registry: HeldRegistry, prefix: str) -> Document:
    template = registry.templates.get(prefix)
    if template is None:
        raise EcrError(
            "TemplateNotFoundException",
            f"The repository creation template with prefix '{prefix}' does not exist in the registry with id "
            f"'{registry.account_id}'",
        )
    return template


def _answer(registry: HeldRegistry, template: Document) -> Document:
    return {"registryId": registry.account_id, "repositoryCreationTemplate": template}


def template_for(registry: HeldRegistry, name: str, cause: str) -> Document | None:
    """The template that ECR applies to a repository it makes for `cause`: the longest prefix, else ROOT's."""
    fitting = [
        template
        for prefix, template in registry.templates.items()
        if cause in template["appliedFor"] and (prefix == ROOT or name.startswith(prefix.rstrip("/") + "/"))
    ]
    return max(fitting, key=lambda t: -1 if t["prefix"] == ROOT else len(t["prefix"]), default=None)


def make_repository(registry: HeldRegistry, name: str, cause: str) -> HeldRepository:
    """The repository that ECR makes by itself for `cause` (PULL_THROUGH_CACHE, CREATE_ON_PUSH, REPLICATION).

    A template with a KMS key or tags needs a role. Without one AWS fails here, not when the template is made.
    """
    template = template_for(registry, name, cause) or {}
    encryption = template.get("encryptionConfiguration")
    needs_role = template.get("resourceTags") or (encryption or {}).get("encryptionType", "AES256") != "AES256"
    if needs_role and not template.get("customRoleArn"):
        raise EcrError(
            "InvalidParameterException",
            f"The repository creation template with prefix '{template['prefix']}' has a KMS key or tags and no role. "
            f"The repository '{name}' cannot be created.",
        )
    repository = new_repository(
        registry,
        name,
        mutability=template.get("imageTagMutability", "MUTABLE"),
        exclusion_filters=template.get("imageTagMutabilityExclusionFilters"),
        encryption=encryption,
        tags=template.get("resourceTags", []),
    )
    repository.policy = template.get("repositoryPolicy") or None
    repository.lifecycle_policy = template.get("lifecyclePolicy") or None
    repository.cause = cause
    registry.repositories[name] = repository
    return repository


OPERATIONS = {
    "CreateRepositoryCreationTemplate": create_template,
    "UpdateRepositoryCreationTemplate": update_template,
    "DeleteRepositoryCreationTemplate": delete_template,
    "DescribeRepositoryCreationTemplates": describe_templates,
}
