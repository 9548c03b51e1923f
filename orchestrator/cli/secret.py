"""`orchestrator secret set`: upstream credentials into Secrets Manager. A token never comes from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME, RuleName
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import project_session
from orchestrator.errors import RefusedInput, local_flag
from orchestrator.files.named_files import read_given

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project


@click.group()
def secret() -> None:
    """Store upstream credentials in the shape that ECR wants."""


@secret.command("set")
@NAME
@click.argument("rule", type=RuleName())
@click.option("--username", help="The upstream's user name; asked for on a terminal.")
@click.option(
    "--from-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='File with the token, or with JSON: {"username": "...", "accessToken": "..."}.',
)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the same from standard input.")
@local_option()
@json_option()
@click.pass_context
def set_secret(
    ctx: click.Context,
    name: str,
    rule: str,
    username: str | None,
    from_file: Path | None,
    from_stdin: bool,
    local: bool,
    as_json: bool,
) -> None:
    """Store the credentials of RULE, a prefix of environment NAME's pull_through_cache_rules.

    The token is asked for (and not shown), or read from a file or standard input. It is never an argument, where other
    users of the machine could read it.
    """
    if from_file and from_stdin:
        raise RefusedInput("--from-file and --stdin are both given.", remedy="Give one of them.")
    from orchestrator.aws.upstream_credentials import parse_given, refuse_other_secret, target_of, warning

    project = open_project(ctx)
    environment = project.load(name)
    _require_owner(project, environment, local_flag(local))
    target = target_of(name, rule, environment.pull_through_cache_rules)
    upstream = environment.pull_through_cache_rules[rule].upstream_registry_url

    from orchestrator.aws.caller import check_account
    from orchestrator.aws.upstream_secrets import describe_secret, put_upstream_secret

    session = project_session(project, environment, local=local)
    # Before the token is asked for: nobody should type it in vain.
    check_account(session, environment)
    if target.arn:
        found = describe_secret(session, target.name)
        refuse_other_secret(target, found.arn if found else None)

    text, username = _read(upstream, username, from_file, from_stdin)
    credentials = parse_given(text, username, upstream)
    stored = put_upstream_secret(
        session,
        target.name,
        credentials,
        tags=environment.tags,
        description=f"Credentials of {upstream} for the ECR pull-through cache rule {rule}",
    )
    doubt = warning(credentials, upstream)
    for note in (*session.notes, *([doubt] if doubt else [])):
        messages.note(f"{note}")
    if as_json:
        click.echo(
            json.dumps(
                {
                    "environment": name,
                    "rule": rule,
                    "upstream": upstream,
                    "name": stored.name,
                    "arn": stored.arn,
                    "created": stored.created,
                    "account_id": environment.account_id,
                    "region": environment.aws_region,
                    "local": local,
                }
            )
        )
        return
    done = "Created" if stored.created else "Updated"
    click.echo(f"{done} {stored.name} in {environment.aws_region} of account {environment.account_id}.")
    click.echo(stored.arn)


def _require_owner(project: Project, environment: Environment, flag: str) -> None:
    """Raise `RefusedInput` when the rules, and so their secrets, belong to another environment."""
    if environment.owns_registry:
        return
    account, region = environment.registry.account, environment.registry.region
    owner = _owner(project, environment, account, region)
    remedy = (
        f"Run it for that one: orchestrator secret set {owner} RULE{flag}."
        if owner
        else "Run it where the environment that owns that registry is kept (manage_registry = true)."
    )
    raise RefusedInput(
        f'environment "{environment.name}" does not own the registry of account {account} in {region}.',
        why="A rule's secret lives in the rule's own account and region, and one environment manages both.",
        remedy=remedy,
    )


def _owner(project: Project, environment: Environment, account: str, region: str) -> str | None:
    """Name of the project's environment that owns the registry; one that cannot be read is not it."""
    for name in project.environment_names():
        if name == environment.name:
            continue
        try:
            other = project.load(name)
        except RefusedInput:
            continue
        if other.owns_registry and (other.account_id, other.aws_region) == (account, region):
            return name
    return None


def _read(upstream: str, username: str | None, from_file: Path | None, from_stdin: bool) -> tuple[str, str | None]:
    """(text of the token or JSON, user name) from wherever the user wants it read."""
    from orchestrator.aws.upstream_credentials import MAX_BYTES, asked_by

    if from_file or from_stdin:
        if from_file:
            try:
                content = read_given(from_file)
            except OSError as error:
                why = f"{error.strerror}."
                raise RefusedInput(
                    f"{from_file} cannot be read.", why=why, remedy="Name a file, or --stdin."
                ) from error
        else:
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        source = str(from_file) if from_file else "Standard input"
        if len(content) > MAX_BYTES:
            raise RefusedInput(f"{source} has more than {MAX_BYTES} bytes.", why="Secrets Manager keeps no more.")
        try:
            return content.decode("utf-8"), username
        except UnicodeDecodeError:
            # `from None`: the decoder's error holds the bytes, token included, and must not travel on.
            raise RefusedInput(f"{source} is not UTF-8 text.") from None
    if not sys.stdin.isatty():
        raise RefusedInput(
            "There is no terminal to ask for the token on.", remedy="Give it with --stdin or --from-file FILE."
        )
    messages.tell(f"{upstream} asks for {asked_by(upstream)}.")
    if username is None:
        username = click.prompt("User name", err=True)
    return click.prompt("Access token", hide_input=True, err=True), username
