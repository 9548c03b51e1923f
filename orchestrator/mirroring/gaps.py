"""A gap: an entry of a list that could not be read. Copying goes on without it, pruning does not. Pure.

A reader of lists is given a `Gap`. It is told of each: where it is, and why it was not read.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import Location, RefusedInput

Gap = Callable[[Location, str], None]


def ignore_gap(where: Location, reason: str) -> None:
    """Go on."""


def refuse_gap(where: Location, reason: str) -> None:
    """Raise RefusedInput: what a list with gaps does not name may be what it could not say."""
    raise RefusedInput(
        f"An image is not read: {reason}.",
        why="--prune expires what the list does not name, and this may be some of it.",
        remedy="Give a list that names it (rendered manifests, for example), or leave --prune out.",
        where=where,
    )
