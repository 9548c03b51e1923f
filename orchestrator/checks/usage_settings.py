"""Checks of `lifecycle_manager.usage`: who writes what the environment's cluster runs, when and how."""

from __future__ import annotations

import re
from datetime import timedelta

from orchestrator.checks.arns import check_arn
from orchestrator.checks.context import Context
from orchestrator.checks.problem import shown
from orchestrator.checks.schedules import crontab_problem, enough_hours, hours_of, is_tight, longest_gap
from orchestrator.environment.identifiers import DNS_LABEL, ROLE_NAME, SNAPSHOT_NAME
from orchestrator.environment.parts import UsageSettings
from orchestrator.environment.tfvars import Path, dotted
from orchestrator.routes.reference import InvalidReference, parse_reference

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What the CronJob of orchestrator.manifests.usage sets.
OWN_VARIABLES = frozenset({"AWS_REGION", "HOME"})
CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})


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
    for key, value in (("namespace", usage.namespace), ("service_account", usage.service_account)):
        if not DNS_LABEL.fullmatch(value):
            context.error(
                (*path, key),
                f"{dotted((*path, key))} is {shown(value)}.",
                why="Kubernetes names have 1 to 63 lower case letters, digits and hyphens.",
                remedy="Write one name.",
                value=value,
            )
    if usage.role_name is not None and not ROLE_NAME.fullmatch(usage.role_name):
        context.error(
            (*path, "role_name"),
            f"{name}.role_name is {shown(usage.role_name)}.",
            why="IAM role names have 1 to 64 letters, digits and _ + = , . @ -.",
            remedy="Write the role's name, not its ARN.",
            value=usage.role_name,
        )
    _check_schedule(context, path, usage)
    if usage.snapshot_name is not None and not SNAPSHOT_NAME.fullmatch(usage.snapshot_name):
        context.error(
            (*path, "snapshot_name"),
            f"{name}.snapshot_name is {shown(usage.snapshot_name)}.",
            why="It names a snapshot among others: 1 to 100 letters, digits, hyphens and underscores.",
            remedy="Write another name, without .json; the owner's lifecycle_manager.clusters has the same.",
            value=usage.snapshot_name,
        )
    _check_image(context, path, usage)
    _check_env(context, (*path, "env"), usage)


def _check_schedule(context: Context, path: Path, usage: UsageSettings) -> None:
    here = (*path, "schedule")
    why = crontab_problem(usage.schedule)
    if why:
        context.error(
            here,
            f"{dotted(here)} is {shown(usage.schedule)}.",
            why=why,
            remedy='Write it like "17 * * * *".',
            value=usage.schedule,
        )
        return
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


def _check_image(context: Context, path: Path, usage: UsageSettings) -> None:
    if usage.image is None:
        return
    try:
        parse_reference(usage.image)
    except InvalidReference as error:
        context.error(
            (*path, "image"),
            f"{dotted((*path, 'image'))} is {shown(usage.image)}.",
            why=error.why,
            remedy=error.remedy,
            value=usage.image,
        )


def _check_env(context: Context, path: Path, usage: UsageSettings) -> None:
    for name in usage.env:
        why, remedy = "", "Remove it."
        if not _VARIABLE.fullmatch(name):
            why, remedy = "Variables have letters, digits and underscores.", 'Write it like "HTTPS_PROXY".'
        elif name in OWN_VARIABLES:
            why = "The CronJob sets it itself."
        elif name in CREDENTIALS:
            why = "Everybody who may read this file or the CronJob would have the key."
            remedy = "Remove it: the ServiceAccount has a role."
        if why:
            context.error((*path, name), f"{dotted(path)} holds {shown(name)}.", why=why, remedy=remedy, value=name)
