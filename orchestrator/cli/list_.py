"""`orchestrator list`: the environments of a project, and what is known of them without asking AWS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.errors import InvalidEnvironment, OrchestratorError
from orchestrator.terraform.last_runs import LastRuns, last_runs
from orchestrator.terraform.workdir import workdir_of

if TYPE_CHECKING:
    from orchestrator.project import Project

HEADINGS = ("ENVIRONMENT", "ACCOUNT", "REGION", "PLATFORM", "LAST APPLY", "DRIFT")
UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class ListedEnvironment:
    """One row. `problems` counts what `validate` says is wrong; values are None where the files do not give them.

    `local`: the runs are those of --local, in the embedded AWS.
    """

    name: str
    account_id: str | None
    region: str | None
    platform: str | None
    problems: int
    runs: LastRuns
    local: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "account_id": self.account_id,
            "region": self.region,
            "platform": self.platform,
            "valid": self.problems == 0,
            "local": self.local,
            "last_apply": self.runs.applied,
            "drift": None
            if self.runs.drift is None
            else {"resources": self.runs.drift, "checked": self.runs.drift_checked},
        }

    def cells(self) -> tuple[str, ...]:
        given = (self.account_id, self.region, self.platform)
        name = self.name if not self.problems else f"{self.name} (invalid)"
        return (name, *(value or UNKNOWN for value in given), self._marked(_time(self.runs.applied)), self._drift())

    def _marked(self, known: str) -> str:
        return f"{known} (--local)" if self.local and known != UNKNOWN else known

    def _drift(self) -> str:
        if self.runs.drift is None:
            return UNKNOWN
        count = f"{self.runs.drift} changed" if self.runs.drift else "none"
        return f"{count} ({_time(self.runs.drift_checked)})"


@click.command("list")
@local_option("The environment's life on the embedded AWS instead.")
@json_option()
@click.pass_context
def list_(ctx: click.Context, local: bool, as_json: bool) -> None:
    """List the environments of the project: account, region, platform, last apply, and drift.

    The last apply and what drifted are what this machine knows; times are UTC. An environment that was applied with
    --local alone shows that, marked so.
    """
    project = open_project(ctx)
    rows = [_listed(project, name, local=local) for name in project.environment_names()]
    if as_json:
        click.echo(json.dumps({"environments": [row.as_dict() for row in rows]}, indent=2))
    elif rows:
        _print([HEADINGS, *(row.cells() for row in rows)])
    else:
        click.echo("No environments yet: `orchestrator init NAME` makes one.")


def _listed(project: Project, name: str, *, local: bool) -> ListedEnvironment:
    runs, of_local = _runs(project, name, local=local)
    try:
        checked = project.check(name)
    except OrchestratorError as error:
        count = len(error.problems) if isinstance(error, InvalidEnvironment) else 1
        return ListedEnvironment(name, None, None, None, count, runs, of_local)
    found = checked.environment or checked.draft
    if found is None:
        return ListedEnvironment(name, None, None, None, len(checked.problems), runs, of_local)
    account, region, platform = (value or None for value in (found.account_id, found.aws_region, found.platform))
    return ListedEnvironment(name, account, region, platform, len(checked.problems), runs, of_local)


def _runs(project: Project, name: str, *, local: bool) -> tuple[LastRuns, bool]:
    """What is known, and whether it is of --local: asked for, or because nothing is known of AWS."""
    ours, embedded = (last_runs(workdir_of(project, name, local=of_local)) for of_local in (False, True))
    if local or (ours == LastRuns() and embedded != LastRuns()):
        return embedded, True
    return ours, False


def _time(text: str | None) -> str:
    return text[:16].replace("T", " ") if text else UNKNOWN


def _print(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
