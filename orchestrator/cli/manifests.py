"""`orchestrator manifests NAME`: write, print or check the documents that are derived from the route table."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME, TargetName
from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.stages import stage_options, stages_meant
from orchestrator.errors import RefusedInput
from orchestrator.manifests import (
    GENERATORS,
    REWRITES,
    Options,
    TargetFiles,
    available_targets,
    default_targets,
    folder,
    generate,
)

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

STALE = 3
# Files of every target that are about the target, not part of it.
GENERAL = ("README.md", "kustomization.yaml")


def _left_over(bundles: Sequence[TargetFiles], directory: Path) -> list[str]:
    """Files of these targets that are not generated any more, as paths inside `directory`."""
    found = []
    for bundle in bundles:
        root = directory / bundle.target
        present = {file.relative_to(root).as_posix() for pattern in bundle.owns for file in root.glob(pattern)}
        found += [f"{bundle.target}/{path}" for path in sorted(present - set(bundle.files))]
    return found


def _stale(bundles: Sequence[TargetFiles], directory: Path) -> list[tuple[str, str]]:
    """Files that differ from what is wanted: (path, "missing" | "changed" | "not generated any more")."""
    found: list[tuple[str, str]] = []
    for path, text in folder(bundles).items():
        file = directory / path
        if not file.is_file():
            found.append((path, "missing"))
        elif file.read_bytes() != text.encode():
            found.append((path, "changed"))
    return found + [(path, "not generated any more") for path in _left_over(bundles, directory)]


def _write(bundles: Sequence[TargetFiles], directory: Path) -> None:
    """Write what differs, and remove what is left from before; other files in the folders stay."""
    for path, text in folder(bundles).items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_bytes() != text.encode():
            file.write_bytes(text.encode())
        if path.endswith(".sh"):
            file.chmod(0o755)
    for path in _left_over(bundles, directory):
        (directory / path).unlink()
        with contextlib.suppress(OSError):
            (directory / path).parent.rmdir()


def _print(bundles: Sequence[TargetFiles]) -> None:
    """Print documents for `kubectl apply -f -`; files for nodes only where no target has such documents."""
    with_resources = [bundle for bundle in bundles if bundle.resources]
    if with_resources:
        texts = [bundle.files[name] for bundle in with_resources for name in bundle.resources]
        for text in texts:
            if len(texts) > 1 and not text.startswith("---"):
                click.echo("---")
            click.echo(text, nl=False)
        for bundle in bundles:
            if not bundle.resources:
                messages.tell(
                    f"{bundle.target}: its files are no Kubernetes documents and are not printed beside some; use --out."
                )
        return
    printed = [(bundle, name) for bundle in bundles for name in bundle.files if name not in GENERAL]
    for bundle, name in printed:
        if len(printed) > 1:
            click.echo(f"# {bundle.target}/{name}")
        click.echo(bundle.files[name], nl=False)


def _chosen(targets: Sequence[str], check: Path | None, environment: Environment) -> list[str]:
    """The targets that were asked for; to check a folder, those that it holds; else the environment's own."""
    held = [target for target in GENERATORS if check and (check / target).is_dir()]
    return list(targets) or held or list(default_targets(environment))


def _every(environment: Environment, api_version: str | None) -> list[str]:
    """Every target that the cluster can use; those that it cannot are said."""
    found = list(GENERATORS if api_version else available_targets(environment))
    for target in GENERATORS:
        if target not in found:
            messages.tell(f"{target}: left out, for kubernetes_version is {environment.kubernetes_version}.")
    return found


def _of_pods(targets: Sequence[str]) -> list[str]:
    """Those of the targets that stages can narrow; the others are said."""
    for target in targets:
        if target not in REWRITES:
            click.echo(f"{target}: left out, for what nodes are told holds for every Pod and has no stages.", err=True)
    return [target for target in targets if target in REWRITES]


@click.command("manifests")
@NAME
@click.option(
    "--for",
    "targets",
    multiple=True,
    metavar="TARGET",
    type=TargetName(),
    help=f"One of {', '.join(GENERATORS)}; repeatable.",
)
@click.option("--all-targets", is_flag=True, help="Every target.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to, one folder a target."
)
@click.option(
    "--check",
    type=click.Path(file_okay=False, path_type=Path),
    help="Compare with a folder (without --for: the targets that it holds); exit code 3 when stale.",
)
@click.option("--annotate", is_flag=True, help="Keep images as written in an annotation of the Pod.")
@click.option(
    "--api-version",
    help="Of native policies: v1 (the default), v1beta1 or v1alpha1; also where the cluster is older than 1.36.",
)
@stage_options("Redirect only Pods that the stages of FILE select, up to the one that `rewrite --write` recorded last.")
@json_option("Print what was written or found as JSON.")
@click.pass_context
def manifests(
    ctx: click.Context,
    name: str,
    targets: tuple[str, ...],
    all_targets: bool,
    out: Path | None,
    check: Path | None,
    annotate: bool,
    api_version: str | None,
    stage_file: Path | None,
    through: str | None,
    as_json: bool,
) -> int:
    """Generate policies, mirror sets and node configuration of environment NAME.

    Without --out and --check the documents are printed, ready for `kubectl apply -f -`.
    """
    if out and check:
        raise RefusedInput("--out and --check exclude each other.", remedy="Write first, check later.")
    project = open_project(ctx)
    environment = project.load(name)
    stages = stages_meant(project, name, stage_file, through, advance=False)
    chosen = _every(environment, api_version) if all_targets else _chosen(targets, check, environment)
    if stages is not None and not targets:
        chosen = _of_pods(chosen)
    bundles = generate(environment, chosen, Options(annotate=annotate, api_version=api_version, stages=stages))
    for bundle in bundles:
        for note in bundle.notes:
            messages.tell(f"{bundle.target}: {note}")
    if check:
        return _report(_stale(bundles, check), check, as_json=as_json)
    if out:
        try:
            _write(bundles, out)
        except OSError as error:
            raise RefusedInput(
                f"{error.filename or out} cannot be written.",
                why=f"{error.strerror or error}.",
                remedy="Give --out another folder.",
            ) from error
        paths = [str(out / path) for path in folder(bundles)]
        click.echo(json.dumps({"files": paths}) if as_json else "\n".join(paths))
    elif as_json:
        found = {bundle.target: {"files": dict(bundle.files), "notes": list(bundle.notes)} for bundle in bundles}
        click.echo(json.dumps(found))
    else:
        _print(bundles)
    return 0


def _report(stale: Sequence[tuple[str, str]], directory: Path, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps({"stale": [{"file": str(directory / path), "state": state} for path, state in stale]}))
        return STALE if stale else 0
    for path, state in stale:
        click.echo(f"{directory / path}: {state}")
    click.echo("Stale: write them again with --out." if stale else "Up to date.")
    return STALE if stale else 0
