"""Checks of `mirror_queue`: the queue by which workers share copies, and their role."""

from __future__ import annotations

from orchestrator.checks.context import Context
from orchestrator.checks.pod_roles import check_pod_role
from orchestrator.environment.tfvars import Path

PATH: Path = ("mirror_queue",)


def check_mirror_queue(context: Context) -> None:
    """Whether it may be enabled here, what it is for, and who may take the role."""
    environment = context.environment
    queue = environment.mirror_queue
    if queue is None:
        return
    usable = context.usable("account_id", "aws_region", "registry_account_id", "registry_region")
    if queue.enabled and usable and environment.uses_central_registry:
        context.error(
            (*PATH, "enabled"),
            "mirror_queue is enabled, but this environment pulls from the registry of another account or region.",
            why="Workers copy with the credentials of the account that the images go to.",
            remedy="Enable it in an environment of that account and region, and remove it here.",
            value=True,
        )
    elif queue.enabled and not environment.mirrors and context.usable("mirrors"):
        context.warn(
            (*PATH, "enabled"),
            "mirror_queue is enabled, but there are no mirrors.",
            why="Workers copy below the prefixes of mirrors, and their role lets them do nothing else.",
            remedy="Leave it out here, or add the mirrors.",
            value=True,
        )
    if queue.workers is not None:
        check_pod_role(context, (*PATH, "workers"), queue.workers)
