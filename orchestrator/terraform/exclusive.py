"""One command at a time works on an environment. None does while a killed command's Terraform still works."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.files.locks import LOCK_SECONDS, Say, hold
from orchestrator.files.own_records import read_record
from orchestrator.project import Project
from orchestrator.terraform.runner import RUNNING
from orchestrator.terraform.workdir import workdir_of


@contextlib.contextmanager
def exclusive(project: Project, name: str, local: bool, say: Say) -> Iterator[None]:
    """Hold the environment's working directory; wait for another command that has it."""
    folder = workdir_of(project, name, local=local)
    with hold(folder, name, say):
        _wait_for_orphan(folder, name, say)
        yield


def _wait_for_orphan(folder: Path, name: str, say: Say) -> None:
    """Wait for a Terraform that outlived a killed command: it finishes its apply and then gives the state free."""
    record = folder / RUNNING
    try:
        values = read_record(record)
        pid, created = int(values["pid"]), float(values["created"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return
    import psutil

    deadline = time.monotonic() + LOCK_SECONDS
    told = False
    while True:
        try:
            process = psutil.Process(pid)
            alive = abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ValueError, OverflowError):
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
