"""`orchestrator state mv`: an environment that was renamed keeps its state."""

from __future__ import annotations

import json

import click

from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import project_session


@click.group()
def state() -> None:
    """Look after Terraform states."""


@state.command("mv")
@click.argument("old")
@click.argument("new")
@local_option()
@json_option()
@click.pass_context
def move(ctx: click.Context, old: str, new: str, local: bool, as_json: bool) -> None:
    """Give the state of OLD, whose file was renamed, to the environment NEW.

    Nothing in AWS changes. Without it NEW would make everything a second time, and each would destroy it under the other.
    """
    from orchestrator.terraform.renaming import move_state

    project = open_project(ctx)
    environment = project.load(new)
    session = None if local else project_session(project, environment, local=False)
    if session is not None:
        from orchestrator.aws.caller import check_account

        check_account(session, environment)

    def say(text: str) -> None:
        click.echo(text, err=True)

    where, count = move_state(project, old, environment, session=session, say=say)
    if as_json:
        click.echo(json.dumps({"from": old, "environment": new, "state": where, "resources": count}, indent=2))
    else:
        click.echo(f'The state of "{old}" is that of "{new}" now: {count} resources, {where}.')
