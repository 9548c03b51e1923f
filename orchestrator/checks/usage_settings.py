"""Checks of `lifecycle_manager.usage`: who writes what the environment's cluster runs, when and how."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.checks.arns import check_arn
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.environment.parts import UsageSettings
from orchestrator.environment.schedules import enough_hours, hours_of, is_tight, longest_gap
from orchestrator.environment.tfvars import Path, dotted


def check_usage(context: Context, path: Path, usage: UsageSettings) -> None:
    """The role's trust, names, schedule, image and variables."""
    name = dotted(path)
    provider = (*path, "oidc_provider_arn")
    if (usage.oidc_provider_arn is not None) == usage.pod_identity:
        both = usage.pod_identity
        context.error(
            path,
            f"{name} has {'both oidc_provider_arn and pod_identity' if both else 'neither oidc_provider_arn nor pod_identity'}.",
            why="The role trusts one of them." if both else "Nobody could assume the role.",
            remedy="Remove one." if both else "Add oidc_provider_arn (IRSA), or pod_identity = true (EKS).",
            value=None,
        )
    elif usage.oidc_provider_arn is not None:
        arn = check_arn(
            context,
            provider,
            usage.oidc_provider_arn,
            service="iam",
            resource="oidc-provider/",
            example="OIDC provider",
        )
        if arn and context.usable("account_id") and arn.account != context.environment.account_id:
            context.error(
                provider,
                f"{dotted(provider)} is in account {arn.account}.",
                why=f"A role trusts OIDC providers of its own account, {context.environment.account_id}.",
                remedy="Name the provider of that account.",
                value=usage.oidc_provider_arn,
            )
    elif context.usable("platform") and context.environment.platform != "eks":
        context.error(
            (*path, "pod_identity"),
            f"{name}.pod_identity is true, but platform is {context.environment.platform}.",
            why="Only EKS has Pod Identity.",
            remedy="Use oidc_provider_arn.",
            value=True,
        )
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
