"""What stands beside a file and changes how its consumer reads it. Handed in: nothing here opens a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vicinity:
    """`app_version` is that of the chart whose values a file holds: an empty tag stands for it.

    `reads_registry` is False where no template of that chart reads a registry. Nothing is pulled from the one in its values.

    `variables` is the text of the `.env` that Compose reads with a file. `variables_are_read` says that this run reads that `.env`,
    too. `composes` are (name, text) of the Compose files beside a `.env`.
    """

    app_version: str = ""
    reads_registry: bool = True
    variables: str = ""
    variables_are_read: bool = False
    composes: tuple[tuple[str, str], ...] = ()


NOTHING = Vicinity()
