"""`orchestrator manifests NAME`: write, print or check the documents that are derived from the route table."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orchestrator.cli.project import open_project
from orchestrator.errors import RefusedInput
from orchestrator.manifests import GENERATORS, Bundle, Options, default_targets, folder, generate

STALE = 3


def _stale(wanted: dict[str, str], directory: Path, targets: list[str]) -> list[tuple[str, str]]:
    """Files of `targets` that differ from what is wanted: (path, "missing" | "changed" | "not generated any more")."""
    found: list[tuple[str, str]] = []
    for path, text in wanted.items():
        file = directory / path
        if not file.is_file():
            found.append((path, "missing"))
        elif file.read_bytes() != text.encode():
            found.append((path, "changed"))
    for target in targets:
        present = sorted(file for file in (directory / target).rglob("*") if file.is_file())
        extra = [str(file.relative_to(directory)) for file in present]
        found.extend((path, "not generated any more") for path in extra if path not in wanted)
    return found


def _write(wanted: dict[str, str], directory: Path) -> None:
    for path, text in wanted.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_bytes() != text.encode():
            file.write_bytes(text.encode())
        if path.endswith(".sh"):
            file.chmod(0o755)


def _print(bundles: tuple[Bundle, ...]) -> None:
    """Documents to stdout, so that they can be piped into kubectl: resources only, or every file where there are none."""
    for bundle in bundles:
        names = bundle.resources or [name for name in bundle.files if name != "README.md"]
        for name in names:
            text = bundle.files[name]
            if len(bundles) > 1 and bundle.resources and not text.startswith("---"):
                click.echo("---")
            elif not bundle.resources and (len(names) > 1 or len(bundles) > 1):
                click.echo(f"# {bundle.target}/{name}")
            click.echo(text, nl=False)


@click.command("manifests")
@click.argument("name")
@click.option("--for", "targets", multiple=True, metavar="TARGET", help=f"One of {', '.join(GENERATORS)}; repeatable.")
@click.option("--all-targets", is_flag=True, help="Every target.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to, one folder a target."
)
@click.option("--check", type=click.Path(file_okay=False, path_type=Path), help="Compare with a folder; 3 when stale.")
@click.option("--annotate", is_flag=True, help="Keep images as written in an annotation of the Pod.")
@click.option("--api-version", default="v1", show_default=True, help="Of native policies: v1, v1beta1 or v1alpha1.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written or found as JSON.")
@click.pass_context
def manifests(
    ctx: click.Context,
    name: str,
    targets: tuple[str, ...],
    all_targets: bool,
    out: Path | None,
    check: Path | None,
    annotate: bool,
    api_version: str,
    as_json: bool,
) -> int:
    """Generate policies, mirror sets and node configuration of environment NAME.

    Without --out and --check the documents are printed, ready for `kubectl apply -f -`.
    """
    if out and check:
        raise RefusedInput("--out and --check exclude each other.", remedy="Write first, check later.")
    environment = open_project(ctx).load(name)
    chosen = list(GENERATORS) if all_targets else list(targets or default_targets(environment))
    bundles = generate(environment, chosen, Options(annotate=annotate, api_version=api_version))
    wanted = folder(bundles)
    for bundle in bundles:
        for note in bundle.notes:
            click.echo(f"{bundle.target}: {note}", err=True)
    if check:
        stale = _stale(wanted, check, chosen)
        if as_json:
            click.echo(json.dumps({"stale": [{"file": str(check / path), "state": state} for path, state in stale]}))
        else:
            for path, state in stale:
                click.echo(f"{check / path}: {state}")
            click.echo("Stale: write them again with --out." if stale else "Up to date.")
        return STALE if stale else 0
    if out:
        _write(wanted, out)
        if as_json:
            click.echo(json.dumps({"files": [str(out / path) for path in wanted]}))
        else:
            for path in wanted:
                click.echo(str(out / path))
    elif as_json:
        click.echo(json.dumps({bundle.target: dict(bundle.files) for bundle in bundles}))
    else:
        _print(bundles)
    return 0
