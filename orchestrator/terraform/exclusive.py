"""One command at a time works on an environment, and none while Terraform of a killed command is still at work."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.project import Project
from orchestrator.terraform.runner import RUNNING
from orchestrator.terraform.workdir import workdir_of

LOCK_SECONDS = 600.0
Say = Callable[[str], None]


@contextlib.contextmanager
def exclusive(project: Project, name: str, local: bool, say: Say) -> Iterator[None]:
    """Hold the environment's working directory; wait for another command that has it."""
    folder = workdir_of(project, name, local=local)
    with held(folder, name, say):
        _wait_for_orphan(folder, name, say)
        yield


@contextlib.contextmanager
def held(folder: Path, name: str, say: Say) -> Iterator[None]:
    """Hold a folder of environment `name`, which is made when it is not there; wait for another command that has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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


def _wait_for_orphan(folder: Path, name: str, say: Say) -> None:
    """Wait for a Terraform that outlived a killed command: it finishes its apply and then gives the state free."""
    record = folder / RUNNING
    try:
        values = json.loads(record.read_text("utf-8"))
        pid, created = int(values["pid"]), float(values["created"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    import psutil

    deadline = time.monotonic() + LOCK_SECONDS
    told = False
    while True:
        try:
            process = psutil.Process(pid)
            alive = abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            alive = False
        if not alive:
            record.unlink(missing_ok=True)
            return
        if not told:
            say(f"Terraform (process {pid}) of a command that was killed is still finishing; waiting for it.")
            told = True
        if time.monotonic() > deadline:
            raise OrchestratorError(
                f"Terraform (process {pid}) of a command that was killed does not end.",
                environment=name,
                remedy=f"Look at it; `kill -INT {pid}` asks it to stop cleanly.",
            )
        time.sleep(0.2)
