"""A copy as a job that some worker does: its order, its state, and its outcome. Pure.

A job's name is its target (`host/repository:tag`, or `@digest`). A tag names one image, so that two jobs are never the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class JobState(StrEnum):
    """WAITING for other jobs, READY in the queue, COPYING by a worker; DONE or FAILED in the end."""

    WAITING = "waiting"
    READY = "ready"
    COPYING = "copying"
    DONE = "done"
    FAILED = "failed"


ENDED = frozenset({JobState.DONE, JobState.FAILED})


@dataclass(frozen=True, slots=True)
class CopyJob:
    """All that a worker has to know. `source` names a digest: what was planned and checked is what is copied.

    `mounts` are repositories of the target's registry that hold blobs of it, {digest: repositories}.
    `after` are jobs that bring what this one uses, by their names. `opened_by` says where the source's login stands, never what
    it is. Submitter and copier agree on its form.
    """

    source: str
    target: str
    platforms: tuple[str, ...] = ()
    mounts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    after: frozenset[str] = frozenset()
    referrers: bool = True
    opened_by: str = ""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a copy came to. Bytes are of blobs; `lost` are signatures that could not come, in words."""

    digest: str = ""
    sent: int = 0
    mounted: int = 0
    signatures: int = 0
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is known of a job. `until` (seconds since 1970) is the end of its worker's lease, `attempts` how often it began."""

    state: JobState
    attempts: int = 0
    owner: str = ""
    until: float = 0.0
    error: str = ""
    outcome: JobOutcome = JobOutcome()


@dataclass(frozen=True, slots=True)
class KnownJob:
    """A job as somebody wrote it, and what is known of it; `ended` in seconds since 1970, 0 where it has not."""

    job: CopyJob
    status: JobStatus
    ended: float
