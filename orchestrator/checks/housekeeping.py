"""Checks of the lifecycle manager, of scan findings and of monitoring: what the modules and AWS would refuse later."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.checks.context import Context
from orchestrator.checks.function_variables import check_function_variables
from orchestrator.checks.problem import shown
from orchestrator.checks.retention_settings import check_retention, warn_of_native_policy
from orchestrator.checks.usage_settings import check_usage
from orchestrator.environment.function_parts import LifecycleManager, ScanFindings
from orchestrator.environment.schedules import rate_of
from orchestrator.environment.tfvars import Path, dotted


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
        monitoring = environment.monitoring
        _check_topic(context, ("monitoring",), monitoring.topic_arn, monitoring.emails)
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
    _check_schedule(context, path, manager)
    _check_reserved(context, (*path, "reserved_concurrency"), manager)
    _check_clusters(context, path, manager)
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
    here, silence = (*path, "schedule"), (*path, "silence_days")
    gap = rate_of(manager.schedule)
    days = -(-gap // timedelta(days=1)) if gap else 0
    if gap is not None and 0 < manager.silence_days <= 7 and gap > timedelta(days=manager.silence_days):
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


def _check_clusters(context: Context, path: Path, manager: LifecycleManager) -> None:
    for index, prefix in enumerate(manager.cache_only):
        if prefix not in context.environment.pull_through_cache_rules and context.usable("pull_through_cache_rules"):
            here = (*path, "cache_only", index)
            context.error(
                here,
                f"{dotted(here)} is {shown(prefix)}, and there is no such pull-through cache rule.",
                why="It says that nobody pushes below a rule's prefix.",
                remedy="Write a prefix of pull_through_cache_rules, as it stands there.",
                value=prefix,
            )
    if manager.enabled and not manager.clusters:
        context.warn(
            (*path, "clusters"),
            "lifecycle_manager.clusters is empty: running images are judged by pull time alone.",
            why="A node pulls an image once: one that runs for longer than the retention looks like one that nobody uses.",
            remedy=f'Add "{context.environment.snapshot_name}", with `usage` so that the cluster writes what it runs.',
            value=[],
        )
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
            why="Images that it runs and did not pull for a while would expire.",
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


def _check_topic(context: Context, path: Path, topic: str | None, emails: tuple[str, ...]) -> None:
    if topic is not None and emails:
        context.error(
            (*path, "emails"),
            f"{dotted(path)} has emails and topic_arn.",
            why="Addresses are subscribed to the topic that is made here; the other one is not managed here.",
            remedy="Remove one of them.",
            value=list(emails),
        )


def _check_scan_findings(context: Context, findings: ScanFindings) -> None:
    path: Path = ("scan_findings",)
    if findings.enabled:
        _check_owner(context, path, "ECR reports scans in the account and region of the registry")
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
