"""What the replicas' shared queue holds: jobs of the table, messages of the queue and of its dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.mirroring.copy_jobs import ENDED, JobState, KnownJob

if TYPE_CHECKING:
    from orchestrator.aws.mirror_queue import MirrorQueue
    from orchestrator.cli.swapper.swap_copies import CopyHome
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project

# Ends that are shown, the newest.
SHOWN = 1000


@dataclass(frozen=True, slots=True)
class SharedState:
    """Jobs that wait or are copied, those that ended (the newest first), and how many messages there are."""

    waiting: tuple[KnownJob, ...]
    ended: tuple[KnownJob, ...]
    messages: int
    dead_letters: int

    @property
    def failed(self) -> tuple[KnownJob, ...]:
        """Those that failed for good."""
        return tuple(one for one in self.ended if one.status.state is JobState.FAILED)


def read_shared(project: Project, environment: Environment, *, local: bool) -> SharedState:
    """What the environment's queue and table hold. Raises OrchestratorError where they cannot be asked."""
    from orchestrator.aws.mirror_queue import MirrorQueue
    from orchestrator.cli.project_session import project_session

    name = environment.image_swapper_name
    session = project_session(project, environment, local=local)
    return state_of(MirrorQueue(session, name, url=environment.queue_url(name)))


def shared_of(home: CopyHome) -> SharedState:
    """What the queue and table hold that a webhook was told of. Raises OrchestratorError where they cannot be asked."""
    from orchestrator.aws.mirror_queue import MirrorQueue

    assert home.shared is not None
    return state_of(MirrorQueue(home.session(), home.shared.table, url=home.shared.queue_url))


def state_of(queue: MirrorQueue) -> SharedState:
    """What a queue and its table hold."""
    jobs = sorted(queue.table.jobs(), key=lambda one: (-one.ended, one.job.target))
    return SharedState(
        tuple(one for one in jobs if one.status.state not in ENDED),
        tuple(one for one in jobs if one.status.state in ENDED)[:SHOWN],
        queue.waiting(),
        queue.dead_letters(),
    )


def as_document(state: SharedState) -> dict[str, object]:
    """The same for `--json`: times are seconds since 1970."""
    waiting = [
        {
            "target": one.job.target,
            "source": one.job.source,
            "state": str(one.status.state),
            "owner": one.status.owner,
            "until": one.status.until,
            "attempts": one.status.attempts,
        }
        for one in state.waiting
    ]
    ended: dict[bool, list[dict[str, object]]] = {True: [], False: []}
    for one in state.ended:
        failed = one.status.state is JobState.FAILED
        said = {"target": one.job.target, "source": one.job.source, "at": one.ended}
        ended[failed].append({**said, "why": one.status.error} if failed else said)
    counts = {"messages": state.messages, "dead_letters": state.dead_letters}
    return {"queue": waiting, "copied": ended[False], "failed": ended[True], **counts}
