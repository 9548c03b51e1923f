"""Images that wait to be copied: each once, in a file that survives a restart, worked off by threads."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.copy_ledger import CopyLedger, EndedCopy, WaitingCopy
from orchestrator.swapper.pod_secrets import PodSecrets

_log = logging.getLogger("orchestrator.swapper")
# How long an image is left that could not be copied; the next Pod after that has it tried again.
AGAIN_SECONDS = 60.0

Copied = Callable[[str, OrchestratorError | None], None]


class CopyQueue:
    """`copy(source, target, secrets)` copies and raises OrchestratorError; `ended(target, error)` hears of every end, in a thread.

    A wanted copy stands in the file until it was tried. A process that is killed goes on where it was. The pull
    secrets that open it stand in no file. After a restart the next Pod names them.
    """

    def __init__(
        self,
        path: Path,
        copy: Callable[[str, str, PodSecrets | None], None],
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
        self._failed: dict[tuple[str, PodSecrets | None], float] = {}
        self._secrets: dict[str, PodSecrets] = {}
        self._ledger = CopyLedger(path)
        rows = self._ledger.waiting()
        self._since: dict[str, float] = {one.target: one.since for one in rows}
        self._waiting: deque[tuple[str, str]] = deque((one.target, one.source) for one in rows)
        self._at_work = threads
        self._threads = [threading.Thread(target=self._work_off, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def add(self, source: str, target: str, secrets: PodSecrets | None = None) -> bool:
        """Have it copied, unless it waits already or has just failed. False when nothing is going to come of it.

        `secrets` are those of the Pod that wants it, the first Pod's where several wait. A copy that failed for one Pod
        is tried for another.
        """
        with self._changed:
            if target in self._since:
                if secrets is not None:
                    self._secrets.setdefault(target, secrets)
                return True
            # A clock that was set back makes nobody wait longer.
            if self._closed or 0 < self._failed.get((target, secrets), 0.0) - self._clock() <= AGAIN_SECONDS:
                return False
            since = self._since[target] = self._clock()
            self._ledger.want(WaitingCopy(target, source, since))
            self._waiting.append((target, source))
            if secrets is not None:
                self._secrets[target] = secrets
            self._changed.notify()
            return True

    def compare(self, source: str, target: str, secrets: PodSecrets | None = None) -> bool:
        """Have it copied again where its source's tag has moved, which the copier finds out for each."""
        return self.add(source, target, secrets)

    def oldest(self) -> tuple[int, float]:
        """(how many wait or are being copied, for how many seconds the oldest has)."""
        with self._changed:
            return len(self._since), max(0.0, self._clock() - min(self._since.values())) if self._since else 0.0

    def problems(self) -> Sequence[str]:
        """None: what cannot be copied is told by its end."""
        return ()

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
                self._ledger.close()

    def _is_closed(self) -> bool:
        return self._closed

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                target, source = self._waiting.popleft()
                secrets = self._secrets.get(target)
            error: OrchestratorError | None = None
            try:
                self._copy(source, target, secrets)
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
                self._secrets.pop(target, None)
                now = self._clock()
                if error is not None:
                    self._failed = {one: until for one, until in self._failed.items() if until > now}
                    self._failed[target, secrets] = now + AGAIN_SECONDS
                self._ledger.end(_ended_copy(target, source, now, error))
            if closed:
                return
            self._ended(target, error)


def _ended_copy(target: str, source: str, at: float, error: OrchestratorError | None) -> EndedCopy:
    if error is None:
        return EndedCopy(target, source, at)
    return EndedCopy(target, source, at, error.headline, error.why, error.remedy)
