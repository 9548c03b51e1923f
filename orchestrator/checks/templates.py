"""Checks of repository creation templates: a prefix's own and ROOT."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.environment.parts import RootTemplate
from orchestrator.environment.tfvars import Path, dotted


def check_template(context: Context, path: Path, template: RootTemplate) -> None:
    """What goes stale, and what ECR needs a role for."""
    name = dotted(path)
    if template.image_tag_mutability == "IMMUTABLE":
        context.warn(
            (*path, "image_tag_mutability"),
            f"{name} makes the tags of cached repositories IMMUTABLE.",
            why="ECR refreshes a cached tag only while tags are mutable, so such a cache goes stale.",
            remedy='Write "MUTABLE" unless that is what you want.',
            value="IMMUTABLE",
        )
    if template.custom_role_arn is None and (template.kms_key_arn is not None or template.resource_tags):
        reason = "kms_key_arn" if template.kms_key_arn is not None else "resource_tags"
        context.error(
            (*path, "custom_role_arn"),
            f"{name} has {reason}, but no custom_role_arn.",
            why="ECR needs a role to create repositories with a KMS key or tags; without it pulls fail.",
            remedy=f"Add custom_role_arn, or remove {reason}.",
            at=(*path, reason),
        )
