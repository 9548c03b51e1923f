"""Folders that the product keeps for itself, below `.orchestrator`: no symbolic links, and their owner's alone.

Plans with secrets and keys of the embedded AWS lie there. A link would let whoever made it choose what is written,
and deleted, where.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from orchestrator.errors import RefusedInput

OWN = ".orchestrator"


def no_link(path: Path) -> Path:
    """The path. Raises RefusedInput where it is a symbolic link."""
    if path.is_symlink():
        raise RefusedInput(
            f"{path} is a symbolic link to {path.readlink()}.",
            why="Plans with secrets are written there and folders deleted; a link leads that to a place of somebody's choice.",
            remedy=f"Remove the link: `rm {shlex.quote(str(path))}`. To work elsewhere, put the project there.",
        )
    return path


def make_own(folder: Path) -> None:
    """Make a folder, and all from `.orchestrator` down to it, so that nobody else can enter them.

    A folder that a person named elsewhere keeps its mode where it is there already. Raises OSError.
    Raises RefusedInput for a symbolic link below `.orchestrator`: a folder on the way, or an entry of this one.
    """
    parts = folder.parts
    if OWN not in parts:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return
    first = len(parts) - parts[::-1].index(OWN)
    Path(*parts[: first - 1]).mkdir(parents=True, exist_ok=True)
    for end in range(first, len(parts) + 1):
        own = no_link(Path(*parts[:end]))
        own.mkdir(exist_ok=True, mode=0o700)
        if own.stat().st_mode & 0o077:
            own.chmod(0o700)
    with os.scandir(folder) as entries:
        for entry in entries:
            no_link(Path(entry.path))
