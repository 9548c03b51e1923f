"""Checks of the lifecycle manager, of scan findings and of monitoring: what the modules and AWS would refuse later."""

from __future__ import annotations

import re

from orchestrator.checks.common import check_arn, check_kms_key, check_one_of, check_unique
from orchestrator.checks.context import Context
from orchestrator.checks.forms import BUCKET_NAME, DNS_LABEL, ROLE_NAME
from orchestrator.checks.problem import shown
from orchestrator.checks.retention import check_retention
from orchestrator.environment import LifecycleManager, Monitoring, ScanFindings, Usage
from orchestrator.tfvars import Path, dotted

ARCHITECTURES = ("arm64", "x86_64")
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
NATIVE_POLICIES = ("", "untagged", "count")
# CloudWatch Logs API, PutRetentionPolicy.
LOG_RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_FUNCTION_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,39}")
_DASHBOARD_NAME = re.compile(r"[0-9A-Za-z_-]{1,200}")
_CLUSTER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
_SCHEDULE = re.compile(r"cron\([^ ]+( [^ ]+){5}\)|rate\([1-9][0-9]* (minutes?|hours?|days?)\)")
_CRONTAB = re.compile(r"\S+( \S+){4}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_functions(context: Context) -> None:
    """Where they may be enabled first, then each one's settings."""
    environment = context.environment
    if context.written("lambda_packages"):
        context.error(
            ("lambda_packages",),
            "lambda_packages is set in a file.",
            why="The orchestrator packs the functions itself, from its own code.",
            remedy="Remove it; with plain Terraform give it with -var.",
            value=None,
        )
    if environment.lifecycle_manager is not None:
        _check_manager(context, environment.lifecycle_manager)
    if environment.scan_findings is not None:
        _check_scan_findings(context, environment.scan_findings)
    if environment.monitoring is not None:
        _check_monitoring(context, environment.monitoring)
    if environment.dry_run_mode and not (environment.lifecycle_manager and environment.lifecycle_manager.enabled):
        context.warn(
            ("dry_run_mode",),
            "dry_run_mode is true, but lifecycle_manager is not enabled.",
            why="There is nothing that would run.",
            remedy="Remove it, or enable the lifecycle manager.",
            value=True,
        )


def _check_manager(context: Context, manager: LifecycleManager) -> None:
    path: Path = ("lifecycle_manager",)
    environment = context.environment
    if manager.enabled:
        _check_owner(context, path, "Its function works on the registry, and there is one for account and region")
        if not environment.pull_through_cache_rules and context.usable("pull_through_cache_rules"):
            context.warn(
                (*path, "enabled"),
                "lifecycle_manager is enabled, but there are no pull_through_cache_rules.",
                why="It keeps pull-through caches small and leaves every other repository alone.",
                remedy="Leave it out here.",
                value=True,
            )
    _check_function(context, path, manager)
    _number(context, (*path, "memory_mb"), manager.memory_mb, 128, 10240, "Lambda takes 128 to 10240 MB.")
    _number(
        context,
        (*path, "timeout_seconds"),
        manager.timeout_seconds,
        60,
        900,
        "Lambda ends a function after 900 seconds at most, and less than a minute cannot finish a page of repositories.",
    )
    _number(context, (*path, "max_concurrency"), manager.max_concurrency, 2, 1000, "SQS event sources take 2 to 1000.")
    hours = (*path, "snapshot_max_age_hours")
    _number(context, hours, manager.snapshot_max_age_hours, 1, 720, "What a cluster ran a month ago says nothing.")
    audit = (*path, "audit_retention_days")
    _number(context, audit, manager.audit_retention_days, 30, None, "What was deleted is restored from the audit log.")
    if not _SCHEDULE.fullmatch(manager.schedule):
        # EventBridge counts weekdays otherwise, and one of its two fields for days is a question mark.
        crontab = _CRONTAB.fullmatch(manager.schedule) and manager.schedule.endswith(" *")
        context.error(
            (*path, "schedule"),
            f"lifecycle_manager.schedule is {shown(manager.schedule)}.",
            why="EventBridge takes cron(...) with six fields, the year last, or rate(...).",
            remedy=f'Write "cron({manager.schedule.removesuffix("*")}? *)".'
            if crontab
            else 'Write "cron(0 2 * * ? *)".',
            value=manager.schedule,
        )
    check_one_of(context, (*path, "native_policy"), manager.native_policy, NATIVE_POLICIES)
    _check_fractions(context, path, manager)
    _check_clusters(context, path, manager)
    _check_bucket(context, (*path, "bucket_name"), manager.bucket_name)
    check_kms_key(context, (*path, "kms_key_arn"), manager.kms_key_arn, environment.registry_region_name)
    _check_topic(context, path, manager.topic_arn, manager.emails)
    if manager.retention is not None:
        check_retention(context, (*path, "retention"), manager.retention)
    if manager.usage is not None:
        _check_usage(context, (*path, "usage"), manager.usage)


def _check_owner(context: Context, path: Path, why: str) -> None:
    environment = context.environment
    usable = context.usable("account_id", "aws_region", "registry_account_id", "registry_region", "manage_registry")
    if usable and not environment.owns_registry:
        context.error(
            (*path, "enabled"),
            f"{dotted(path)} is enabled, but this environment does not manage its registry.",
            why=f"{why}: with the registry's owner.",
            remedy="Enable it in the owner's environment and remove it here"
            + ("; `usage` alone belongs here." if path == ("lifecycle_manager",) else "."),
            value=True,
        )


def _check_function(context: Context, path: Path, settings: LifecycleManager | ScanFindings) -> None:
    if not _FUNCTION_NAME.fullmatch(settings.name):
        context.error(
            (*path, "name"),
            f"{dotted(path)}.name is {shown(settings.name)}.",
            why="Function, role and rules begin with it: 1 to 40 letters, digits, hyphens and underscores.",
            remedy="Write another name.",
            value=settings.name,
        )
    here = (*path, "architecture")
    if settings.architecture in {"amd64", "x86-64", "x64"}:
        context.error(
            here,
            f"{dotted(here)} is {shown(settings.architecture)}.",
            why="Lambda calls it otherwise.",
            remedy='Write "x86_64".',
            value=settings.architecture,
        )
    else:
        check_one_of(context, here, settings.architecture, ARCHITECTURES)
    if settings.log_retention_days not in LOG_RETENTION:
        near = min(LOG_RETENTION, key=lambda days: abs(days - settings.log_retention_days))
        context.error(
            (*path, "log_retention_days"),
            f"{dotted(path)}.log_retention_days is {settings.log_retention_days}.",
            why=f"CloudWatch Logs takes {', '.join(map(str, LOG_RETENTION[:12]))} and some longer ones.",
            remedy=f"Write {near}.",
            value=settings.log_retention_days,
        )
    if settings.permissions_boundary_arn is not None:
        boundary = (*path, "permissions_boundary_arn")
        check_arn(
            context,
            boundary,
            settings.permissions_boundary_arn,
            service="iam",
            resource="policy/",
            example="IAM policy",
        )


def _number(context: Context, path: Path, value: int, least: int, most: int | None, why: str) -> None:
    if value < least or (most is not None and value > most):
        context.error(
            path,
            f"{dotted(path)} is {value}.",
            why=why,
            remedy=f"Write {least} to {most}." if most is not None else f"Write {least} or more.",
            value=value,
        )


def _check_fractions(context: Context, path: Path, manager: LifecycleManager) -> None:
    for key in ("max_expire_fraction_repository", "max_expire_fraction_account"):
        value: float = getattr(manager, key)
        if not 0 < value <= 1:
            context.error(
                (*path, key),
                f"lifecycle_manager.{key} is {value:g}.",
                why="It is a fraction of the images, above 0 and up to 1.",
                remedy=f"Write {value / 100:g}." if 1 < value <= 100 else "Write 0.5, or 1 for no limit.",
                value=value,
            )


def _check_clusters(context: Context, path: Path, manager: LifecycleManager) -> None:
    named = [((*path, "clusters", index), name) for index, name in enumerate(manager.clusters)]
    named += [((*path, "snapshot_writers", name), name) for name in manager.snapshot_writers]
    for here, name in named:
        if not _CLUSTER.fullmatch(name):
            context.error(
                here,
                f"{dotted(here)} is {shown(name)}.",
                why="A cluster's name is that of its snapshot: 1 to 100 letters, digits, hyphens and underscores.",
                remedy="Write the cluster's name, not its ARN.",
                value=name,
            )
    check_unique(context, (*path, "clusters"), manager.clusters)
    for name, arn in manager.snapshot_writers.items():
        check_arn(context, (*path, "snapshot_writers", name), arn, service="iam", resource="role/", example="IAM role")
    cluster = context.environment.cluster_name
    if manager.enabled and manager.usage is not None and cluster not in manager.clusters:
        context.warn(
            (*path, "usage"),
            f'lifecycle_manager.usage lets the cluster "{cluster}" write what it runs, but clusters does not name it.',
            why="Its snapshot is not read: an image that it runs may expire.",
            remedy=f'Add "{cluster}" to lifecycle_manager.clusters.',
            value=cluster,
        )


def _check_bucket(context: Context, path: Path, name: str | None) -> None:
    if name is not None and not BUCKET_NAME.fullmatch(name):
        context.error(
            path,
            f"{dotted(path)} is {shown(name)}.",
            why="Bucket names have 3 to 63 lower case letters, digits, dots and hyphens.",
            remedy="Write another name, or remove it to get ecr-lifecycle-<account>-<region>.",
            value=name,
        )


def _check_topic(context: Context, path: Path, topic: str | None, emails: tuple[str, ...]) -> None:
    region = context.environment.aws_region
    if topic is not None:
        check_arn(context, (*path, "topic_arn"), topic, service="sns", resource="", example="SNS topic", region=region)
        if emails:
            context.error(
                (*path, "emails"),
                f"{dotted(path)} has emails and topic_arn.",
                why="Addresses are subscribed to the topic that is made here; the other one is not managed here.",
                remedy="Remove one of them.",
                value=list(emails),
            )
    for index, address in enumerate(emails):
        if not _EMAIL.fullmatch(address):
            here = (*path, "emails", index)
            context.error(
                here,
                f"{dotted(here)} is {shown(address)}.",
                why="That is no address for electronic mail.",
                remedy='Write it like "platform@example.com".',
                value=address,
            )
    check_unique(context, (*path, "emails"), emails)


def _check_usage(context: Context, path: Path, usage: Usage) -> None:
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
    if not _CRONTAB.fullmatch(usage.schedule):
        context.error(
            (*path, "schedule"),
            f"{name}.schedule is {shown(usage.schedule)}.",
            why="A CronJob of Kubernetes takes five fields.",
            remedy='Write it like "17 * * * *".',
            value=usage.schedule,
        )


def _check_scan_findings(context: Context, findings: ScanFindings) -> None:
    path: Path = ("scan_findings",)
    if findings.enabled:
        _check_owner(context, path, "ECR reports scans in the account and region of the registry")
    _check_function(context, path, findings)
    check_one_of(context, (*path, "severity"), findings.severity, SEVERITIES)
    _check_topic(context, path, findings.topic_arn, findings.emails)
    environment = context.environment
    if findings.enabled and environment.registry_scanning is None and environment.owns_registry:
        context.warn(
            (*path, "enabled"),
            "scan_findings is enabled, but registry_scanning is not set.",
            why="It is taken for BASIC; with ENHANCED scanning, findings come from Amazon Inspector and are not seen.",
            remedy="Set registry_scanning to what the registry has.",
            value=True,
        )


def _check_monitoring(context: Context, monitoring: Monitoring) -> None:
    path: Path = ("monitoring",)
    if monitoring.name is not None and not _DASHBOARD_NAME.fullmatch(monitoring.name):
        context.error(
            (*path, "name"),
            f"monitoring.name is {shown(monitoring.name)}.",
            why="CloudWatch takes 1 to 200 letters, digits, hyphens and underscores.",
            remedy="Write another name, or remove it to get ecr-<environment>.",
            value=monitoring.name,
        )
    for key in ("storage_alarm_gib", "pulls_alarm"):
        value = getattr(monitoring, key)
        if value is not None:
            _number(context, (*path, key), value, 1, None, "The alarm would always be on.")
    _check_topic(context, path, monitoring.topic_arn, monitoring.emails)
