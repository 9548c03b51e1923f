"""Images that wait to be copied, shared by the replicas: each is copied once, by whichever takes it. An edge: SQS, DynamoDB.

What is wanted goes to the queue and the table of `mirror --queue`, by the same leases. A replica hears from the table how
the images that its Pods want ended, whoever copied them. AWS that is away costs copies, never an answer: Pods keep their source.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.aws.mirror_queue import MirrorQueue
from orchestrator.aws.queue_worker import QueueWorker
from orchestrator.errors import OrchestratorError
from orchestrator.mirroring.copy_jobs import ENDED, CopyJob, JobOutcome, JobState, JobStatus
from orchestrator.swapper.copy_queue import AGAIN_SECONDS, Copied
from orchestrator.swapper.pod_secrets import PodSecrets, secrets_of_text

_log = logging.getLogger("orchestrator.swapper")
LEASE_SECONDS = 120.0
POLL_SECONDS = 1.0
# A job that nobody has begun for so long has lost its message.
MEND_SECONDS = 60.0
# AWS that was away is asked again after this.
AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CopyPorts:
    """What the replica does itself.

    `open_queue` gives the queue, `is_there` says whether a target is in the registry, `copy(source, target, secrets)` copies;
    all raise OrchestratorError, in threads. `ended` hears of this replica's own copies, `told` of the others'.
    """

    open_queue: Callable[[], MirrorQueue]
    is_there: Callable[[str], bool]
    copy: Callable[[str, str, PodSecrets | None], None]
    ended: Copied
    told: Callable[[str, bool], None]


@dataclass(frozen=True, slots=True)
class _Wanted:
    source: str
    secrets: PodSecrets | None
    again: bool
    since: float


class SharedCopyQueue:
    """One replica's end of it: `threads` images are copied here at once. The other methods block never."""

    def __init__(
        self,
        ports: CopyPorts,
        *,
        threads: int = 2,
        lease: float = LEASE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        away_seconds: float = AWAY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ports = ports
        self._lease, self._poll, self._away = lease, poll_seconds, away_seconds
        self._slots = threads
        self._clock = clock
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._wanted: dict[str, _Wanted] = {}
        self._failed: dict[tuple[str, PodSecrets | None], float] = {}
        self._unsent: deque[str] = deque()
        self._sent: dict[str, float] = {}
        self._problem = ""
        self._queue: MirrorQueue | None = None
        self._opening = threading.Lock()
        self._worker: QueueWorker | None = None
        for work in (self._send, self._watch, self._copy):
            threading.Thread(target=self._going_on, args=(work,), daemon=True).start()

    # The webhook's side

    def add(self, source: str, target: str, secrets: PodSecrets | None = None) -> bool:
        """Have it copied by some replica, unless it waits already or has just failed. False when nothing comes of it."""
        return self._want(target, _Wanted(source, secrets, False, self._clock()))

    def compare(self, source: str, target: str, secrets: PodSecrets | None = None) -> bool:
        """Have it copied again, although it is there, where its source's tag has moved: the copier finds that out."""
        return self._want(target, _Wanted(source, secrets, True, self._clock()))

    def _want(self, target: str, wanted: _Wanted) -> bool:
        with self._changed:
            if target in self._wanted:
                return True
            if self._closed.is_set():
                return False
            # A clock that was set back makes nobody wait longer.
            if 0 < self._failed.get((target, wanted.secrets), 0.0) - wanted.since <= AGAIN_SECONDS:
                return False
            self._wanted[target] = wanted
            self._unsent.append(target)
            self._changed.notify()
            return True

    def oldest(self) -> tuple[int, float]:
        """(how many this replica's Pods wait for, for how many seconds the oldest has)."""
        with self._changed:
            since = [one.since for one in self._wanted.values()]
        return len(since), max(0.0, self._clock() - min(since)) if since else 0.0

    def problems(self) -> Sequence[str]:
        """Why copies stand still, in a sentence."""
        return [self._problem] if self._problem else []

    def close(self) -> None:
        """Take no more jobs. A copy that is under way ends here, or elsewhere when its lease has ended."""
        self._closed.set()
        with self._changed:
            if self._worker is not None:
                self._worker.stop()
            self._changed.notify_all()

    # The threads

    def _going_on(self, work: Callable[[], None]) -> None:
        """Do it until the end, over every time that AWS is away."""
        while not self._closed.is_set():
            try:
                work()
            except OrchestratorError as error:
                problem = f"copies are not shared: {error.headline}"
                if problem != self._problem:
                    _log.warning("copies are not shared", extra={"why": f"{error.headline} {error.why}".strip()})
                self._problem = problem
            except Exception:
                _log.exception("copies are not shared")
            else:
                continue
            self._closed.wait(self._away)

    def _open(self) -> MirrorQueue:
        with self._opening:
            if self._queue is None:
                self._queue = self._ports.open_queue()
            return self._queue

    def _send(self) -> None:
        """Put one image that is wanted into the queue."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed.is_set() or self._unsent)
            if self._closed.is_set():
                return
            target = self._unsent.popleft()
            wanted = self._wanted.get(target)
        if wanted is None:
            # This replica copied it for another one meanwhile.
            return
        try:
            # Another replica may have brought it since this one looked. A job that ended before this look is gone again.
            since = wanted.since if wanted.again else self._clock()
            if not wanted.again and self._ports.is_there(target):
                self._end(target, told=True)
                return
            opened = wanted.secrets.as_text() if wanted.secrets is not None else ""
            self._open().submit([CopyJob(wanted.source, target, opened_by=opened)], since=since)
        except Exception:
            # The next Pod has it tried again, and those that wait go on with their source.
            self._end(target, told=False, failed_for=0.0)
            raise
        self._problem = ""
        with self._changed:
            if target in self._wanted:
                self._sent[target] = self._clock()

    def _watch(self) -> None:
        """Hear how the images ended that this replica's Pods want."""
        self._closed.wait(self._poll)
        with self._changed:
            sent = dict(self._sent)
        if not sent or self._closed.is_set():
            return
        queue = self._open()
        statuses = queue.table.statuses(sent)
        late: dict[str, JobStatus] = {}
        for target, since in sent.items():
            status = statuses.get(target)
            if status is not None and status.state in ENDED:
                self._end(target, told=status.state is JobState.DONE)
            elif status is not None and not 0 <= self._clock() - since <= MEND_SECONDS:
                # A clock that was set back makes nobody wait longer.
                late[target] = status
            elif status is None:
                # Somebody emptied the table: a Pod may ask anew.
                self._end(target, told=False, failed_for=0.0)
        if late:
            queue.mend(late)
            with self._changed:
                self._sent |= {target: self._clock() for target in late if target in self._sent}

    def _copy(self) -> None:
        """Copy what the queue gives, until the end."""
        worker = QueueWorker(
            *(self._open(), self._copy_job), slots=self._slots, lease=self._lease, tell=_log.info, ended=self._job_ended
        )
        with self._changed:
            self._worker = worker
            if self._closed.is_set():
                return
        worker.run(until_empty=False)

    def _copy_job(self, job: CopyJob) -> JobOutcome:
        try:
            self._ports.copy(job.source, job.target, secrets_of_text(job.opened_by))
        except OrchestratorError:
            raise
        except Exception as unknown:
            _log.exception("a copy failed")
            raise OrchestratorError(f"{job.source} was not copied: {type(unknown).__name__}.") from unknown
        return JobOutcome()

    def _job_ended(self, job: CopyJob, error: OrchestratorError | None) -> None:
        self._forget(job.target, AGAIN_SECONDS if error is not None else 0.0)
        if not self._closed.is_set():
            self._ports.ended(job.target, error)

    def _end(self, target: str, *, told: bool, failed_for: float = AGAIN_SECONDS) -> None:
        if self._forget(target, 0.0 if told else failed_for) and not self._closed.is_set():
            self._ports.told(target, told)

    def _forget(self, target: str, failed_for: float) -> bool:
        """Nobody waits for it any more; False where nobody did."""
        with self._changed:
            self._sent.pop(target, None)
            wanted = self._wanted.pop(target, None)
            if wanted is not None and failed_for:
                now = self._clock()
                self._failed = {one: until for one, until in self._failed.items() if until > now}
                self._failed[target, wanted.secrets] = now + failed_for
        return wanted is not None
