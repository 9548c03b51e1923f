"""`orchestrator diff NAME`: the environment's documents against those of the live cluster."""

from __future__ import annotations

import json

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME, TargetName
from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project
from orchestrator.errors import RefusedInput

DIFFERS = 3


@click.command("diff")
@NAME
@click.option(
    "--for",
    "targets",
    multiple=True,
    metavar="TARGET",
    type=TargetName(),
    help="A target of `manifests`; repeatable (default: the environment's own).",
)
@click.option("--context", help="kubectl's context (default: the current one).")
@json_option()
@click.pass_context
def diff(ctx: click.Context, name: str, targets: tuple[str, ...], context: str | None, as_json: bool) -> int:
    """Compare what `manifests NAME` generates with what the cluster has, by `kubectl diff`.

    Exit code 3 when they differ. Nothing is changed. Objects that the cluster has beside these documents are not looked
    at.
    """
    from orchestrator.kubectl import find_kubectl
    from orchestrator.manifests import Options, default_targets, generate

    environment = open_project(ctx).load(name)
    chosen = targets or default_targets(environment)
    bundles = [bundle for bundle in generate(environment, list(chosen), Options()) if bundle.resources]
    if not bundles:
        raise RefusedInput(
            f"{', '.join(chosen)}: these targets have no Kubernetes documents.",
            why="They are files for nodes or scripts.",
            remedy=f"`orchestrator manifests {name} --check FOLDER` compares files; --for names another target.",
        )
    kubectl = find_kubectl(context)
    messages.tell(f"compares with {kubectl.place()}")
    found = {
        bundle.target: kubectl.diff(
            "\n---\n".join(bundle.files[name].removeprefix("---\n") for name in bundle.resources)
        )
        for bundle in bundles
    }
    if as_json:
        click.echo(json.dumps({"environment": name, "targets": [{"target": t, "diff": d} for t, d in found.items()]}))
    else:
        click.echo("".join(found.values()), nl=False)
        messages.tell("They differ." if any(found.values()) else "No difference.")
    return DIFFERS if any(found.values()) else 0
