"""A replica that hears of no deletion says so, and no longer once it hears again."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from orchestrator.aws import deletion_news
from orchestrator.aws.deletion_news import DeletionNews
from orchestrator.errors import OrchestratorError


class Replica(DeletionNews):
    """One whose AWS is away while `away` is set; `half` is a table that cannot be read."""

    def __init__(self) -> None:
        super().__init__(self.session, "queue", "table", lambda _: None)
        self.away, self.half = threading.Event(), threading.Event()
        self.turns = 0

    def session(self) -> Any:
        raise OrchestratorError("AWS is away.")

    def hear(self, wait: int = 0) -> None:
        self.turns += 1
        time.sleep(0.01)
        if self.away.is_set():
            self._client("sqs")

    def read(self) -> None:
        if self.away.is_set() or self.half.is_set():
            raise ValueError(7)


def becomes(replica: Replica, *, deaf: bool) -> bool:
    """Within ten seconds, over five of its turns?"""
    ends = time.monotonic() + 10
    turns = replica.turns + 5
    while time.monotonic() < ends and (replica.is_deaf != deaf or replica.turns < turns):
        time.sleep(0.005)
    return replica.is_deaf == deaf


def test_a_replica_that_hears_nothing_is_deaf_until_it_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion_news, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(deletion_news, "READ_SECONDS", 0.01)
    replica = Replica()
    replica.start()
    try:
        assert becomes(replica, deaf=False)
        replica.away.set()
        assert becomes(replica, deaf=True)
        # Who hears and cannot read is deaf all the same.
        replica.half.set()
        replica.away.clear()
        assert becomes(replica, deaf=True)
        replica.half.clear()
        assert becomes(replica, deaf=False)
    finally:
        replica.close()
