"""A folder that one command at a time holds."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.files.own_folders import make_own

LOCK_SECONDS = 600.0
Say = Callable[[str], None]


@contextlib.contextmanager
def hold(folder: Path, name: str, say: Say) -> Iterator[None]:
    """Hold a folder of environment `name`, which is made when it is not there. Wait for another command that has it."""
    try:
        make_own(folder)
        handle = (folder / "lock").open("a+")
    except OSError as error:
        raise OrchestratorError(
            f"The folder {folder} cannot be written: {error.strerror}.", remedy="Correct its permissions."
        ) from error
    with handle:
        deadline = time.monotonic() + LOCK_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise OrchestratorError(
                        f"another command has been at work in {folder} for ten minutes.",
                        environment=name,
                        remedy="Wait for it, or stop it.",
                    ) from error
                if not told:
                    say("Another command is at work on this environment; waiting for it.")
                    told = True
                time.sleep(0.2)
        yield
