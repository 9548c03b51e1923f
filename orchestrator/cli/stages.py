"""`--stage FILE` and `--through STAGE`: which workloads of a migration are meant, in files and in policies."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.counts import counted
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.project import Project
    from orchestrator.workloads.stages import Stage

F = TypeVar("F", bound=Callable[..., Any])


def stage_options(text: str) -> Callable[[F], F]:
    """`--stage`, which a command takes as `stage_file`, and `--through`."""

    def decorated(command: F) -> F:
        through = click.option("--through", metavar="STAGE", help="With --stage: the stages of FILE up to this one.")
        stage = click.option("--stage", "stage_file", metavar="FILE", type=click.Path(path_type=Path), help=text)
        return stage(through(command))

    return decorated


def stages_meant(
    project: Project, environment: str, stage_file: Path | None, through: str | None, *, advance: bool
) -> tuple[Stage, ...] | None:
    """The stages up to the one that is meant; None without --stage. With `advance` the one after that written last."""
    if stage_file is None:
        if through is not None:
            raise RefusedInput("--through goes with --stage.", remedy="Name the file of stages: --stage FILE.")
        return None
    from orchestrator.files.rewrite_journal import reached_stage
    from orchestrator.files.stage_file import stages_through

    reached = None if through is not None else reached_stage(project.state_dir, environment)
    if advance and reached is not None and reached.unwritten:
        raise RefusedInput(
            f'Stage "{reached.stage}" is not wholly written: {reached.unwritten} of {counted(reached.files, "file")} '
            f"are as they were before.",
            environment=environment,
            why="The run was ended, or somebody brought files back.",
            remedy=f"`--through {shlex.quote(reached.stage)}` writes it again, `--undo` goes back behind it.",
        )
    return stages_through(stage_file, through, reached.stage if reached is not None else None, advance=advance)
