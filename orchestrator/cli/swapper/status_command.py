"""`orchestrator swapper status`: what waits to be copied, what was, and what failed with its remedy."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project


@click.command()
@NAME
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The --state-dir of `swapper serve` (default: below the project's .orchestrator).",
)
@local_option("The one that serves with --local.")
@json_option()
@click.pass_context
def status(ctx: click.Context, name: str, state_dir: Path | None, local: bool, as_json: bool) -> int:
    """Show the queue of copies of the webhook of environment NAME on this machine: what waits, what ended, and how.

    A copy that failed is tried again when the next Pod wants it. In a cluster every Pod has a queue of its own: run this
    there, with the --state-dir of its Deployment.
    """
    from orchestrator.cli.swapper.deciding import queue_folder
    from orchestrator.swapper.copy_ledger import read_ledger

    folder = state_dir or queue_folder(open_project(ctx), name, local=local)
    state = read_ledger(folder / "queue.sqlite")
    failed = [one for one in state.ended if one.what]
    if as_json:
        copied = [{"target": one.target, "source": one.source, "at": one.at} for one in state.ended if not one.what]
        waiting = [asdict(one) for one in state.waiting]
        found = {"queue": waiting, "copied": copied, "failed": [asdict(one) for one in failed]}
        click.echo(json.dumps(found))
        return 0
    now = time.time()
    for one in state.waiting:
        click.echo(f"waiting  {one.source} -> {one.target} (for {max(0, now - one.since):.0f} s)")
    for end in state.ended:
        at = datetime.fromtimestamp(end.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        click.echo(f"{'failed ' if end.what else 'copied '}  {end.source} -> {end.target} ({at})")
        for line in (end.what, end.why, end.remedy):
            if line:
                click.echo(f"         {line}")
    messages.tell(
        f"{len(state.waiting)} waiting, {len(state.ended) - len(failed)} copied, {len(failed)} failed ({folder})"
    )
    return 0
