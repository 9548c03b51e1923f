"""Checks of repository creation templates: a prefix's own and ROOT."""

from __future__ import annotations

from orchestrator.checks.accounts import check_accounts
from orchestrator.checks.arns import check_arn
from orchestrator.checks.context import Context
from orchestrator.environment.parts import RootTemplate, Template
from orchestrator.environment.tfvars import Path, dotted


def check_template(context: Context, path: Path, template: RootTemplate) -> None:
    """What goes stale, key, role, tags; what ECR needs a role for."""
    name = dotted(path)
    if template.image_tag_mutability == "IMMUTABLE":
        context.warn(
            (*path, "image_tag_mutability"),
            f"{name} makes the tags of cached repositories IMMUTABLE.",
            why="ECR refreshes a cached tag only while tags are mutable, so such a cache goes stale.",
            remedy='Write "MUTABLE" unless that is what you want.',
            value="IMMUTABLE",
        )
    if template.custom_role_arn is not None:
        check_role(context, (*path, "custom_role_arn"), template.custom_role_arn)
    elif template.kms_key_arn is not None or template.resource_tags:
        reason = "kms_key_arn" if template.kms_key_arn is not None else "resource_tags"
        context.error(
            (*path, "custom_role_arn"),
            f"{name} has {reason}, but no custom_role_arn.",
            why="ECR needs a role to create repositories with a KMS key or tags; without it pulls fail.",
            remedy=f"Add custom_role_arn, or remove {reason}.",
            at=(*path, reason),
        )
    if isinstance(template, Template):
        check_accounts(context, (*path, "pull_account_ids"), template.pull_account_ids)


def check_role(context: Context, path: Path, value: str) -> None:
    """A role that ECR assumes: one of the registry's own account."""
    arn = check_arn(context, path, value, service="iam", resource="role/", example="IAM role")
    account = context.environment.registry.account
    if arn and context.usable("account_id", "registry_account_id") and arn.account != account:
        context.error(
            path,
            f"{dotted(path)} is a role of account {arn.account}.",
            why=f"ECR assumes roles of the registry's own account, {account}.",
            remedy="Name a role of that account.",
            value=value,
        )
