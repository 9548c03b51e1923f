"""`orchestrator affected`: the environments that a change touches, as a list or as the matrix of a pipeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import messages
from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.git_changes import GitChanges, changes_since

if TYPE_CHECKING:
    from orchestrator.checks.check import Checked
    from orchestrator.project import Project

SUFFIX = ".tfvars"


@click.command("affected")
@click.option("--since", metavar="REF", help="Compare with where HEAD left this commit (default: the main branch).")
@click.option("--matrix", is_flag=True, help='Print {"include": [...]} in one line, for a matrix of jobs.')
@json_option("Print one JSON document, with the reasons.")
@click.pass_context
def affected(ctx: click.Context, since: str | None, matrix: bool, as_json: bool) -> None:
    """Name the environments that a change touches: by files, modules, and the variables that each really reads.

    Comments touch nobody, and neither does a common variable that an environment sets for itself. Changes of the
    working tree count. An environment whose file is gone is warned of: what it made is still there.
    """
    from orchestrator.checks.impact import affected_environments

    if matrix and as_json:
        raise RefusedInput("--matrix and --json exclude each other.", remedy="Leave one of them out.")
    project = open_project(ctx)
    changes = changes_since(project.root, since)
    before = _before(changes)
    after = {name: _checked(project, name) for name in project.environment_names()}
    found = affected_environments(changes.paths, before, after, own_root_module=project.has_own_root_module)
    gone = sorted(before.keys() - after.keys())
    for name in gone:
        messages.warn(
            f"environments/{name}{SUFFIX} is gone: what it made is still there, unless `orchestrator destroy {name}` "
            "was run before."
        )
    rows = [_row(entry.name, after[entry.name]) for entry in found]
    if matrix:
        click.echo(json.dumps({"include": rows}))
    elif as_json:
        listed = [{**row, "reasons": list(entry.reasons)} for row, entry in zip(rows, found, strict=True)]
        click.echo(
            json.dumps(
                {"since": changes.since, "base": changes.base, "environments": listed, "removed": gone}, indent=2
            )
        )
    else:
        for entry in found:
            click.echo(entry.name)


def _before(changes: GitChanges) -> dict[str, Checked]:
    """The environments as they were. A file that did not change need not be read twice, but is cheap."""
    from orchestrator.checks.check import Checked, check_environment
    from orchestrator.environment.tfvars import parse_tfvars
    from orchestrator.project import COMMON

    names = [name.removesuffix(SUFFIX) for name in changes.names("environments") if name.endswith(SUFFIX)]
    found: dict[str, Checked] = {}
    for name in names:
        if name == COMMON or name.startswith("."):
            continue
        try:
            texts = {file: changes.text(f"environments/{file}{SUFFIX}") for file in (COMMON, name)}
            parsed = [
                parse_tfvars(text, f"environments/{file}{SUFFIX}") for file, text in texts.items() if text is not None
            ]
            found[name] = check_environment(name, parsed)
        except OrchestratorError as error:
            found[name] = Checked(name, None, (error,))
    return found


def _checked(project: Project, name: str) -> Checked:
    from orchestrator.checks.check import Checked

    try:
        return project.check(name)
    except OrchestratorError as error:
        return Checked(name, None, (error,))


def _row(name: str, checked: Checked) -> dict[str, Any]:
    known = checked.environment or checked.draft
    return {
        "environment": name,
        "account_id": known.account_id if known else None,
        "region": known.aws_region if known else None,
    }
