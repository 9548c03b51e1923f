"""`orchestrator deployer-policy NAME`: the least that whoever applies an environment must be allowed to do."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import ENVIRONMENT
from orchestrator.cli.project_option import open_project
from orchestrator.errors import RefusedInput


@click.command("deployer-policy")
@click.argument("name", type=ENVIRONMENT)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write it there, in as many files as IAM's limit for one managed policy asks for.",
)
@click.pass_context
def deployer_policy(ctx: click.Context, name: str, folder: Path | None) -> int:
    """Print the least IAM policy with which plan, apply, destroy, drift and secret set work for this environment.

    It leaves out what the file does not use. ARNs have its account and region. The names of roles, functions and
    queues may be narrowed further by hand.
    """
    from orchestrator.aws.least_policy import least_statements, policy_parts
    from orchestrator.aws.statements import MAX_CHARACTERS, document

    statements = least_statements(open_project(ctx).load(name))
    parts = policy_parts(statements)
    if folder is None:
        click.echo(json.dumps(document(statements), indent=2))
        if len(parts) > 1:
            messages.note(
                f"IAM takes {MAX_CHARACTERS:,} characters in one managed policy and this has more: "
                f"`orchestrator deployer-policy {name} --out FOLDER` writes it in {len(parts)} files."
            )
        return 0
    from orchestrator.files.replace import write_whole

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "It is no folder." if folder.exists() else f"{error.strerror}."
        raise RefusedInput(f"--out {folder} cannot be made.", why=why, remedy="Name a folder.") from error
    for number, part in enumerate(parts, 1):
        path = folder / f"{name}-deployer-{number}.json"
        write_whole(path, (json.dumps(part, indent=2) + "\n").encode())
        click.echo(str(path))
    return 0
