"""`orchestrator swapper status`: what waits to be copied, what was, and what failed with its remedy."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project


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
    """Show the copies of the webhook of environment NAME: what waits, what ended, and how.

    With `image_swapper` the queue is asked that the replicas share, with its dead letters. Else, and with --state-dir, it is
    the queue of one process on this machine. A copy that failed is tried again when the next Pod wants it.
    """
    from orchestrator.cli.route import load_routes

    project = open_project(ctx)
    environment = None if state_dir else load_routes(project, name)
    if environment is not None and environment.shares_swaps:
        _show_shared(project, environment, local=local, as_json=as_json)
    else:
        _show_own(project, name, state_dir, local=local, as_json=as_json)
    return 0


def _show_shared(project: Project, environment: Environment, *, local: bool, as_json: bool) -> None:
    from orchestrator.cli.swapper.shared_status import as_document, read_shared
    from orchestrator.mirroring.copy_jobs import JobState

    state = read_shared(project, environment, local=local)
    if as_json:
        click.echo(json.dumps(as_document(state)))
        return
    for one in state.waiting:
        by = f"by {one.status.owner}" if one.status.owner else "nobody has begun it"
        click.echo(f"{one.status.state:8} {one.job.source} -> {one.job.target} ({by}, attempts: {one.status.attempts})")
    for one in state.ended:
        word = "failed" if one.status.state is JobState.FAILED else "copied"
        click.echo(f"{word:8} {one.job.source} -> {one.job.target} ({_moment(one.ended)})")
        for line in one.status.error.splitlines() if word == "failed" else ():
            click.echo(f"         {line}")
    failed = len(state.failed)
    messages.tell(
        f"{len(state.waiting)} waiting, {len(state.ended) - failed} copied, {failed} failed (queue and table"
        f" {environment.image_swapper_name}: messages {state.messages}, dead letters {state.dead_letters})"
    )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _show_own(project: Project, name: str, state_dir: Path | None, *, local: bool, as_json: bool) -> None:
    from orchestrator.cli.swapper.deciding import queue_folder
    from orchestrator.swapper.copy_ledger import read_ledger

    folder = state_dir or queue_folder(project, name, local=local)
    state = read_ledger(folder / "queue.sqlite")
    failed = [one for one in state.ended if one.what]
    if as_json:
        copied = [{"target": one.target, "source": one.source, "at": one.at} for one in state.ended if not one.what]
        waiting = [asdict(one) for one in state.waiting]
        found = {"queue": waiting, "copied": copied, "failed": [asdict(one) for one in failed]}
        click.echo(json.dumps(found))
        return
    now = time.time()
    for one in state.waiting:
        click.echo(f"waiting  {one.source} -> {one.target} (for {max(0, now - one.since):.0f} s)")
    for end in state.ended:
        click.echo(f"{'failed ' if end.what else 'copied '}  {end.source} -> {end.target} ({_moment(end.at)})")
        for line in (end.what, end.why, end.remedy):
            if line:
                click.echo(f"         {line}")
    messages.tell(
        f"{len(state.waiting)} waiting, {len(state.ended) - len(failed)} copied, {len(failed)} failed ({folder})"
    )
