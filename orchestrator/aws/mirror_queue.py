"""The queue by which workers share copies: SQS says which job may be begun, the table who does it.

A message is a job's name, and nothing is lost with it. It is deleted when its job has ended and those that waited for
it are in the queue. Two messages of one job do no harm, for only one worker holds it.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from orchestrator.aws.job_table import JobTable
from orchestrator.aws.translation import error_code, explained
from orchestrator.errors import RefusedInput
from orchestrator.mirroring.copy_jobs import ENDED, CopyJob, JobOutcome, JobState, JobStatus

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

# ReceiveMessage waits so long at most.
LONG_POLL = 20
# A job is begun so often at most: whoever copied it the last time may have ended of it.
MOST_ATTEMPTS = 5
# A job fails for good after so many attempts.
MOST_FAILURES = 3
_ABSENT = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job that is held under the name `owner`, and the message that it came by. `attempt` counts from 1."""

    job: CopyJob
    owner: str
    receipt: str
    attempt: int


class MirrorQueue:
    """The queue, its dead letters and the table, all called `name`. A message that is taken is held for `lease` seconds
    at a time.

    With `url` nothing is looked for. The queue is there, the dead letters are beside it, and `name` is the table's alone.
    """

    def __init__(
        self,
        session: AwsSession,
        name: str,
        *,
        url: str = "",
        lease: float = 120.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._client: Any = session.client("sqs")
        # Threads share the count: its `next` is one step of the interpreter, which a generator's is not.
        self._claims = itertools.count(1)
        # A container that begins anew has its host's name and number again, and so have two on one host's network.
        self._start = f"{socket.gethostname()}/{os.getpid()}-{secrets.token_hex(4)}"
        self._lease = lease
        self._clock = clock
        self._url = url or self._find(name)
        self._dead_url = f"{url}-dead-letters" if url else self._find(f"{name}-dead-letters")
        self.table = JobTable(session, name, clock=clock)

    @property
    def flag(self) -> str:
        """The session's: what a command needs to reach the same queue."""
        return self._session.flag

    def _find(self, name: str) -> str:
        with explained(self._session, "sqs"):
            try:
                return str(self._client.get_queue_url(QueueName=name)["QueueUrl"])
            except ClientError as error:
                if error_code(error) not in _ABSENT:
                    raise
        raise RefusedInput(
            f"There is no queue {name}.",
            environment=self._session.environment,
            why="Copies are shared by a queue and a table that the environment makes.",
            remedy=f"Set mirror_queue = {{ enabled = true }}, then: orchestrator apply {self._session.environment}{self.flag}",
        )

    # Who plans

    def submit(self, jobs: Sequence[CopyJob], *, since: float | None = None) -> None:
        """Put the jobs down, and those that wait for nothing into the queue. Jobs that ended after `since` are left."""
        before: dict[str, list[str]] = {}
        for job in jobs:
            for name in job.after:
                before.setdefault(name, []).append(job.target)
        # A waiting message is there before the one that lets it go can end.
        for job in reversed(jobs):
            if self.table.submit(job, before.get(job.target, ()), since) is JobState.READY:
                self._send(job.target)

    def mend(self, statuses: Mapping[str, JobStatus]) -> None:
        """Bring jobs back whose messages are gone, such as those that SQS gave up."""
        for name, status in statuses.items():
            self._follow(name, status)
        for name, status in statuses.items():
            lost = status.state is JobState.COPYING and status.until < self._clock()
            if lost or status.state is JobState.READY:
                self._send(name)

    def waiting(self) -> int:
        """About how many messages there are, those that workers hold included."""
        return self._messages(self._url)

    def dead_letters(self) -> int:
        """About how many messages were given up."""
        return self._messages(self._dead_url)

    def _messages(self, url: str) -> int:
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        with explained(self._session, "sqs"):
            answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"].get(name, 0)) for name in names)

    def _send(self, name: str) -> None:
        with explained(self._session, "sqs"):
            self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps({"job": name}))

    # Who works

    def take(self, wait: float) -> Ticket | None:
        """The next job that is this worker's, waited for so many seconds; None when there was none."""
        with explained(self._session, "sqs"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                VisibilityTimeout=max(1, round(self._lease)),
                WaitTimeSeconds=min(LONG_POLL, round(wait)),
            )
        for message in answer.get("Messages", ()):
            return self._claimed(_named(message["Body"]), message["ReceiptHandle"], message["Body"])
        return None

    def _claimed(self, name: str, receipt: str, body: str) -> Ticket | None:
        owner = f"{self._start}/{next(self._claims)}"
        job = self.table.claim(name, owner, self._lease) if name else None
        status = self.table.look(name) if name else None
        if status is None:
            self._dead(body, "There is no such job.")
            self._delete(receipt)
        elif job is None and status.state is JobState.COPYING:
            # Another worker has it; should that one end, this message comes back.
            self._show_again(receipt, max(1.0, status.until - self._clock() + 1))
        elif job is None:
            # It has ended, or waits for others that will put it into the queue.
            self._follow(name, status)
            self._delete(receipt)
        elif status.attempts > MOST_ATTEMPTS:
            self.fail(
                Ticket(job, owner, receipt, status.attempts), f"{MOST_ATTEMPTS} workers ended while they copied it."
            )
        else:
            return Ticket(job, owner, receipt, status.attempts)
        return None

    def hold(self, ticket: Ticket) -> bool:
        """Keep the job and its message; False when the job is another worker's by now."""
        self._show_again(ticket.receipt, self._lease)
        return self.table.hold(ticket.job.target, ticket.owner, self._lease)

    def done(self, ticket: Ticket, outcome: JobOutcome) -> None:
        """The job is done."""
        self._end(ticket, outcome, "")

    def fail(self, ticket: Ticket, why: str) -> None:
        """The job has failed for good. Its message goes to the dead letters, unless the job is another worker's by now."""
        if not self.table.hold(ticket.job.target, ticket.owner, self._lease):
            return
        self._dead(json.dumps({"job": ticket.job.target, "why": why}), why)
        self._end(ticket, None, why)

    def try_again(self, ticket: Ticket, why: str, seconds: float) -> None:
        """The job has failed, and is to be tried again after so many seconds."""
        self.table.give_back(ticket.job.target, ticket.owner, why)
        self._show_again(ticket.receipt, seconds)

    def give_back(self, ticket: Ticket) -> None:
        """The job was not begun, and is another worker's at once."""
        self.table.give_back(ticket.job.target, ticket.owner, "", counts=False)
        self._show_again(ticket.receipt, 0)

    def _end(self, ticket: Ticket, outcome: JobOutcome | None, why: str) -> None:
        name = ticket.job.target
        self.table.end(name, ticket.owner, outcome, why)
        status = self.table.look(name)
        if status is not None:
            self._follow(name, status)
        self._delete(ticket.receipt)

    def _follow(self, name: str, status: JobStatus) -> None:
        if status.state not in ENDED:
            return
        for other in self.table.release(name):
            self._send(other)
            self.table.ready(other)

    def _show_again(self, receipt: str, seconds: float) -> None:
        with explained(self._session, "sqs"):
            try:
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=min(43200, max(0, round(seconds)))
                )
            except ClientError as error:
                # The message went to another worker meanwhile; the table says whose the job is.
                if error_code(error) not in _NOT_OURS:
                    raise

    def _delete(self, receipt: str) -> None:
        with explained(self._session, "sqs"):
            try:
                self._client.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)
            except ClientError as error:
                if error_code(error) not in _NOT_OURS:
                    raise

    def _dead(self, body: str, why: str) -> None:
        attribute = {"why": {"DataType": "String", "StringValue": why[:1000] or "?"}}
        with explained(self._session, "sqs"):
            self._client.send_message(QueueUrl=self._dead_url, MessageBody=body, MessageAttributes=attribute)


_NOT_OURS = (
    "ReceiptHandleIsInvalid",
    "MessageNotInflight",
    "InvalidParameterValue",
    "AWS.SimpleQueueService.MessageNotInflight",
)


def _named(body: str) -> str:
    """The job of a message; "" of one that nobody here has written."""
    try:
        found = json.loads(body)["job"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and 0 < len(found) <= 2048 else ""
