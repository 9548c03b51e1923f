"""`orchestrator lambda package`: the zips of the functions, for plain Terraform and for looking at."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project


@click.group("lambda")
def lambda_() -> None:
    """The functions' packages."""


@lambda_.command("package")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the zips (default: build/ of the project).",
)
@json_option()
@click.pass_context
def package(ctx: click.Context, out: Path | None, as_json: bool) -> None:
    """Build the zips: the same bytes on every machine, for arm64 and x86_64."""
    from orchestrator.functions.package import available_functions, build_package, write_package

    folder = out or open_project(ctx).root / "build"
    rows = []
    for function in available_functions():
        built = build_package(function)
        path, written = write_package(built, folder)
        rows.append(
            {
                "function": function,
                "path": str(path),
                "sha256": built.sha256,
                "bytes": len(built.content),
                "files": len(built.files),
                "changed": written,
            }
        )
    if as_json:
        click.echo(json.dumps({"packages": rows}))
        return
    for row in rows:
        state = "written" if row["changed"] else "unchanged"
        click.echo(f"{row['path']}  {row['bytes']} bytes  sha256 {row['sha256']}  {state}")
