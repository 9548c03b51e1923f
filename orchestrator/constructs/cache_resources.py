"""An environment's pull-through cache as CloudFormation resources: what modules/pull-through-cache makes. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ECR.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.constructs.ownership import check_owns_rules
from orchestrator.errors import RefusedInput
from orchestrator.lifecycle.ports import ROOT
from orchestrator.mirroring.repository import cache_template, pull_policy
from orchestrator.routes.upstreams import ecr_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.environment.model import Environment
    from orchestrator.environment.parts import PullThroughCacheRule, Template

Resource = dict[str, Any]
"""`Type`, `Properties`, and `DependsOn` with ids of other resources here."""


def cache_resources(environment: Environment, credentials: Mapping[str, str] | None = None) -> dict[str, Resource]:
    """{id: resource}: a rule for each prefix, and a template where the environment gives it one.

    `credentials` are the ARNs of the secrets, by prefix, of rules that name theirs by `secret_name`. CloudFormation
    cannot look an ARN up. Raises RefusedInput where one is missing, and where the environment makes no rules.
    """
    check_owns_rules(environment)
    unknown = sorted(set(credentials or {}) - set(environment.pull_through_cache_rules))
    if unknown:
        raise RefusedInput(
            f"credentials are given for {', '.join(unknown)}, and there is no such rule.",
            environment=environment.name,
            remedy=f"Its rules are: {', '.join(sorted(environment.pull_through_cache_rules))}.",
        )
    resources: dict[str, Resource] = {}
    for prefix, rule in sorted(environment.pull_through_cache_rules.items()):
        template = cache_template(environment, prefix)
        made = _rule(environment, prefix, rule, (credentials or {}).get(prefix))
        if template is not None:
            resources[f"Template{_id(prefix)}"] = _template(environment, prefix, template)
            # A template applies only to repositories that are made after it: the first pull must find it.
            made["DependsOn"] = [f"Template{_id(prefix)}"]
        resources[f"Rule{_id(prefix)}"] = made
    return resources


def _rule(environment: Environment, prefix: str, rule: PullThroughCacheRule, credential: str | None) -> Resource:
    arn = credential or rule.credential_arn
    if rule.secret_name is not None and arn is None:
        raise RefusedInput(
            f'the rule "{prefix}" names its secret by secret_name, and CloudFormation cannot look its ARN up.',
            environment=environment.name,
            remedy=f'Give the ARN: `PullThroughCache(…, credentials={{"{prefix}": "arn:…"}})`, or write credential_arn.',
        )
    upstream = rule.upstream_repository_prefix
    if upstream is None and ecr_registry(rule.upstream_registry_url) is not None:
        # ECR reads ROOT for an upstream ECR's missing prefix.
        upstream = ROOT
    return {
        "Type": "AWS::ECR::PullThroughCacheRule",
        "Properties": _given(
            EcrRepositoryPrefix=prefix,
            UpstreamRegistryUrl=rule.upstream_registry_url,
            UpstreamRepositoryPrefix=upstream,
            CredentialArn=arn,
            CustomRoleArn=rule.custom_role_arn,
        ),
    }


def _template(environment: Environment, prefix: str, template: Template) -> Resource:
    encryption: dict[str, str] = {"EncryptionType": "AES256"}
    if template.kms_key_arn is not None:
        encryption = {"EncryptionType": "KMS", "KmsKey": template.kms_key_arn}
    accounts = sorted(set(template.pull_account_ids))
    return {
        "Type": "AWS::ECR::RepositoryCreationTemplate",
        "Properties": _given(
            Prefix=prefix,
            AppliedFor=["PULL_THROUGH_CACHE"],
            Description=template.description,
            ImageTagMutability=template.image_tag_mutability,
            EncryptionConfiguration=encryption,
            CustomRoleArn=template.custom_role_arn,
            ResourceTags=[{"Key": key, "Value": value} for key, value in sorted(template.resource_tags.items())],
            RepositoryPolicy=pull_policy(environment.registry.region, accounts) if accounts else None,
        ),
    }


def _given(**properties: object) -> dict[str, object]:
    """Without what is not set: CloudFormation knows no null."""
    return {name: value for name, value in properties.items() if value not in (None, [])}


def _id(prefix: str) -> str:
    """Letters and digits that no other prefix has: CloudFormation's ids take nothing else."""
    return "".join(part if part.isalnum() else f"x{ord(part):x}" for part in prefix)
