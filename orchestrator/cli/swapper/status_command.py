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
from orchestrator.cli.environment_name import ENVIRONMENT
from orchestrator.cli.options import json_option, local_option
from orchestrator.cli.project_option import open_project
from orchestrator.cli.swapper.shared_status import SharedState, as_document, read_shared, shared_of
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.cli.swapper.swap_copies import CopyHome
    from orchestrator.project import Project


@click.command()
@click.argument("name", metavar="[NAME]", required=False, type=ENVIRONMENT)
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="The FILE that the webhook serves by.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The --state-dir of `swapper serve` (default: below the project's .orchestrator).",
)
@local_option("The one that serves with --local.")
@json_option()
@click.pass_context
def status(
    ctx: click.Context, name: str | None, config: Path | None, state_dir: Path | None, local: bool, as_json: bool
) -> int:
    """Show the copies of the webhook of NAME, FILE or both: what waits, what ended, and how.

    With `image_swapper`, or a `queueUrl` of FILE, the queue is asked that the replicas share, with its dead letters. Else, and
    with --state-dir, it is the queue of one process on this machine. A copy that failed is tried again when the next Pod wants it.
    """
    if name is None and config is None:
        raise RefusedInput(
            "Nobody says whose copies are meant.",
            remedy="Name the environment, or the file of `swapper serve --config FILE`: orchestrator swapper status [NAME] --config FILE",
        )
    if config is not None:
        home = _home_by(ctx, name, config, state_dir, local=local)
        if home.shared is not None and state_dir is None:
            _show_shared(shared_of(home), home.shared.table, as_json=as_json)
        else:
            _show_own(home.folder, as_json=as_json)
        return 0
    assert name is not None
    project = open_project(ctx)
    shared = None if state_dir else _shared_of_environment(project, name, local=local)
    if shared is not None:
        _show_shared(*shared, as_json=as_json)
    else:
        _show_own(state_dir or _own_folder(project, name, local=local), as_json=as_json)
    return 0


def _home_by(ctx: click.Context, name: str | None, config: Path, state_dir: Path | None, *, local: bool) -> CopyHome:
    from orchestrator.cli.swapper.deciding import decide_by

    home = decide_by(ctx, name, config, {}, state_dir=state_dir, local=local).home
    if home is None:
        raise RefusedInput(
            f"The webhook of {name} copies nothing.",
            why="Each of its routes is by pull-through, and no look is asked for.",
            remedy=f"Add a mirror to environment {name}, or leave this command.",
        )
    return home


def _shared_of_environment(project: Project, name: str, *, local: bool) -> tuple[SharedState, str] | None:
    """What its replicas share, and its name; None where they share nothing."""
    from orchestrator.cli.route import load_routes

    environment = load_routes(project, name)
    if not environment.shares_swaps:
        return None
    return read_shared(project, environment, local=local), environment.image_swapper_name


def _show_shared(state: SharedState, table: str, *, as_json: bool) -> None:
    from orchestrator.mirroring.copy_jobs import JobState

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
        f" {table}: messages {state.messages}, dead letters {state.dead_letters})"
    )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _own_folder(project: Project, name: str, *, local: bool) -> Path:
    from orchestrator.cli.swapper.deciding import queue_folder

    return queue_folder(project, name, local=local)


def _show_own(folder: Path, *, as_json: bool) -> None:
    from orchestrator.swapper.copy_ledger import read_ledger

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
