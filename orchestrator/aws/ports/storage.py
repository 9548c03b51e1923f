"""The storage port over S3, the queue port over SQS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.aws.ports.refusals import refusals
from orchestrator.lifecycle.ports import PortError

QUEUE_BATCH, QUEUE_BYTES = 10, 240_000


@dataclass(frozen=True, slots=True)
class S3Storage:
    """The storage port over one bucket."""

    s3: Any
    bucket: str

    def get(self, key: str) -> bytes | None:
        return self.read(key)[0]

    def read(self, key: str) -> tuple[bytes | None, str | None]:
        """(the object, its version); both None when there is none."""
        try:
            with refusals():
                answer = self.s3.get_object(Bucket=self.bucket, Key=key)
                return answer["Body"].read(), str(answer["ETag"])
        except PortError as error:
            if error.code != "NoSuchKey":
                raise
            return None, None

    def put(self, key: str, content: bytes) -> None:
        with refusals():
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def replace(self, key: str, content: bytes, version: str | None) -> bool:
        """Put the object in place of that version; False when somebody else wrote since."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        try:
            with refusals():
                self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, **condition)
        except PortError as error:
            if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    def keys(self, prefix: str) -> Iterable[str]:
        with refusals():
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


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
