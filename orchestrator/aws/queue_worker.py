"""A worker: takes jobs from the queue, holds each while it is copied, and says what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.aws.mirror_queue import LONG_POLL, MOST_FAILURES, MirrorQueue, Ticket
from orchestrator.errors import OrchestratorError
from orchestrator.mirroring.copy_jobs import CopyJob, JobOutcome
from orchestrator.oci.errors import Absent, NotUsable

if TYPE_CHECKING:
    from collections.abc import Iterator

# A copy that fails is tried again after this, and then after twice as long.
AGAIN_SECONDS = 15.0
# AWS may be away for a while; each of these is eight attempts of the SDK already.
MOST_IN_A_ROW = 5
_PAUSE = 5.0
# No further attempt makes these right.
_FINAL = (Absent, NotUsable)


class QueueWorker:
    """Copies up to `slots` images at once. `copy(job)` raises OrchestratorError; `tell` hears a line of every attempt.

    `ended(job, error)` hears of what is done, or has failed for good.
    """

    def __init__(
        self,
        queue: MirrorQueue,
        copy: Callable[[CopyJob], JobOutcome],
        *,
        slots: int,
        lease: float,
        tell: Callable[[str], None],
        ended: Callable[[CopyJob, OrchestratorError | None], None] = lambda _job, _error: None,
    ) -> None:
        self._queue = queue
        self._copy = copy
        self._slots = slots
        self._lease = lease
        self._tell = tell
        self._ended = ended
        self._stop = threading.Event()
        self._until_empty = False
        self._error: BaseException | None = None

    def stop(self) -> None:
        """Take nothing more; what is being copied is copied to its end."""
        self._stop.set()

    def run(self, *, until_empty: bool) -> None:
        """Work until `stop`, or until there is nothing left to do. Raises what ended it otherwise."""
        self._until_empty = until_empty
        threads = [threading.Thread(target=self._slot, name=f"slot-{n}", daemon=True) for n in range(self._slots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            # In slices, so that signals reach the main thread.
            while thread.is_alive():
                thread.join(0.5)
        if self._error is not None:
            raise self._error

    def _slot(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                if not self._once():
                    return
                failures = 0
            except OrchestratorError as error:
                failures += 1
                if failures >= MOST_IN_A_ROW:
                    self._ended_by(error)
                    return
                self._tell(f"tried again: {error}")
                self._stop.wait(_PAUSE)
            except BaseException as error:
                self._ended_by(error)
                return

    def _ended_by(self, error: BaseException) -> None:
        self._error = self._error or error
        self._stop.set()

    def _once(self) -> bool:
        """Take and do one job; False when there is nothing more to do."""
        ticket = self._queue.take(1 if self._until_empty else LONG_POLL)
        if ticket is not None and self._stop.is_set():
            # It came while this worker was told to end, and waits for another.
            self._queue.give_back(ticket)
            return False
        if ticket is not None:
            self._do(ticket)
            return True
        return not (self._until_empty and self._queue.waiting() == 0)

    def _do(self, ticket: Ticket) -> None:
        try:
            with self._held(ticket):
                outcome = self._copy(ticket.job)
        except OrchestratorError as error:
            if isinstance(error, _FINAL) or ticket.attempt >= MOST_FAILURES:
                self._queue.fail(ticket, str(error))
                self._tell(f"failed    {ticket.job.target}: {error}")
                self._ended(ticket.job, error)
            else:
                self._queue.try_again(ticket, str(error), AGAIN_SECONDS * 2 ** (ticket.attempt - 1))
                self._tell(f"tried again  {ticket.job.target}: {error}")
        except BaseException:
            with suppress(OrchestratorError):
                self._queue.try_again(ticket, "The worker ended.", 0)
            raise
        else:
            self._queue.done(ticket, outcome)
            self._tell(f"copied    {ticket.job.source}  -> {ticket.job.target}")
            self._ended(ticket.job, None)

    @contextmanager
    def _held(self, ticket: Ticket) -> Iterator[None]:
        """Hold the job while the block runs."""
        over = threading.Event()

        def hold() -> None:
            while not over.wait(self._lease / 3):
                # Two more attempts come before the lease ends; after that, another worker does the same work.
                with suppress(OrchestratorError):
                    self._queue.hold(ticket)

        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
