"""The replica's end of the shared queue, without AWS: what was asked for and needs no copy any more holds nothing up."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestrator.aws.deletion_news import DeletionNews, deletion_of
from orchestrator.errors import OrchestratorError
from orchestrator.mirroring.copy_jobs import CopyJob
from orchestrator.swapper.shared_queue import CopyPorts, SharedCopyQueue

DIGEST = f"sha256:{'a' * 64}"


def test_what_this_replica_copied_meanwhile_holds_up_nobody_behind_it() -> None:
    asked: list[str] = []
    first, last = threading.Event(), threading.Event()

    def is_there(target: str) -> bool:
        asked.append(target)
        if target == "c":
            last.set()
        else:
            assert first.wait(10)
        return True

    def no_queue() -> Any:
        raise OrchestratorError("SQS is away.")

    ended: list[str] = []
    ports = CopyPorts(
        no_queue, is_there, lambda *_: None, lambda target, _: ended.append(target), lambda target, _: None
    )
    # A sender that stumbles waits for `away_seconds`, longer than this test.
    queue = SharedCopyQueue(ports, away_seconds=60, poll_seconds=60)
    try:
        for target in "abc":
            assert queue.add(f"source/{target}", target)
        # The copy of b, which another replica had asked for, ended here while b waited to be sent.
        queue._job_ended(CopyJob("source/b", "b"), None)
        first.set()
        assert last.wait(10)
        assert (asked, ended) == (["a", "c"], ["b"])
    finally:
        queue.close()


def test_deletions_are_heard_on_after_a_failure_that_nobody_foresaw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.aws.deletion_news.AWAY_SECONDS", 0.01)
    again = threading.Event()
    calls = 0

    def session() -> Any:
        nonlocal calls
        calls += 1
        if calls > 4:
            again.set()
        raise RuntimeError("no session")

    news = DeletionNews(session, "https://sqs.eu-west-1.amazonaws.com/1/deletions", "copies", lambda _: None)
    news.start()
    try:
        assert again.wait(10)
    finally:
        news.close()


EVENT = (
    '{"source": "aws.ecr", "detail": {"action-type": "%s", "result": "%s", "repository-name": "a/b", '
    f'"image-digest": "{DIGEST}"}}}}'
)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (EVENT % ("DELETE", "SUCCESS"), f"a/b@{DIGEST}"),
        (EVENT % ("DELETE", "FAILURE"), ""),
        (EVENT % ("PUSH", "SUCCESS"), ""),
        ("[" * 100_000, ""),
        ("[]", ""),
        ('"text"', ""),
        ("", ""),
        ('{"source": "aws.ecr", "detail": null}', ""),
        ('{"source": "aws.ecr", "detail": {"action-type": "DELETE", "result": "SUCCESS", "repository-name": [1]}}', ""),
    ],
)
def test_deletions_are_told_from_other_messages(body: str, found: str) -> None:
    assert deletion_of(body) == found
