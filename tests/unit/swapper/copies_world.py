"""Replicas that share copies, in one thread: whatever one does, others do something in the middle of it, or it dies.

The table is DynamoDB's by moto, the queue is one that gives messages twice. Time stands still unless it is told to go on.
Each call of AWS is a place where others come in between, so that a seed stands for one order of everybody's calls.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3

from orchestrator.aws.job_table import JobTable
from orchestrator.aws.mirror_queue import MirrorQueue, Ticket
from orchestrator.aws.queue_worker import QueueWorker
from orchestrator.errors import OrchestratorError
from orchestrator.swapper.pod_secrets import PodSecrets
from orchestrator.swapper.shared_queue import CopyPorts, SharedCopyQueue

LEASE = 120.0
REPLICAS = 2
TARGETS = ("own/app:1", "own/app:2")
# So many things happen inside of each other at most.
DEPTH = 4


class DiedError(BaseException):
    """The replica was killed where it stood: nothing of it may be caught."""


@dataclass
class Message:
    body: str
    visible: float = 0.0
    receipt: int = 0


class Queue:
    """SQS of one queue: a message may come twice, and a receipt that is not the last one means nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.messages: list[Message] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str, **_: object) -> None:  # noqa: N803 - boto3's names
        if not QueueUrl.endswith("-dead-letters"):
            self.messages.append(Message(MessageBody))

    def receive_message(self, *, VisibilityTimeout: int, **_: object) -> dict[str, Any]:  # noqa: N803
        now, chance = self._world.now, self._world.chance
        shown = [one for one in self.messages if one.visible <= now or chance.random() < 0.1]
        if not shown:
            return {}
        message = chance.choice(shown)
        message.visible, message.receipt = now + VisibilityTimeout, chance.getrandbits(40)
        return {"Messages": [{"Body": message.body, "ReceiptHandle": str(message.receipt)}]}

    def change_message_visibility(self, *, ReceiptHandle: str, VisibilityTimeout: int, **_: object) -> None:  # noqa: N803
        for message in self._of(ReceiptHandle):
            message.visible = self._world.now + VisibilityTimeout

    def delete_message(self, *, ReceiptHandle: str, **_: object) -> None:  # noqa: N803
        for message in self._of(ReceiptHandle):
            self.messages.remove(message)

    def _of(self, receipt: str) -> list[Message]:
        return [one for one in self.messages if str(one.receipt) == receipt]


class Client:
    """A client of one replica: others come in between before and after each call, and an answer may be lost."""

    def __init__(self, replica: Replica, real: Any) -> None:
        self._replica, self._real = replica, real

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._real, name)

        def asked(**words: Any) -> Any:
            self._replica.between()
            answer = call(**words)
            # The SDK sends again what was not answered.
            if name == "update_item" and self._replica.world.chance.random() < 0.05:
                self._replica.between()
                answer = call(**words)
            self._replica.between()
            return answer

        return asked


class Threadless(SharedCopyQueue):
    """The queue without its threads: who has it does their steps."""

    def _going_on(self, work: Callable[[], None]) -> None:
        del work

    def send(self) -> None:
        if self._unsent:
            self._send()

    def watch(self) -> None:
        self._watch()


class Worker(QueueWorker):
    """It knows what it holds."""

    tickets: set[str]

    def _do(self, ticket: Ticket) -> None:
        self.tickets.add(ticket.owner)
        try:
            super()._do(ticket)
        finally:
            self.tickets.discard(ticket.owner)


class Replica:
    """One process, as far as copies are concerned."""

    environment, endpoint, is_local = "dev", None, False

    def __init__(self, world: World) -> None:
        self.world, self.dead = world, False
        self.held: set[str] = set()
        self.busy: set[str] = set()
        self.mirror = MirrorQueue(self, "copies", url="q", lease=LEASE, clock=lambda: world.now)  # type: ignore[arg-type]
        ports = CopyPorts(lambda: self.mirror, self.is_there, self.copy, self.ended, lambda *_: None)
        self.queue = Threadless(ports, poll_seconds=0, away_seconds=0, lease=LEASE, clock=lambda: world.now)
        self.worker = Worker(
            *(self.mirror, self.queue._copy_job),
            slots=1,
            lease=LEASE,
            tell=lambda _: None,
            ended=self.queue._job_ended,
        )
        self.worker.tickets = set()

    def client(self, service: str, _region: str | None = None) -> Any:
        return Client(self, self.world.sqs if service == "sqs" else self.world.table)

    def between(self) -> None:
        self.world.between()
        if self.dead:
            raise DiedError

    def is_there(self, target: str) -> bool:
        self.between()
        there = target in self.world.there
        self.between()
        return there

    def copy(self, _source: str, target: str, _secrets: PodSecrets | None) -> None:
        begun = [one for one in self.world.alive if target in one.held]
        self.world.faults += [f"{target} is copied twice at once"] if begun else []
        self.held.add(target)
        try:
            self.between()
            if self.world.chance.random() < 0.1:
                raise OrchestratorError("The source is away.")
            self.world.there.add(target)
            self.between()
        finally:
            self.held.discard(target)

    def ended(self, target: str, error: OrchestratorError | None) -> None:
        self.world.copied[target] += error is None

    def step(self, name: str, does: Callable[[], object]) -> None:
        """Each of its threads does one thing at a time."""
        if name in self.busy:
            return
        self.busy.add(name)
        try:
            does()
        except DiedError:
            # Whoever was killed is another replica's story by now.
            pass
        finally:
            self.busy.discard(name)


