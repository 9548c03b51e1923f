"""What stands beside a file and changes how its consumer reads it. Handed in: nothing here opens a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vicinity:
    """`app_version` is that of the chart whose values a file holds: an empty tag stands for it.

    `reads_registry` is False where no template of that chart reads a registry. Nothing is pulled from the one in its values.
    """

    app_version: str = ""
    reads_registry: bool = True


NOTHING = Vicinity()
