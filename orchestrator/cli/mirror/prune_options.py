"""The options of `mirror --prune`, as one value, and what goes together with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import allow_fraction_option, snapshot_option
from orchestrator.errors import RefusedInput


@dataclass(frozen=True, slots=True)
class Pruning:
    """How to prune: snapshots of clusters in files, the guard's limit for once, and whether to ask."""

    snapshots: tuple[Path, ...]
    allow_fraction: float | None
    yes: bool


def prune_options(function: Callable[..., int]) -> Callable[..., int]:
    """The options, which a command takes as `pruning`: None without `--prune`."""

    @wraps(function)
    def command(
        *args: Any, prune: bool, snapshots: tuple[Path, ...], allow_fraction: float | None, yes: bool, **own: Any
    ) -> int:
        if not prune and (snapshots or allow_fraction is not None or yes):
            raise click.UsageError("--yes, --allow-fraction and --snapshot say how to --prune: copying asks nothing.")
        pruning = Pruning(snapshots, allow_fraction, yes) if prune else None
        return function(*args, pruning=pruning, **own)

    for option in (
        click.option("--yes", is_flag=True, help="Prune without asking."),
        allow_fraction_option(),
        snapshot_option(),
        click.option(
            "--prune", is_flag=True, help="Then expire what no list names and nobody uses, below mirrors' prefixes."
        ),
    ):
        command = option(command)
    return command


def check_pruning(
    pruning: Pruning | None, references: Sequence[str], *, archive: bool, only_shown: bool, as_json: bool
) -> None:
    """Raises RefusedInput for a list that is no whole one, and where nobody can be asked."""
    if pruning is None:
        return
    if references or archive:
        raise RefusedInput(
            "--prune is given with REFERENCEs or an archive." if references else "--prune is given with an archive.",
            why="Images that the list does not name would go: that takes the whole list.",
            remedy="Name everything in mirror_images or by --from LIST, and leave the rest out.",
        )
    if not only_shown and not pruning.yes and (as_json or not sys.stdin.isatty()):
        raise RefusedInput(
            "There is no terminal to ask on.", remedy="Give --yes, after the same command with --dry-run."
        )
