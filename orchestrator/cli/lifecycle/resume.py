"""A run from here that was cut short and is taken up again. Its reads until then are kept in a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.files.directory_storage import DirectoryStorage
from orchestrator.files.own_folders import make_own
from orchestrator.files.own_records import read_record
from orchestrator.files.replace import replace_whole
from orchestrator.lifecycle.storage import MemoryStorage

if TYPE_CHECKING:
    from orchestrator.lifecycle.settings import Settings

# An answer that was read longer ago says too little of what is there now.
MAX_AGE = timedelta(days=1)


class ResumableState(MemoryStorage):
    """The state of a run whose planned pages are also kept in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._kept = DirectoryStorage(folder)
        for key in self._kept.keys("runs/"):
            content = self._kept.get(key)
            if content is not None:
                self.objects[key] = content

    def put(self, key: str, content: bytes) -> None:
        super().put(key, content)
        if "/planned/" in key:
            self._kept.put(key, content)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run: what names it, when it began, and whether it began before this command."""

    folder: Path
    seed: str
    started: datetime
    resumed: bool

    def state(self) -> ResumableState:
        """The pages that were read, for a manager to go on from."""
        return ResumableState(self.folder)

    def end(self) -> None:
        """Forget it: it is done, or not wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)


def begin(folder: Path, settings: Settings, allow: float | None, now: datetime) -> Attempt:
    """The run of `folder` that was cut short, if it has the same settings and is not too old. Else a new one."""
    record = folder / "run.json"
    asked = sha256(repr((settings, allow)).encode()).hexdigest()
    try:
        document = read_record(record)
        started = datetime.fromisoformat(document["started"])
        if document["asked"] == asked and timedelta(0) <= now - started < MAX_AGE:
            return Attempt(folder, str(document["seed"]), started, resumed=True)
    except (ValueError, KeyError, TypeError, OverflowError):
        pass  # none, or one that cannot be read: a new run reads everything
    made = Attempt(folder, f"cli {now.isoformat()}", now, resumed=False)
    made.end()
    make_own(folder)
    document = {"seed": made.seed, "started": now.isoformat(), "asked": asked}
    replace_whole(record, json.dumps(document).encode())
    return made
