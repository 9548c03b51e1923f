"""`orchestrator validate`: every check that needs neither Terraform nor AWS."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAMES
from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project
from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError, RefusedInput

if TYPE_CHECKING:
    from orchestrator.checks.check import Checked
    from orchestrator.project import Project


@click.command("validate")
@NAMES
@click.option("--all", "everything", is_flag=True, help="All environments; the default without names.")
@json_option()
@click.pass_context
def validate(ctx: click.Context, names: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Check environments without Terraform and without AWS.

    With several environments, conflicts between them are checked, too: two owners of one registry, one state twice,
    prefixes that overlap. Exit code 0: all can be used (there may be warnings); 2: there are errors.
    """
    if names and everything:
        raise RefusedInput("Names and --all exclude each other.", remedy="Leave one of them out.")
    project = open_project(ctx)
    chosen = list(dict.fromkeys(names)) or project.environment_names()
    if not chosen:
        raise RefusedInput(
            f"There are no environments in {project.environments_dir}.", remedy="`orchestrator init NAME` makes one."
        )
    # All names are looked at before anything is printed.
    for name in chosen:
        project.tfvars_files(name)
    results = [_check(project, name) for name in chosen]
    across, odd = _check_across(results)
    if as_json:
        click.echo(json.dumps(_document(results, across, odd), indent=2, ensure_ascii=False))
    else:
        _print(results, across, odd)
    return 2 if across or any(result.problems for result in results) else 0


def _check(project: Project, name: str) -> Checked:
    from orchestrator.checks.check import Checked

    try:
        return project.check(name)
    except OrchestratorError as error:
        return Checked(name, None, (error,))


def _check_across(results: list[Checked]) -> tuple[list[OrchestratorError], list[OrchestratorError]]:
    """(errors, warnings)."""
    if len(results) < 2:
        return [], []
    from orchestrator.checks.across import check_across, warn_across
    from orchestrator.checks.environments import lines_of

    where = lines_of({result.name: result.tfvars for result in results})
    environments = [result.environment for result in results if result.environment]
    return [*check_across(environments, where)], [*warn_across(environments, where)]


def _document(
    results: list[Checked], across: list[OrchestratorError], odd: list[OrchestratorError]
) -> dict[str, object]:
    return {
        "environments": [
            {
                "name": result.name,
                "valid": not result.problems,
                "errors": [_entry(problem) for problem in result.problems],
                "warnings": [_entry(problem) for problem in result.warnings],
            }
            for result in results
        ],
        "across": [_entry(problem) for problem in across],
        "across_warnings": [_entry(problem) for problem in odd],
    }


def _entry(problem: OrchestratorError) -> dict[str, object]:
    # Syntax errors know no variable; the keys are there all the same.
    return {"variable": None, "value": None, **problem.as_dict()}


def _print(results: list[Checked], across: list[OrchestratorError], odd: list[OrchestratorError]) -> None:
    from orchestrator.checks.without_a_way_out import duties

    for result in results:
        _print_part(result.name, result.problems, result.warnings)
        for duty in duties(result.environment) if result.environment else ():
            click.echo(f"  {duty}")
    if across or odd:
        _print_part("across environments", across, odd)
    skipped = [result.name for result in results if result.environment is None]
    if len(results) > 1 and skipped:
        click.echo(f"Not checked against the others: {', '.join(skipped)}.")


def _print_part(name: str, problems: Sequence[OrchestratorError], warnings: Sequence[OrchestratorError]) -> None:
    counts = [counted(len(problems), "error") if problems else "ok"]
    counts += [counted(len(warnings), "warning")] if warnings else []
    click.echo(f"{name}: {', '.join(counts)}")
    for problem in problems:
        click.echo(messages.fitted(f"  error: {problem}", sys.stdout))
    for problem in warnings:
        click.echo(messages.fitted(f"  warning: {problem}", sys.stdout))
