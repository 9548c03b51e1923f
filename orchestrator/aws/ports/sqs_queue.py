"""The queue port over SQS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.aws.ports.refusals import refusals
from orchestrator.lifecycle.ports import PortError

QUEUE_BATCH, QUEUE_BYTES = 10, 240_000


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """The queue port."""

    sqs: Any
    url: str

    def send(self, messages: Sequence[str], *, delay: int = 0) -> None:
        for batch in _batches(messages):
            entries = [
                {"Id": str(index), "MessageBody": body, "DelaySeconds": delay} for index, body in enumerate(batch)
            ]
            with refusals():
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                failure = answer["Failed"][0]
                raise PortError(failure.get("Code", ""), failure.get("Message", ""), "SendMessageBatch")


def _batches(messages: Sequence[str]) -> Iterator[list[str]]:
    """Messages as SendMessageBatch takes them: ten, and no more bytes than one message may have."""
    batch: list[str] = []
    size = 0
    for message in messages:
        length = len(message.encode())
        if batch and (len(batch) == QUEUE_BATCH or size + length > QUEUE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch
