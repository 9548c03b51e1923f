"""`mirror --queue`: the plan goes to the queue; what the workers do is watched to its end, and reported."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.aws.mirror_queue import MirrorQueue
from orchestrator.cli import messages
from orchestrator.cli.mirror.show import Shown, plan_document
from orchestrator.cli.mirror.words import size
from orchestrator.counts import counted
from orchestrator.mirroring.copy_jobs import ENDED, CopyJob, JobState, JobStatus

POLL_SECONDS = 2.0
# Jobs whose state is asked for in a second, at most.
POLLED = 500
# In a pipe, a line so often.
TOLD_SECONDS = 10.0
# Nothing in the queue for so long, and jobs that have not ended: their messages are lost. SQS counts late.
MEND_SECONDS = 60.0


@dataclass(slots=True)
class SharedCopies:
    """What the queue was told, and what is known of it."""

    jobs: Sequence[CopyJob]
    statuses: dict[str, JobStatus] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        """The jobs that have not ended."""
        return [job.target for job in self.jobs if not self._has_ended(job.target)]

    def _has_ended(self, name: str) -> bool:
        status = self.statuses.get(name)
        return status is not None and status.state in ENDED

    def of(self, state: JobState) -> list[tuple[str, JobStatus]]:
        """The jobs of a state, by name."""
        return sorted((name, status) for name, status in self.statuses.items() if status.state is state)

    def exit_code(self, *, allow_lost_signatures: bool) -> int:
        """1 when something failed, or a signature could not come."""
        lost = any(status.outcome.lost for _, status in self.of(JobState.DONE))
        return 1 if self.of(JobState.FAILED) or (lost and not allow_lost_signatures) else 0

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for name, status in self.of(JobState.FAILED):
            yield f"failed    {name}: {status.error}"
        done = self.of(JobState.DONE)
        for _, status in done:
            yield from (f"lost      {loss}" for loss in status.outcome.lost)
        signatures = sum(status.outcome.signatures for _, status in done)
        yield (
            f"{counted(len(done), 'image')} copied, {len(self.of(JobState.FAILED))} failed; "
            f"{counted(signatures, 'signature and attestation', 'signatures and attestations')}; "
            f"{size(sum(status.outcome.sent for _, status in done))} sent, "
            f"{size(sum(status.outcome.mounted for _, status in done))} mounted"
        )

    def document(self, shown: Shown) -> dict[str, Any]:
        """The report for `--json`: the plan's members, and each job's end."""
        return {
            **plan_document(shown),
            "jobs": [
                {
                    "source": job.source,
                    "target": job.target,
                    "after": sorted(job.after),
                    "state": status.state.value if status else JobState.READY.value,
                    "attempts": status.attempts if status else 0,
                    "error": (status and status.error) or None,
                    **(asdict(status.outcome) if status and status.state is JobState.DONE else {}),
                }
                for job in self.jobs
                for status in [self.statuses.get(job.target)]
            ],
        }


@dataclass(frozen=True, slots=True)
class Sharing:
    """The queue that a plan goes to; `wait` for the workers or not."""

    queue: MirrorQueue
    wait: bool

    def do(self, shown: Shown, jobs: Sequence[CopyJob]) -> SharedCopies:
        """Put the jobs into the queue, and wait for their ends. Ctrl-C ends the waiting, not the copies."""
        shared = SharedCopies(jobs)
        self.queue.submit(jobs)
        messages.tell(f"{len(jobs)} in the queue")
        if self.wait:
            _watch(self.queue, shared, shown.environment)
        return shared


def _watch(queue: MirrorQueue, shared: SharedCopies, environment: str) -> None:
    told = quiet_since = time.monotonic()
    while True:
        shared.statuses |= queue.table.statuses(shared.left)
        left = shared.left
        if not left:
            return
        now = time.monotonic()
        copying = len(shared.of(JobState.COPYING))
        if copying or queue.waiting():
            quiet_since = now
        elif now - quiet_since > MEND_SECONDS:
            queue.mend(shared.statuses)
            quiet_since = now
        if now - told > TOLD_SECONDS:
            told = now
            hint = "" if copying else f"; workers: orchestrator mirror worker {environment}{queue.flag}"
            messages.tell(f"{len(left)} of {counted(len(shared.jobs), 'image')} left, {copying} being copied{hint}")
        time.sleep(max(POLL_SECONDS, len(left) / POLLED))
