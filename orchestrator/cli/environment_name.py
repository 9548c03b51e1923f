"""Names on the command line: an environment (`dev`, and where it is meant `environments/dev.tfvars`), a rule, a target.

Each knows what may be completed there. Completion must never fail: whatever goes wrong completes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from orchestrator.errors import OrchestratorError, RefusedInput

if TYPE_CHECKING:
    from orchestrator.project import Project

SUFFIX = ".tfvars"


class EnvironmentName(click.ParamType[str]):
    """The name of an environment. The path of its file in this project is read as its name."""

    name = "environment"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """`environments/dev.tfvars` -> `dev`. Raises RefusedInput for a file outside of the project's environments/."""
        if not value.endswith(SUFFIX):
            return value
        given = Path(value)
        project = _project(ctx)
        if project is None:
            # Only `init` gets on without one: it makes the folder here.
            return given.stem if given.parent.name in ("", "environments") else value
        home = project.environments_dir.resolve()
        places = [given.parent, project.root / given.parent]
        if any(place.resolve() == home for place in places) or given.parent == Path():
            return given.stem
        raise RefusedInput(
            f"{value} is no environment of this project.",
            why=f"Its environments are in {home}.",
            remedy=f"`-C FOLDER` names another project; here say `{given.stem}`.",
        )

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that were not given yet."""
        project = _project(ctx)
        given = ctx.params.get(param.name or "") or ()
        taken = set(given) if isinstance(given, tuple) else set()
        names = project.environment_names() if project else []
        return [CompletionItem(name) for name in names if name.startswith(incomplete) and name not in taken]


class RuleName(click.ParamType[str]):
    """The prefix of a pull-through cache rule of the environment that stands before it."""

    name = "rule"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The rules of the environment, with their upstreams."""
        project = _project(ctx)
        environment = ctx.params.get("name")
        if project is None or not isinstance(environment, str):
            return []
        found: dict[str, str] = {}
        try:
            for file in project.read(environment):
                rules = file.values.get("pull_through_cache_rules")
                if isinstance(rules, dict):
                    found = {str(prefix): _upstream(rule) for prefix, rule in rules.items()}
        except OrchestratorError:
            return []
        return [CompletionItem(prefix, help=found[prefix]) for prefix in sorted(found) if prefix.startswith(incomplete)]


class TargetName(click.ParamType[str]):
    """A target of `manifests`."""

    name = "target"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Every target."""
        from orchestrator.manifests import GENERATORS

        return [CompletionItem(target) for target in GENERATORS if target.startswith(incomplete)]


ENVIRONMENT = EnvironmentName()
NAME = click.argument("name", metavar="NAME", type=ENVIRONMENT)
NAMES = click.argument("names", nargs=-1, metavar="[NAME]...", type=ENVIRONMENT)


def _project(ctx: click.Context | None) -> Project | None:
    from orchestrator.project import find_project

    # While completing, the group's callback has not run: its parameters are there all the same.
    chosen = ctx.find_root().params.get("project_dir") if ctx is not None else None
    try:
        return find_project(Path(chosen) if chosen else None)
    except OrchestratorError:
        return None


def _upstream(rule: Any) -> str:
    return str(rule.get("upstream_registry_url", "")) if isinstance(rule, dict) else ""
