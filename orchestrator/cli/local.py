"""`orchestrator local`: the embedded AWS that `--local` uses."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from orchestrator.cli.local_cache import age, fill
from orchestrator.cli.options import json_option, registry_option
from orchestrator.cli.project_option import open_project
from orchestrator.errors import OrchestratorError
from orchestrator.local.process import LocalAws, ensure_running, others, status, stop

EXAMPLE_ACCOUNT = "123456789012"
EXAMPLE_REGION = "us-east-1"


def _describe(local_aws: LocalAws, account_id: str, region: str) -> dict[str, object]:
    answer = local_aws.request("GET", "/_orchestrator/status")
    return {
        "running": True,
        "endpoint": local_aws.endpoint,
        "pid": local_aws.pid,
        "created": local_aws.created,
        "log": str(local_aws.log),
        "requests": answer["requests"],
        "accounts": answer["accounts"],
        "upstreams": answer.get("upstreams", {}),
        "environment": local_aws.variables(account_id, region),
    }


def _print(description: dict[str, object]) -> None:
    click.echo(f"The embedded AWS listens on {description['endpoint']} (process {description['pid']}).")
    accounts = description["accounts"]
    if isinstance(accounts, list) and accounts:
        click.echo(f"Accounts in use: {', '.join(map(str, accounts))}")
    upstreams = description["upstreams"]
    assert isinstance(upstreams, dict)
    for registry, address in sorted(upstreams.items()):
        click.echo(f"Rules of {registry} fetch from {address}")
    click.echo(f"Log: {description['log']}")
    click.echo("For the AWS command line and SDKs (the access key chooses the account):")
    variables = description["environment"]
    assert isinstance(variables, dict)
    for name, value in variables.items():
        click.echo(f"  export {name}={shlex.quote(value)}")


@click.group()
def local() -> None:
    """The embedded AWS that `--local` uses: a moto server on loopback, with what moto lacks."""


def _account_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if len(value) != 12 or not (value.isascii() and value.isdigit()):
        raise click.BadParameter("an AWS account id has twelve digits")
    return value


_account = click.option(
    "--account",
    "account_id",
    default=EXAMPLE_ACCOUNT,
    show_default=True,
    callback=_account_id,
    help="Account that the exports act as.",
)
_region = click.option("--region", default=EXAMPLE_REGION, show_default=True, help="Region of the exports.")


@local.command()
@_account
@_region
@registry_option("--upstream", "upstreams", text="Let rules of REGISTRY really fetch their images from this address.")
@json_option()
@click.pass_context
def up(context: click.Context, account_id: str, region: str, upstreams: dict[str, str], as_json: bool) -> None:
    """Start the embedded AWS, unless it runs, and print how to reach it."""
    running = ensure_running(open_project(context).local_aws_dir)
    if upstreams:
        running.request("POST", "/_orchestrator/upstreams", upstreams)
    description = _describe(running, account_id, region)
    if as_json:
        click.echo(json.dumps(description, indent=2))
    else:
        _print(description)


@local.command(name="status")
@_account
@_region
@json_option()
@click.pass_context
def status_command(context: click.Context, account_id: str, region: str, as_json: bool) -> int:
    """Say whether the embedded AWS of this folder runs, and which run for others. Exit code 1: this one does not."""
    stopped: dict[str, object] = {"running": False}
    folder = open_project(context).local_aws_dir
    running = status(folder)
    try:
        description = _describe(running, account_id, region) if running else stopped
    except (OSError, OrchestratorError):
        description = stopped
    elsewhere = {place.parents[1]: server for place, server in others(folder).items() if _is_of_project(place)}
    if as_json:
        listed = [
            {"project": str(place), "endpoint": server.endpoint, "pid": server.pid}
            for place, server in elsewhere.items()
        ]
        click.echo(json.dumps({**description, **({"others": listed} if listed else {})}, indent=2))
        return 0 if description["running"] else 1
    if description["running"]:
        _print(description)
    else:
        click.echo("The embedded AWS does not run. `orchestrator local up` starts it.")
    for place, server in elsewhere.items():
        click.echo(f"Another runs for {place}: {server.endpoint} (process {server.pid}).")
        click.echo(f"  orchestrator -C {shlex.quote(str(place))} local status")
    return 0 if description["running"] else 1


def _is_of_project(state_dir: Path) -> bool:
    """Does a folder's `--local` use it? Programs may keep one of their own elsewhere."""
    return state_dir.parts[-2:] == (".orchestrator", "local-aws")


@local.command()
@json_option()
@click.pass_context
def down(context: click.Context, as_json: bool) -> None:
    """Stop the embedded AWS and forget everything in it."""
    ended = stop(open_project(context).local_aws_dir)
    if as_json:
        click.echo(json.dumps({"stopped": ended}))
    else:
        click.echo("The embedded AWS is stopped." if ended else "The embedded AWS does not run.")


local.add_command(fill)
local.add_command(age)
