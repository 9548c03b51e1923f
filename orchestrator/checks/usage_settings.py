"""Checks of `lifecycle_manager.usage`: who writes what the environment's cluster runs, when and how."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.checks.context import Context
from orchestrator.checks.pod_roles import check_pod_role
from orchestrator.checks.problem import shown
from orchestrator.environment.function_parts import UsageSettings
from orchestrator.environment.schedules import enough_hours, hours_of, is_tight, longest_gap
from orchestrator.environment.tfvars import Path, dotted


def check_usage(context: Context, path: Path, usage: UsageSettings) -> None:
    """The role's trust, names, schedule, image and variables."""
    check_pod_role(context, path, usage)
    _check_schedule(context, path, usage)


def _check_schedule(context: Context, path: Path, usage: UsageSettings) -> None:
    here = (*path, "schedule")
    manager, gap = context.environment.lifecycle_manager, longest_gap(usage.schedule)
    # Where the manager is another's, its limit is compared when both are checked.
    if manager and manager.enabled and gap and gap > timedelta(hours=manager.snapshot_max_age_hours):
        context.error(
            here,
            f"{dotted(here)} is {shown(usage.schedule)}, with up to {hours_of(gap)} between two snapshots.",
            why=f"One of more than snapshot_max_age_hours ({manager.snapshot_max_age_hours}) is stale, and nothing expires.",
            remedy='Write it more often, such as "17 * * * *", or raise snapshot_max_age_hours.',
            value=usage.schedule,
        )
    elif manager and manager.enabled and gap and is_tight(gap, manager.snapshot_max_age_hours):
        limit: Path = ("lifecycle_manager", "snapshot_max_age_hours")
        context.warn(
            limit,
            f"{dotted(limit)} is {manager.snapshot_max_age_hours}, and the next snapshot may come after {hours_of(gap)}.",
            why="When one run of the CronJob fails or is late, nothing expires and the alarm `snapshot` rings.",
            remedy=f"Write {enough_hours(gap)} or more, or write snapshots more often: {dotted(here)}.",
            value=manager.snapshot_max_age_hours,
            at=limit if limit in context.tfvars.locations else here,
        )
