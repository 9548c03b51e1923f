"""`orchestrator swapper import`: a configuration of k8s-image-swapper as an environment's tfvars."""

from __future__ import annotations

import re
from pathlib import Path

import click

from orchestrator.cli import messages
from orchestrator.cli.project_option import open_project
from orchestrator.cli.swapper.config_file import load_settings
from orchestrator.errors import RefusedInput
from orchestrator.files.replace import write_whole


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Write environments/NAME.tfvars of the project instead of printing it.")
@click.option("--registry", "registries", multiple=True, metavar="HOST", help="One more source to mirror; repeatable.")
@click.pass_context
def import_(ctx: click.Context, file: Path, name: str | None, registries: tuple[str, ...]) -> int:
    """Turn FILE, a configuration of k8s-image-swapper, into an environment's tfvars.

    These are mirrors with k8s-image-swapper's names, settings of repositories, and filters as lists. Policies and
    Terraform then know the same. Settings that an environment cannot say are named on the error output and in a
    comment.
    """
    from orchestrator.checks.identity import name_fault
    from orchestrator.swapper.import_tfvars import import_settings

    path = None
    if name is not None:
        fault = name_fault(name)
        if fault is not None:
            raise RefusedInput(f'An environment cannot be called "{name}".', why=fault, remedy="Choose another --name.")
        path = open_project(ctx).tfvars_path(name)
        if path.exists():
            raise RefusedInput(
                f"{path} exists already.", why="import never overwrites a file.", remedy="Choose another --name."
            )
    settings = load_settings(file)
    shown_name = name or re.sub(r"[^A-Za-z0-9-]+", "-", file.name.partition(".yaml")[0]).strip("-") or "swapper"
    imported = import_settings(settings, str(file), shown_name, registries)
    for note in imported.notes:
        messages.note(f"{note}")
    if path is None:
        click.echo(imported.text, nl=False)
        return 0
    write_whole(path, imported.text.encode())
    path.chmod(0o644)
    click.echo(f"{path} is written. Next: orchestrator validate {name}")
    return 0
