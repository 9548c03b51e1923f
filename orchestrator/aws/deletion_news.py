"""Deletions in the registry, told to every replica. One hears ECR's event from the queue, all read it in the table.

A queue gives a message to one reader only. So whoever has it writes it to an item of the table that stands for a few
seconds. Each replica reads the items of the last half minute. Source: ECR, "Sample events: completed image push/delete".
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestrator.aws.translation import explained
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

_log = logging.getLogger("orchestrator.swapper")
# An item stands for so many seconds; its 400 KB hold some thousand deletions.
SLOT = 5
# How far clocks of replicas, and a read that came late, may be apart.
BACK, AHEAD = 30, 10
READ_SECONDS = 2.0
AWAY_SECONDS = 5.0
LONG_POLL = 20
KEPT_SECONDS = 3600


def deletion_of(body: str) -> str:
    """`repository@digest` of an event that tells of a deletion; "" of any other message."""
    try:
        event = json.loads(body)
        detail = event["detail"]
        is_one = event["source"] == "aws.ecr" and detail["action-type"] == "DELETE" and detail["result"] == "SUCCESS"
        name, digest = detail["repository-name"], detail.get("image-digest", "")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    good = is_one and isinstance(name, str) and isinstance(digest, str) and 0 < len(name) <= 256
    return f"{name}@{digest[:80]}" if good else ""


class DeletionNews:
    """One replica's part: `forget(repositories)` is called, in a thread, with the repositories that lost images."""

    def __init__(
        self,
        session: Callable[[], AwsSession],
        queue_url: str,
        table: str,
        forget: Callable[[frozenset[str]], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._open = session
        self._url = queue_url
        self._table = table
        self._forget = forget
        self._clock = clock
        self._seen: dict[str, frozenset[str]] = {}
        self._closed = threading.Event()
        self._failing: set[Callable[[], None]] = set()

    def start(self) -> None:
        """Hear and read until `close`."""
        for work in (self.hear, self._read_on):
            threading.Thread(target=self._going_on, args=(work,), daemon=True).start()

    def close(self) -> None:
        """Hear no more."""
        self._closed.set()

    @property
    def is_deaf(self) -> bool:
        """Does it hear of nothing now: AWS is away, or refuses?"""
        return bool(self._failing)

    def _going_on(self, work: Callable[[], None]) -> None:
        told = ""
        while not self._closed.is_set():
            try:
                work()
                self._failing.discard(work)
                told = ""
            except OrchestratorError as error:
                if error.headline != told:
                    _log.warning("deletions are not heard", extra={"why": f"{error.headline} {error.why}".strip()})
                told = error.headline
                self._failing.add(work)
                self._closed.wait(AWAY_SECONDS)
            except Exception:
                # A thread that ends here would never hear of a deletion again.
                _log.exception("deletions are not heard")
                self._failing.add(work)
                self._closed.wait(AWAY_SECONDS)

    def _client(self, service: Any) -> Any:
        return self._open().client(service)

    def hear(self, wait: int = LONG_POLL) -> None:
        """Take what the queue has within `wait` seconds, and write it down for all."""
        sqs = self._client("sqs")
        session = self._open()
        with explained(session, "sqs"):
            answer = sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages = answer.get("Messages", ())
        found = {one for message in messages if (one := deletion_of(message["Body"]))}
        if found:
            self._write(found)
        # What could not be written comes back.
        for message in messages:
            with explained(session, "sqs"):
                sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def _write(self, found: set[str]) -> None:
        now = self._clock()
        with explained(self._open(), "dynamodb"):
            self._client("dynamodb").update_item(
                TableName=self._table,
                Key={"job": {"S": _slot(now)}},
                UpdateExpression="SET expires = :expires ADD deleted :found",
                ExpressionAttributeValues={
                    ":expires": {"N": str(int(now + KEPT_SECONDS))},
                    ":found": {"SS": sorted(found)},
                },
            )

    def _read_on(self) -> None:
        self.read()
        self._closed.wait(READ_SECONDS)

    def read(self) -> None:
        """Forget what the table says was deleted, by whichever replica heard it."""
        now = self._clock()
        names = [_slot(now + offset) for offset in range(-BACK, AHEAD + 1, SLOT)]
        with explained(self._open(), "dynamodb"):
            answer = self._client("dynamodb").batch_get_item(
                RequestItems={self._table: {"Keys": [{"job": {"S": name}} for name in names], "ConsistentRead": True}}
            )
        held = {item["job"]["S"]: frozenset(item["deleted"]["SS"]) for item in answer["Responses"].get(self._table, ())}
        # The next read takes what DynamoDB left unread.
        news = frozenset().union(*(found - self._seen.get(name, frozenset()) for name, found in held.items()))
        self._seen = {name: held.get(name, self._seen.get(name, frozenset())) for name in names}
        if news:
            self._forget(frozenset(one.rpartition("@")[0] for one in news))


def _slot(at: float) -> str:
    # A job's name begins with a host: none is called like this.
    return f"#deleted/{int(at // SLOT)}"
