"""Images that wait to be copied: each once, in a file that survives a restart, worked off by threads."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import OrchestratorError

_log = logging.getLogger("orchestrator.swapper")
_SCHEMA = "create table if not exists wanted(target text primary key, source text, since real) without rowid"
BUSY_SECONDS = 10.0
# How long an image is left that could not be copied; the next Pod after that has it tried again.
AGAIN_SECONDS = 60.0

Copied = Callable[[str, OrchestratorError | None], None]


class CopyQueue:
    """`copy(source, target)` copies and raises OrchestratorError; `ended(target, error)` hears of every end, in a thread.

    What is wanted stands in the file until it was tried: a process that is killed goes on where it was.
    """

    def __init__(
        self,
        path: Path,
        copy: Callable[[str, str], None],
        ended: Copied,
        *,
        threads: int = 2,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._copy = copy
        self._ended = ended
        self._clock = clock
        self._changed = threading.Condition()
        self._closed = False
        self._failed: dict[str, float] = {}
        try:
            self._base = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._base.execute(_SCHEMA)
            rows = self._base.execute("select target, source, since from wanted order by since").fetchall()
        except sqlite3.DatabaseError as error:
            raise OrchestratorError(
                f"The swapper's file {path} cannot be used: {error}.",
                remedy="Make its folder writable, or remove the file: it is made again.",
            ) from error
        self._since: dict[str, float] = {target: since for target, _, since in rows}
        self._waiting: deque[tuple[str, str]] = deque((target, source) for target, source, _ in rows)
        self._at_work = threads
        self._threads = [threading.Thread(target=self._work_off, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def add(self, source: str, target: str) -> bool:
        """Have it copied, unless it waits already or has just failed. False when nothing is going to come of it."""
        with self._changed:
            if target in self._since:
                return True
            if self._closed or self._clock() < self._failed.get(target, 0.0):
                return False
            since = self._since[target] = self._clock()
            try:
                self._base.execute("insert or replace into wanted values(?,?,?)", (target, source, since))
            except sqlite3.Error as error:
                # A full disk costs the survival of a restart, not the copy.
                _log.warning("the queue's file cannot be written", extra={"why": str(error)})
            self._waiting.append((target, source))
            self._changed.notify()
            return True

    def oldest(self) -> tuple[int, float]:
        """(how many wait or are being copied, for how many seconds the oldest has)."""
        with self._changed:
            return len(self._since), max(0.0, self._clock() - min(self._since.values())) if self._since else 0.0

    def close(self) -> None:
        """Begin no more copies, and tell of no more ends; what is not copied stays in the file."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work_off(self) -> None:
        self._work()
        with self._changed:
            self._at_work -= 1
            if not self._at_work:
                self._base.close()

    def _is_closed(self) -> bool:
        return self._closed

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                target, source = self._waiting.popleft()
            error: OrchestratorError | None = None
            try:
                self._copy(source, target)
            except OrchestratorError as refused:
                error = refused
            except Exception as unknown:
                _log.exception("a copy failed")
                error = OrchestratorError(f"{source} was not copied: {type(unknown).__name__}.")
            with self._changed:
                closed = self._is_closed()
                if closed and error is not None:
                    return
                self._since.pop(target, None)
                if error is not None:
                    now = self._clock()
                    self._failed = {one: until for one, until in self._failed.items() if until > now}
                    self._failed[target] = now + AGAIN_SECONDS
                try:
                    self._base.execute("delete from wanted where target=?", (target,))
                except sqlite3.Error as unwritable:
                    _log.warning("the queue's file cannot be written", extra={"why": str(unwritable)})
            if closed:
                return
            self._ended(target, error)