@dataclass
class World:
    """`copied` are the ends that replicas tell of; `lives` are how often an image has to be copied."""

    seed: int
    table: Any
    now: float = 1000.0
    depth: int = 0
    dies: float = 0.05
    there: set[str] = field(default_factory=set)
    copied: Counter[str] = field(default_factory=Counter)
    lives: Counter[str] = field(default_factory=lambda: Counter(TARGETS))
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.sqs = Queue(self)
        self.replicas = [Replica(self) for _ in range(REPLICAS)]

    @property
    def alive(self) -> list[Replica]:
        return [one for one in self.replicas if not one.dead]

    def between(self) -> None:
        """Perhaps somebody does something here."""
        if self.depth < DEPTH and self.chance.random() < 0.35:
            self.depth += 1
            try:
                self.happen()
            finally:
                self.depth -= 1

    def happen(self) -> None:
        """One step of one of all."""
        place = self.chance.randrange(REPLICAS)
        replica, target = self.replicas[place], self.chance.choice(TARGETS)
        kind = self.chance.random()
        if kind < self.dies:
            replica.dead = True
            self.replicas[place] = Replica(self)
        elif kind < 0.12 and target in self.there:
            self.lives[target] += 1
            self.there.discard(target)
        elif kind < 0.25:
            self.pass_time(self.chance.choice((0.5, 5.0, 30.0)))
        elif kind < 0.5:
            self.pod(replica, target)
        else:
            self.work(replica, self.chance.choice(("send", "watch", "copy")))

    def pod(self, replica: Replica, target: str) -> None:
        """A Pod comes; the webhook may believe for some seconds that an image is absent which is there by now."""
        if target not in self.there or self.chance.random() < 0.2:
            replica.queue.add(f"source/{target}", target)

    def work(self, replica: Replica, thread: str) -> None:
        does: dict[str, Callable[[], object]] = {
            "send": replica.queue.send,
            "watch": replica.queue.watch,
            "copy": replica.worker._once,
        }
        replica.step(thread, does[thread])

    def settle(self) -> None:
        """A while of the end: nothing is deleted, and nobody comes in between."""
        self.depth = DEPTH
        for replica in self.replicas:
            for target in set(TARGETS) - self.there:
                replica.queue.add(f"source/{target}", target)
            for thread in ("send", "watch", "copy"):
                self.work(replica, thread)
        self.depth = 0
        self.pass_time(10.0)

    def is_settled(self) -> bool:
        """Is everything there, and does nobody wait?"""
        return self.there == set(TARGETS) and all(one.queue.oldest() == (0, 0.0) for one in self.replicas)

    def pass_time(self, seconds: float) -> None:
        """Who lives holds what it copies; in the middle of a call no lease ends."""
        self.now += seconds if self.depth == 0 else min(seconds, 5.0)
        table = JobTable(_Plain(self), "copies", clock=lambda: self.now)  # type: ignore[arg-type]
        held = {owner for replica in self.alive for owner in replica.worker.tickets}
        for target, status in table.statuses(TARGETS).items():
            if status.owner in held:
                assert table.hold(target, status.owner, LEASE)


class _Plain:
    """Clients of nobody in particular, in whose calls nothing happens."""

    environment, endpoint, is_local = "dev", None, False

    def __init__(self, world: World) -> None:
        self._world = world

    def client(self, service: str, _region: str | None = None) -> Any:
        return self._world.sqs if service == "sqs" else self._world.table


def open_table() -> Any:
    """A table of moto, which the caller mocks."""
    client: Any = boto3.client(
        "dynamodb", region_name="eu-west-1", aws_access_key_id="local", aws_secret_access_key="local"
    )
    client.create_table(
        TableName="copies",
        KeySchema=[{"AttributeName": "job", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "job", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client
