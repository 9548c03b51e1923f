"""Checks of `image_swapper`: what replicas of the webhook share, and the role of their Pods."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.checks.pod_roles import check_pod_role
from orchestrator.environment.tfvars import Path

PATH: Path = ("image_swapper",)


def check_image_swapper(context: Context) -> None:
    """Whether it may be enabled here, what it is for, and who may take the role."""
    environment = context.environment
    shared = environment.image_swapper
    if shared is None:
        return
    usable = context.usable("account_id", "aws_region", "registry_account_id", "registry_region")
    if shared.enabled and usable and environment.uses_central_registry:
        context.error(
            (*PATH, "enabled"),
            "image_swapper is enabled, but this environment pulls from the registry of another account or region.",
            why="The webhook copies with the credentials of the account that the images go to.",
            remedy="Enable it in an environment of that account and region, and remove it here.",
            value=True,
        )
    elif shared.enabled and not environment.mirrors and context.usable("mirrors"):
        context.warn(
            (*PATH, "enabled"),
            "image_swapper is enabled, but there are no mirrors.",
            why="The webhook copies below the prefixes of mirrors, and its role lets it do nothing else.",
            remedy="Leave it out here, or add the mirrors.",
            value=True,
        )
    if shared.pods is not None:
        check_pod_role(context, (*PATH, "pods"), shared.pods)
