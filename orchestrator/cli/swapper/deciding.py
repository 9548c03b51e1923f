"""What decides, from NAME, FILE or both: the rules of the webhook, and how it behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.project_option import open_project
from orchestrator.cli.swapper.config_file import load_settings
from orchestrator.errors import RefusedInput
from orchestrator.project import Project
from orchestrator.routes.build import build_route_table
from orchestrator.swapper.review import SwapRules
from orchestrator.swapper.swap_settings import SwapSettings
from orchestrator.workloads.standing import LeftAlone, left_alone

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.routes.table import RouteTable

# References whose answer is kept: a cluster has some thousands, and an answer takes some hundred bytes.
REMEMBERED = 16_384


def decide_by(
    ctx: click.Context, name: str | None, config: Path | None, given: Mapping[str, Any]
) -> tuple[SwapRules, SwapSettings]:
    """The rules and settings of NAME and FILE. Raises RefusedInput where they contradict, or say too little.

    A FILE with a target stands alone. Without one, and without FILE, a project's only environment needs no NAME.
    `given` are options of the command, which win over FILE.
    """
    settings = replace(load_settings(config) if config else SwapSettings(), **given)
    _require_pair(settings)
    _tell_what_waits(settings)
    if name is None and config is not None and not _means_environment(ctx, settings):
        return _rules_of_file(settings, str(config)), settings
    project = open_project(ctx)
    return _rules_of_environment(project, name or _only_environment(project), settings)


def _means_environment(ctx: click.Context, settings: SwapSettings) -> bool:
    """Whether a FILE without NAME needs the project's only environment: it says no target itself."""
    target = settings.target
    if target is not None and target.account and target.region:
        return False
    try:
        return len(open_project(ctx).environment_names()) == 1
    except RefusedInput:
        return False


def _require_pair(settings: SwapSettings) -> None:
    if (settings.tls_cert_file is None) != (settings.tls_key_file is None):
        raise RefusedInput(
            "A certificate comes with its key.", remedy="Give both --tls-cert-file and --tls-key-file, or none."
        )


def _tell_what_waits(settings: SwapSettings) -> None:
    """What the file asks for and this version does not do: said, so that nobody relies on it."""
    for key, value, wanted in (("queue", settings.queue, "sqs"), ("state", settings.state, "dynamodb")):
        if value == wanted:
            place = settings.said.get(key)
            click.echo(
                f"note: {f'{place}: ' if place else ''}{key} {value} is not used: replicas share nothing yet.", err=True
            )


def _rules_of_file(settings: SwapSettings, file: str) -> SwapRules:
    from orchestrator.swapper.swap_targets import left_by_file, open_table

    return _rules(open_table(settings, file), left_by_file(), settings)


def _rules_of_environment(project: Project, name: str, settings: SwapSettings) -> tuple[SwapRules, SwapSettings]:
    from orchestrator.cli.route import load_routes
    from orchestrator.swapper.reconcile import reconcile

    environment: Environment = load_routes(project, name)
    settings = reconcile(settings, environment)
    alone = left_alone(environment.exclude_namespaces, environment.exclude_pods, None)
    return _rules(build_route_table(environment), alone, settings), settings


def _rules(table: RouteTable, alone: LeftAlone, settings: SwapSettings) -> SwapRules:
    return SwapRules(
        table,
        alone,
        filters=settings.filters,
        # `always` swaps without a look: whoever writes it takes a Pod that cannot be pulled.
        looked_at=frozenset() if settings.swap_policy == "always" else frozenset({"mirror"}),
        dry_run=settings.dry_run,
        ask=lru_cache(REMEMBERED)(table.redirect),
    )


def _only_environment(project: Project) -> str:
    names = project.environment_names()
    if len(names) == 1:
        return names[0]
    raise RefusedInput(
        "Which environment is meant?",
        why=f"The project has {len(names)}: {', '.join(names) or 'none'}.",
        remedy="Name it: `orchestrator swapper serve NAME`.",
    )
