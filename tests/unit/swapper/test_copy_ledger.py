"""The queue's file, whatever became of it: the queue begins and copies, what is unusable is put aside and told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Place
from orchestrator.swapper.copy_ledger import CopyLedger, EndedCopy, WaitingCopy, read_ledger
from orchestrator.swapper.copy_queue import CopyQueue
from orchestrator.swapper.logs import LOGGER


def written(path: Path) -> None:
    """A ledger in which two images wait, long enough that it has several pages."""
    ledger = CopyLedger(path)
    for number in range(200):
        ledger.end(EndedCopy(f"x/{number}", "s" * 100, float(number)))
    ledger.want(WaitingCopy("x/a", "a", 1.0))
    ledger.want(WaitingCopy("x/b", "b", 2.0))
    ledger.close()


def copied_by(path: Path) -> list[str]:
    """The targets that a queue on this file copies, with one that is wanted anew."""
    found: list[str] = []
    done = threading.Event()

    def ended(target: str, error: OrchestratorError | None) -> None:
        assert error is None
        found.append(target)
        if target == "x/new":
            done.set()

    queue = CopyQueue(path, lambda *_: None, ended, threads=1)
    assert queue.add("new", "x/new")
    assert done.wait(10)
    queue.close()
    return found


def a_page_is_damaged(path: Path) -> None:
    written(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


def it_is_another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.executescript("create table wanted(url text); create table ended(url text, size integer);")


def it_is_of_a_later_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.executescript("create table wanted(target text, source text, since real, platforms text);")


def it_is_no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def it_is_cut(path: Path) -> None:
    written(path)
    path.write_bytes(path.read_bytes()[:5000])


def a_journal_of_an_older_file_lies_beside_it(path: Path) -> None:
    it_is_no_database(path)
    # SQLite would apply a journal to whatever has its name: this one is a whole file's.
    for ending in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + ending).write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(1000))


@pytest.mark.parametrize(
    "become",
    [
        a_page_is_damaged,
        it_is_another_programs,
        it_is_of_a_later_version,
        it_is_no_database,
        it_is_cut,
        a_journal_of_an_older_file_lies_beside_it,
    ],
)
def test_a_file_that_is_unusable_is_put_aside_and_made_anew(
    become: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "queue.sqlite"
    become(path)
    before = path.read_bytes()
    assert copied_by(path) == ["x/new"]
    assert (tmp_path / "queue.sqlite.unusable").read_bytes() == before
    assert [one.target for one in read_ledger(path).ended] == ["x/new"]
    messages = [one.message for one in caplog.records if one.name == LOGGER]
    assert messages == ["the queue's file was put aside"]


def test_what_waits_in_a_good_file_is_copied(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "queue.sqlite"
    written(path)
    assert copied_by(path) == ["x/a", "x/b", "x/new"]
    assert [one.message for one in caplog.records if one.name == LOGGER] == []


def test_where_no_file_can_be_made_the_queue_is_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "queue.sqlite"
    path.mkdir()
    assert copied_by(path) == ["x/new"]
    assert path.is_dir()
    assert "kept in memory" in caplog.text


def test_a_file_that_another_process_holds_is_left_to_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue.sqlite"
    written(path)
    monkeypatch.setattr("orchestrator.swapper.copy_ledger.BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("begin exclusive")
        assert copied_by(path) == ["x/new"]
    assert [one.target for one in read_ledger(path).waiting] == ["x/a", "x/b"]
    assert "kept in memory" in caplog.text


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0, 1e9, -1e9], ids=["a day on", "a day back", "on", "before 1970"])
def test_a_clock_that_jumps_while_images_wait_holds_up_none(jump: float, tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    gate = threading.Event()
    ended: list[str] = []
    heard = threading.Semaphore(0)

    def copy(source: str, _target: str, _secrets: object) -> None:
        assert gate.wait(10)
        if source == "bad":
            raise OrchestratorError("no")

    def end(target: str, _error: OrchestratorError | None) -> None:
        ended.append(target)
        heard.release()

    queue = CopyQueue(tmp_path / "queue.sqlite", copy, end, threads=1, clock=lambda: now[0])
    assert queue.add("bad", "x/bad")
    assert queue.add("good", "x/good")
    now[0] += jump
    assert queue.oldest()[1] >= 0
    gate.set()
    for _ in range(2):
        assert heard.acquire(timeout=10)
    assert ended == ["x/bad", "x/good"]
    now[0] -= jump
    # It failed in another time: who wants it now has it tried now.
    assert queue.add("bad", "x/bad")
    assert heard.acquire(timeout=10)
    queue.close()
    assert {one.target for one in read_ledger(tmp_path / "queue.sqlite").ended} >= {"x/good"}


@pytest.mark.parametrize("tree", ["", "5", "{}", "[1]", "[" * 5000, None, b"\xff", 7])
def test_a_journals_row_that_no_run_wrote_says_nothing(tree: object, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "copies.sqlite")) as journal:
        journal._base.execute("insert into image values('r','n','d',1,1,?)", (tree,))
        assert journal.complete(Place("r", "n"), "d") is None
