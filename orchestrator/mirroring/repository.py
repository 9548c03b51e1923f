"""The settings of a repository that ECR or a first copy makes below a prefix: those of its template."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.lifecycle.ports import ROOT
from orchestrator.partitions import partition_of

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.environment.parts import RootTemplate, Template
    from orchestrator.routes.table import RouteTable

CROSS_ACCOUNT_SID = "CrossAccountPull"
PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """What ECR is asked for; `policy` and `lifecycle_policy` are documents as text, empty for none."""

    mutability: str = "MUTABLE"
    scan_on_push: bool = True
    kms_key_arn: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    policy: str = ""
    lifecycle_policy: str = ""

    @property
    def encryption(self) -> dict[str, str]:
        """ECR's encryptionConfiguration."""
        if self.kms_key_arn is None:
            return {"encryptionType": "AES256"}
        return {"encryptionType": "KMS", "kmsKey": self.kms_key_arn}


def repository_settings(environment: Environment, prefix: str) -> RepositorySettings:
    """Of a repository below the mirror `prefix`.

    Tags of the environment and of the template. The template's accounts may pull, and those that use the
    registry.
    """
    mirror = environment.mirrors.get(prefix)
    own = mirror.template if mirror else None
    template = own or environment.root_template
    accounts = sorted({*(own.pull_account_ids if own else ()), *environment.registry_consumer_account_ids})
    return RepositorySettings(
        mutability=template.image_tag_mutability if template else "MUTABLE",
        scan_on_push=environment.scan_on_push,
        kms_key_arn=template.kms_key_arn if template else environment.kms_key_arn,
        tags={**environment.tags, **(template.resource_tags if template else {})},
        policy=pull_policy(environment.registry.region, accounts) if accounts else "",
    )


def settings_of_repository(environment: Environment, table: RouteTable, repository: str) -> RepositorySettings:
    """Of a repository by its name in ECR: those of the route that it belongs to."""
    route = table.route_of(repository)
    return repository_settings(environment, route.prefix if route is not None else "")


def cached_settings(environment: Environment, prefix: str) -> RepositorySettings | None:
    """Of a repository that the rule `prefix` made, as environments/main.tf gives them to its template.

    None without a template: AWS's defaults hold then, or a template that somebody else made.
    """
    own = cache_template(environment, prefix)
    template: RootTemplate | None = own or environment.root_template
    if template is None:
        return None
    accounts = sorted({*(own.pull_account_ids if own else ()), *environment.registry_consumer_account_ids})
    return RepositorySettings(
        mutability=template.image_tag_mutability,
        kms_key_arn=template.kms_key_arn,
        tags=dict(template.resource_tags),
        policy=pull_policy(environment.registry.region, accounts) if accounts else "",
    )


def settings_by_prefix(environment: Environment) -> dict[str, RepositorySettings]:
    """{prefix: what its template says} of rules and mirrors; none of what has no template, or not in this registry.

    Under ROOT nobody can tell what the rule made, so that it is left out.
    """
    if not environment.owns_registry:
        return {}
    found = {}
    for prefix in environment.pull_through_cache_rules:
        settings = cached_settings(environment, prefix)
        if settings is not None and prefix != ROOT:
            found[prefix] = settings
    for prefix, mirror in environment.mirrors.items():
        if mirror.template is not None or environment.root_template is not None:
            found[prefix] = repository_settings(environment, prefix)
    return found


def cache_template(environment: Environment, prefix: str) -> Template | None:
    """The repository creation template of the rule `prefix`, as environments/main.tf gives it; None for none of its own.

    ECR applies one template to a prefix. Where other accounts pull, each repository that ECR makes must let them; what
    the rule ROOT lacks, `root_template` gives.
    """
    from orchestrator.environment.parts import Template

    rule = environment.pull_through_cache_rules[prefix]
    consumers = environment.registry_consumer_account_ids
    if rule.template is None and (not consumers or (prefix == ROOT and environment.root_template is not None)):
        return None
    template = rule.template or Template()
    accounts = tuple(dict.fromkeys((*template.pull_account_ids, *consumers)))
    return template.model_copy(update={"pull_account_ids": accounts})


def pull_policy(region: str, accounts: list[str]) -> str:
    """The policy that modules/pull-through-cache writes into its templates: the accounts may pull."""
    partition = partition_of(region)
    statement: dict[str, Any] = {
        "Sid": CROSS_ACCOUNT_SID,
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:{partition}:iam::{account}:root" for account in accounts]},
        "Action": list(PULL_ACTIONS),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
