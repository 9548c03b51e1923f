"""Checks of the lifecycle manager, of scan findings and of monitoring: what the modules and AWS would refuse later."""

from __future__ import annotations

import re
from datetime import timedelta

from orchestrator.checks.common import check_arn, check_kms_key, check_one_of, check_unique
from orchestrator.checks.context import Context
from orchestrator.checks.forms import SNAPSHOT_NAME, is_bucket_name
from orchestrator.checks.function_variables import check_function_variables
from orchestrator.checks.problem import shown
from orchestrator.checks.retention import check_retention, warn_of_native_policy
from orchestrator.checks.schedules import eventbridge_problem, rate_of
from orchestrator.checks.usage import check_usage
from orchestrator.environment.parts import LifecycleManager, Monitoring, ScanFindings
from orchestrator.environment.tfvars import Path, dotted

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
    _check_names(context)
    if environment.dry_run_mode and not (environment.lifecycle_manager and environment.lifecycle_manager.enabled):
        context.warn(
            ("dry_run_mode",),
            "dry_run_mode is true, but lifecycle_manager is not enabled.",
            why="There is nothing that would run.",
            remedy="Remove it, or enable the lifecycle manager.",
            value=True,
        )


def _check_names(context: Context) -> None:
    manager, findings = context.environment.lifecycle_manager, context.environment.scan_findings
    if manager and findings and manager.enabled and findings.enabled and manager.name == findings.name:
        context.error(
            ("scan_findings", "name"),
            f"Both functions are called {shown(findings.name)}.",
            why="A function's name is unique in account and region.",
            remedy='Rename one; the defaults are "ecr-lifecycle-manager" and "ecr-scan-findings".',
            value=findings.name,
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
    _check_schedule(context, path, manager)
    _check_reserved(context, (*path, "reserved_concurrency"), manager)
    failures = (*path, "upstream_sync_failures")
    _number(
        context, failures, manager.upstream_sync_failures, 0, None, "It is a number of failures that raise no alarm."
    )
    check_one_of(context, (*path, "native_policy"), manager.native_policy, NATIVE_POLICIES)
    _check_fractions(context, path, manager)
    _check_clusters(context, path, manager)
    _check_bucket(context, (*path, "bucket_name"), manager.bucket_name)
    check_kms_key(context, (*path, "kms_key_arn"), manager.kms_key_arn, environment.registry_region_name)
    if manager.kms_key_admits_services and manager.kms_key_arn is None:
        context.error(
            (*path, "kms_key_admits_services"),
            "lifecycle_manager.kms_key_admits_services is true, but there is no kms_key_arn.",
            why="It says what the policy of that key allows.",
            remedy="Name the key, or remove it.",
            value=True,
        )
    _check_topic(context, path, manager.topic_arn, manager.emails)
    if manager.retention is not None:
        check_retention(context, (*path, "retention"), manager.retention)
    if manager.enabled and manager.native_policy in ("count", "untagged"):
        warn_of_native_policy(context, (*path, "native_policy"), manager.native_policy, manager.retention)
    if manager.usage is not None:
        check_usage(context, (*path, "usage"), manager.usage)
    _check_records(context, path, manager)
    if not context.problems:
        check_function_variables(context, path, manager)


def _check_schedule(context: Context, path: Path, manager: LifecycleManager) -> None:
    here = (*path, "schedule")
    why, remedy = eventbridge_problem(manager.schedule)
    if why:
        context.error(
            here,
            f"lifecycle_manager.schedule is {shown(manager.schedule)}.",
            why=why,
            remedy=remedy,
            value=manager.schedule,
        )
    silence = (*path, "silence_days")
    if not 0 <= manager.silence_days <= 7:
        context.error(
            silence,
            f"{dotted(silence)} is {manager.silence_days}.",
            why="CloudWatch looks back seven days at most.",
            remedy="Write 1 to 7, or 0 for no such alarm.",
            value=manager.silence_days,
        )
        return
    gap = None if why else rate_of(manager.schedule)
    days = -(-gap // timedelta(days=1)) if gap else 0
    if gap is not None and manager.silence_days and gap > timedelta(days=manager.silence_days):
        context.error(
            silence,
            f"{dotted(silence)} is {manager.silence_days}, but lifecycle_manager.schedule is {shown(manager.schedule)}.",
            why="The alarm would be on between two runs.",
            remedy=f"Write {days} or more, or run more often."
            if days <= 7
            else "Write 0: there is no alarm for so rare a schedule.",
            value=manager.silence_days,
            at=silence if _is_written(context, silence) else here,
        )


def _is_written(context: Context, path: Path) -> bool:
    return path in context.tfvars.locations


def _check_reserved(context: Context, path: Path, manager: LifecycleManager) -> None:
    reserved, pages = manager.reserved_concurrency, manager.max_concurrency
    if reserved is not None and reserved <= pages:
        context.error(
            path,
            f"{dotted(path)} is {reserved}.",
            why=f"A run waits while {pages} pages (max_concurrency) are worked on; with less, Lambda refuses pages until "
            "they are given up.",
            remedy=f"Write {pages + 1} or more; the account's other functions share what is left.",
            value=reserved,
        )


def _check_records(context: Context, path: Path, manager: LifecycleManager) -> None:
    environment = context.environment
    if manager.keep_records and not environment.owns_registry:
        _check_owner(context, path, "The records are of its registry", "keep_records")
    if manager.keep_records and manager.force_destroy_records:
        context.error(
            (*path, "force_destroy_records"),
            "lifecycle_manager has keep_records and force_destroy_records.",
            why="One keeps the bucket, the other empties it when it goes.",
            remedy="Remove one of them.",
            value=True,
        )


def _check_owner(context: Context, path: Path, why: str, key: str = "enabled") -> None:
    environment = context.environment
    usable = context.usable("account_id", "aws_region", "registry_account_id", "registry_region", "manage_registry")
    if usable and not environment.owns_registry:
        context.error(
            (*path, key),
            f"{dotted(path)} is enabled, but this environment does not manage its registry."
            if key == "enabled"
            else f"{dotted((*path, key))} is set, but this environment does not manage its registry.",
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
        if not SNAPSHOT_NAME.fullmatch(name):
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
    if manager.enabled:
        _warn_of_own_cluster(context, path, manager)


def _warn_of_own_cluster(context: Context, path: Path, manager: LifecycleManager) -> None:
    """The environment's own cluster is waited for and writes, or one of the two is missing."""
    name = context.environment.snapshot_name
    if name in manager.clusters and manager.usage is None and name not in manager.snapshot_writers:
        context.warn(
            (*path, "clusters", manager.clusters.index(name)),
            f'lifecycle_manager.clusters names "{name}", and nothing lets that cluster write its snapshot.',
            why="Until somebody writes it by hand, nothing expires and the alarm `snapshot` rings every day.",
            remedy="Add `usage` (a role for its CronJob), or `snapshot_writers` for a role of your own.",
            value=name,
        )
    elif name not in manager.clusters and manager.usage is None and manager.clusters:
        context.warn(
            (*path, "clusters"),
            f'lifecycle_manager.clusters does not name this environment\'s own cluster, "{name}".',
            why="What it runs and did not pull for a while would expire.",
            remedy=f'Add "{name}", with `usage` so that it writes its snapshot.',
            value=list(manager.clusters),
        )
    elif name not in manager.clusters and manager.usage is not None:
        context.warn(
            (*path, "usage"),
            f'lifecycle_manager.usage lets the cluster write what it runs as "{name}", but clusters does not name it.',
            why="Nothing waits for its snapshot: when that is missing, an image that it runs may expire.",
            remedy=f'Add "{name}" to lifecycle_manager.clusters.',
            value=name,
        )


def _check_bucket(context: Context, path: Path, name: str | None) -> None:
    if name is not None and not is_bucket_name(name):
        context.error(
            path,
            f"{dotted(path)} is {shown(name)}.",
            why="Bucket names have 3 to 63 lower case letters, digits, dots and hyphens, are no IP address, and have none "
            "of the beginnings and ends that S3 keeps for itself (xn--, -s3alias and the like).",
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


def _check_scan_findings(context: Context, findings: ScanFindings) -> None:
    path: Path = ("scan_findings",)
    if findings.enabled:
        _check_owner(context, path, "ECR reports scans in the account and region of the registry")
    _check_function(context, path, findings)
    check_one_of(context, (*path, "severity"), findings.severity, SEVERITIES)
    if findings.reserved_concurrency is not None:
        reserved = (*path, "reserved_concurrency")
        _number(context, reserved, findings.reserved_concurrency, 1, None, "With 0 Lambda would never call it.")
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
