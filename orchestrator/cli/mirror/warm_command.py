"""`orchestrator warm`: make ECR do its first pulls ahead of time."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput


@click.command()
@NAME
@click.argument("references", metavar="[REFERENCE]...", nargs=-1)
@click.option("--from", "sources", metavar="PATH|-", multiple=True, help="Read what to warm from a file or a folder.")
@click.option("--dry-run", is_flag=True, help="Show what is not there and pull nothing.")
@click.option("--check", is_flag=True, help="As --dry-run, and end with 3 when something is not there.")
@click.option("--no-referrers", is_flag=True, help="Leave signatures and attestations alone.")
@click.option(
    "--fill-region",
    metavar="REGION",
    help="When all is there, have ECR's replication put what its rules name into this region, and wait.",
)
@local_option("Warm the embedded AWS on this machine.")
@json_option()
@click.pass_context
def warm(
    ctx: click.Context,
    name: str,
    references: tuple[str, ...],
    sources: tuple[str, ...],
    dry_run: bool,
    check: bool,
    no_referrers: bool,
    fill_region: str | None,
    local: bool,
    as_json: bool,
) -> int:
    """Pull images through the rules of environment NAME once, so that digests and clusters without a way out find them.

    ECR makes a first pull by tag only. Each tag is pulled that is not there yet, as a node would pull it. Then its digest
    is compared where the reference names one, and every platform of an index must have come. Images to warm are named
    as for `mirror`; an image of a mirror is left to that.
    """
    from orchestrator.cli.mirror.gather import gather
    from orchestrator.cli.mirror.preconditions import NOT_THERE, refuse_named, require_own_registry
    from orchestrator.cli.mirror.warm_run import WarmRun, WarmState
    from orchestrator.environment.identifiers import is_region

    if fill_region is not None and not is_region(fill_region):
        # An empty one is a variable of the shell that nobody set.
        raise RefusedInput(
            f"--fill-region is {fill_region!r}, which is no region of AWS.", remedy="Write it like eu-central-1."
        )
    if fill_region is not None and (dry_run or check):
        raise click.UsageError("--dry-run and --check change nothing: leave --fill-region out.")
    project = open_project(ctx)
    environment = project.load(name)
    require_own_registry(environment)
    wishes = gather(environment, references, sources, ())
    with WarmRun(project, environment, local=local, signatures=not no_referrers) as run:
        backfill = run.backfill(fill_region) if fill_region is not None else None
        left, images = run.look(wishes)
        refuse_named(left, references)
        if not (dry_run or check):
            run.pull(images)
    states = {image.state for image in images}
    # What failed here would be missing there, too.
    filled = backfill.run(_begun) if backfill is not None and WarmState.FAILED not in states else None
    if as_json:
        document: dict[str, Any] = {
            "environment": name,
            "images": [image.as_dict() for image in images],
            "left": [{"reference": str(item.wish.image), "reason": item.reason} for item in left],
        }
        if filled is not None:
            document["filled"] = filled.as_dict()
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(images, left)
        if filled is not None:
            click.echo(
                f"{filled.region}: {filled.status}{f' ({filled.why})' if filled.why else ''}, {counted(filled.images, 'image')}, {len(filled.failed)} failed"
            )
            for image, why in filled.failed:
                click.echo(f"    {image}: {why}")
    if WarmState.FAILED in states or (filled is not None and not filled.ok):
        return 1
    return NOT_THERE if check and WarmState.MISSING in states else 0


def _begun(name: str) -> None:
    from orchestrator.aws.backfill import looked_at_by

    messages.note(f"ECR fills the region on its own from now on; `{looked_at_by(name)}` shows it, too.")


def _print(images: list[Any], left: tuple[Any, ...]) -> None:
    from orchestrator.cli.mirror.show import left_lines

    rows = []
    for image in images:
        if image.state.value != "there":
            rows.append(f"{image.state.value:<8}  {image.source}  -> {image.target}")
        if image.problem:
            rows.append(f"    {image.problem}")
    states = [image.state.value for image in images]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(["there", *states]))
    rows += [f"{counted(len(images), 'image')}: {counts}", *left_lines(left)]
    sys.stdout.write("".join(f"{row}\n" for row in rows))
