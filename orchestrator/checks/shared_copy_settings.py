"""Checks of what shares copies by a queue: `mirror_queue` for workers, `image_swapper` for replicas of the webhook."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.checks.context import Context
from orchestrator.checks.pod_roles import check_pod_role


@dataclass(frozen=True, slots=True)
class _Copiers:
    """Who copies, in words: the setting, the subject of a sentence, and what its role lets it do."""

    setting: str
    copy: str
    role: str


_WORKERS = _Copiers("mirror_queue", "Workers copy", "their role lets them do")
_WEBHOOK = _Copiers("image_swapper", "The webhook copies", "its role lets it do")


def check_mirror_queue(context: Context) -> None:
    """Whether it may be enabled here, what it is for, and who may take the role."""
    queue = context.environment.mirror_queue
    if queue is None:
        return
    if queue.enabled:
        _check_place(context, _WORKERS)
    if queue.workers is not None:
        check_pod_role(context, (_WORKERS.setting, "workers"), queue.workers)


def check_image_swapper(context: Context) -> None:
    """Whether it may be enabled here, what it is for, and who may take the role."""
    shared = context.environment.image_swapper
    if shared is None:
        return
    if shared.enabled:
        _check_place(context, _WEBHOOK)
    if shared.pods is not None:
        check_pod_role(context, (_WEBHOOK.setting, "pods"), shared.pods)


def _check_place(context: Context, copiers: _Copiers) -> None:
    """The registry has to be this environment's own, and something has to be copied into it."""
    environment = context.environment
    usable = context.usable("account_id", "aws_region", "registry_account_id", "registry_region")
    if usable and environment.uses_central_registry:
        context.error(
            (copiers.setting, "enabled"),
            f"{copiers.setting} is enabled, but this environment pulls from the registry of another account or region.",
            why=f"{copiers.copy} with the credentials of the account that the images go to.",
            remedy="Enable it in an environment of that account and region, and remove it here.",
            value=True,
        )
    elif not environment.mirrors and context.usable("mirrors"):
        context.warn(
            (copiers.setting, "enabled"),
            f"{copiers.setting} is enabled, but there are no mirrors.",
            why=f"{copiers.copy} below the prefixes of mirrors, and {copiers.role} nothing else.",
            remedy="Leave it out here, or add the mirrors.",
            value=True,
        )
