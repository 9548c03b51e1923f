"""The other end of a pseudo-terminal."""

from __future__ import annotations

import os


def drain(master: int, taken: list[bytes]) -> None:
    """Take what the terminal shows until nobody holds it any more."""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux says so when nobody holds the other end any more
            return
        if not part:
            return
        taken.append(part)
