"""`--stage FILE` and `--through STAGE`: which workloads of a migration are meant, in files and in policies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

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
    return stages_through(stage_file, through, reached, advance=advance)
