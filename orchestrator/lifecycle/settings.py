"""The lifecycle manager's settings: what modules/lifecycle-manager writes into the function's variables -> Settings.

    DRY_RUN                          "true": expire nothing, say what would be
    RETENTION                        JSON, see orchestrator.lifecycle.retention
    NATIVE_POLICY                    "", "untagged" or "count": give cached repositories a policy of ECR's own as well
    SNAPSHOT_REQUIRED                "true": nothing expires without a fresh snapshot of every cluster
    SNAPSHOT_MAX_AGE_HOURS           limit of a snapshot's age, 48 unless said
    CLUSTERS                         JSON list of names; declaring one requires its snapshot
    BUCKET                           snapshots/<cluster>.json, audit/, cache/, runs/
    QUEUE_URL                        where pages of repositories go when one run cannot do them all
    MAX_EXPIRE_FRACTION_REPOSITORY   largest part of a repository's images that one run may expire, "0.5" unless said
    MAX_EXPIRE_FRACTION_ACCOUNT      the same of the images of all cached repositories, "0.25" unless said
    METRIC_NAMESPACE, ENVIRONMENT    where metrics go
    ROUTES                           JSON list of {"prefix", "source"}: names upstreams in the audit
    OWN                              JSON list of patterns: repositories that the environment declares or lets CI push to
    CACHE_ONLY                       JSON list of prefixes below which nobody pushes
    INSPECTOR                        "true": ask Amazon Inspector which images run

Pure: the variables are an argument.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, cast

from orchestrator.lifecycle.expiry_guard import Guard, parse_fraction
from orchestrator.lifecycle.ports import ROOT
from orchestrator.lifecycle.retention import InvalidRetentionError, Retentions, parse_retention

NativePolicy = Literal["", "untagged", "count"]
DEFAULT_NAMESPACE = "Orchestrator/Lifecycle"
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})


class InvalidSettingsError(ValueError):
    """Variables that cannot be used, for each of `problems`, which name the variable."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


@dataclass(frozen=True, slots=True)
class Settings:
    """What one manager works by."""

    environment: str = ""
    dry_run: bool = False
    retentions: Retentions = field(default_factory=Retentions)
    native_policy: NativePolicy = ""
    clusters: tuple[str, ...] = ()
    snapshot_required: bool = False
    snapshot_limit: timedelta = timedelta(hours=48)
    guard: Guard = field(default_factory=Guard)
    bucket: str = ""
    queue_url: str = ""
    namespace: str = DEFAULT_NAMESPACE
    routes: tuple[tuple[str, str], ...] = ()
    inspector: bool = False
    own: tuple[str, ...] = ()
    cache_only: tuple[str, ...] = ()


def read_settings(variables: Mapping[str, str]) -> Settings:
    """The settings of these variables. Raises InvalidSettingsError with every problem: none is guessed around."""
    problems: list[str] = []

    def flag(name: str) -> bool:
        value = variables.get(name, "").strip().lower()
        if value not in _TRUE | _FALSE:
            # Only what reads as "act" may be read so.
            problems.append(f'{name} is "{value}", neither "true" nor "false"')
        return value in _TRUE

    def listed(name: str) -> list[object]:
        text = variables.get(name, "").strip() or "[]"
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, list):
            problems.append(f"{name} is no JSON list")
            return []
        return value

    def names(name: str) -> tuple[str, ...]:
        values = listed(name)
        if not all(isinstance(value, str) and value for value in values):
            problems.append(f"{name} is no list of names")
        return tuple(map(str, values))

    def fraction(name: str, default: str) -> object:
        try:
            return parse_fraction(variables.get(name, "").strip() or default, name)
        except ValueError as error:
            problems.append(str(error))
            return parse_fraction("0", name)

    try:
        retentions = parse_retention(variables.get("RETENTION", ""))
    except InvalidRetentionError as error:
        problems += [f"RETENTION: {fault}" for fault in error.faults]
        retentions = Retentions()
    native = variables.get("NATIVE_POLICY", "").strip()
    if native not in ("", "untagged", "count"):
        problems.append(f'NATIVE_POLICY is "{native}", not "", "untagged" or "count"')
    clusters = listed("CLUSTERS")
    if not all(isinstance(cluster, str) and cluster and "/" not in cluster for cluster in clusters):
        problems.append("CLUSTERS is no list of names")
    limit = _hours(variables.get("SNAPSHOT_MAX_AGE_HOURS", "").strip() or "48", problems)
    settings = Settings(
        environment=variables.get("ENVIRONMENT", ""),
        dry_run=flag("DRY_RUN"),
        retentions=retentions,
        native_policy=cast(NativePolicy, native),
        clusters=tuple(str(cluster) for cluster in clusters),
        snapshot_required=flag("SNAPSHOT_REQUIRED"),
        snapshot_limit=limit,
        guard=Guard(
            fraction("MAX_EXPIRE_FRACTION_REPOSITORY", "0.5"),  # type: ignore[arg-type]
            fraction("MAX_EXPIRE_FRACTION_ACCOUNT", "0.25"),  # type: ignore[arg-type]
        ),
        bucket=variables.get("BUCKET", ""),
        queue_url=variables.get("QUEUE_URL", ""),
        namespace=variables.get("METRIC_NAMESPACE", "") or DEFAULT_NAMESPACE,
        routes=tuple(_routes(listed("ROUTES"), problems)),
        inspector=flag("INSPECTOR"),
        own=names("OWN"),
        cache_only=names("CACHE_ONLY"),
    )
    if problems:
        raise InvalidSettingsError(problems)
    return settings


def _hours(text: str, problems: list[str]) -> timedelta:
    try:
        hours = float(text)
    except ValueError:
        hours = 0
    if not 0 < hours <= 24 * 366:
        problems.append(f'SNAPSHOT_MAX_AGE_HOURS is "{text}", not a number of hours')
        hours = 1
    return timedelta(hours=hours)


def _routes(entries: list[object], problems: list[str]) -> list[tuple[str, str]]:
    routes = []
    for index, entry in enumerate(entries):
        prefix = entry.get("prefix") if isinstance(entry, Mapping) else None
        source = entry.get("source") if isinstance(entry, Mapping) else None
        if isinstance(prefix, str) and isinstance(source, str) and source:
            routes.append(("" if prefix == ROOT else prefix.rstrip("/"), source.rstrip("/")))
        else:
            problems.append(f"ROUTES[{index}] has no prefix and source")
    return routes
