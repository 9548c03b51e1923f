"""`orchestrator cache reconcile`: cached repositories get the settings that their template has now."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import project_session
from orchestrator.counts import counted
from orchestrator.errors import OrchestratorError, RefusedInput

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.aws.standing_repositories import Reconciliations
    from orchestrator.environment.model import Environment
    from orchestrator.mirroring.reconciliation import Reconciliation


@click.group()
def cache() -> None:
    """Look after repositories that rules and mirrors made."""


@cache.command("reconcile")
@NAME
@click.option("--repository", "only", multiple=True, metavar="REPOSITORY", help="Only this one; may be repeated.")
@click.option("--check", is_flag=True, help="Only show what differs: exit code 3 when something does.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@local_option()
@json_option()
@click.pass_context
def reconcile(
    ctx: click.Context, name: str, only: tuple[str, ...], check: bool, yes: bool, local: bool, as_json: bool
) -> int:
    """Show how cached repositories of environment NAME differ from their templates, ask, and set what can be set.

    A template acts when ECR makes a repository, never later. Policy, mutability, tags and scanning are set; the encryption
    stays as it was made, and is named. Statements and tags of others stay. Exit code 1 when a repository failed.
    """
    from orchestrator.aws.caller import check_account
    from orchestrator.aws.standing_repositories import differing_repositories

    if check and yes:
        raise RefusedInput("--check and --yes are both given.", remedy="Give --check to look, --yes to set.")
    project = open_project(ctx)
    environment = project.load(name)
    if not environment.owns_registry:
        raise RefusedInput(
            "the registry is another environment's.",
            environment=name,
            why="Rules and templates belong to the environment that owns the registry (`manage_registry`).",
            remedy="Run it for the owner.",
        )
    session = project_session(project, environment, local=local)
    check_account(session, environment)
    managed = [each for other in project.neighbours(environment).values() for each in other.own_repository_names]
    found = differing_repositories(session, environment, managed=managed, only=only)
    if not as_json:
        _print(found)
    settable = [each for each in found.differing if each.settable]
    failed: dict[str, OrchestratorError] = {}
    done = False
    if settable and not check and _agreed(name, len(settable), yes=yes, as_json=as_json):
        failed, done = _set(session, settable), True
        if not as_json:
            for repository, error in failed.items():
                messages.stop(f"{repository}: {error}")
            click.echo(f"{counted(len(settable) - len(failed), 'repository', 'repositories')} set.")
    if as_json:
        _print_json(environment, found, settable if done else [], failed)
    if check:
        return 3 if found.differing else 0
    return 1 if failed else 0


def _agreed(name: str, count: int, *, yes: bool, as_json: bool) -> bool:
    if yes:
        return True
    if as_json or not sys.stdin.isatty():
        raise RefusedInput(
            "nobody can be asked here.",
            environment=name,
            why="Standard input is no terminal, or --json is given.",
            remedy="--yes sets without asking; --check only shows.",
        )
    return click.confirm(f"Set the settings of {counted(count, 'repository', 'repositories')}?", err=True)


def _set(session: AwsSession, changes: list[Reconciliation]) -> dict[str, OrchestratorError]:
    """Set each; a repository that fails does not stop the others."""
    from orchestrator.aws.standing_repositories import set_differences

    failed = {}
    for change in changes:
        try:
            set_differences(session, change)
        except OrchestratorError as error:
            failed[change.name] = error
    return failed


def _print(found: Reconciliations) -> None:
    for change in found.differing:
        click.echo(f"  {change.name}")
        for each in change.differences:
            click.echo(
                f"      {each.setting}: {each.before} -> {each.after}"
                + ("" if each.settable else "  (cannot be set: only a new repository gets it)")
            )
    click.echo(
        f"{len(found.differing)} of {counted(found.looked_at, 'repository', 'repositories')} differ from their template."
        if found.looked_at
        else "No cached repository has a template."
    )


def _print_json(
    environment: Environment, found: Reconciliations, done: list[Reconciliation], failed: dict[str, OrchestratorError]
) -> None:
    document = {
        "environment": environment.name,
        "looked_at": found.looked_at,
        "repositories": [each.as_dict() for each in found.differing],
        "set": [each.name for each in done if each.name not in failed],
        "failed": {repository: error.as_dict() for repository, error in failed.items()},
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
