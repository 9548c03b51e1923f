"""Records that the product keeps for itself and that something else overwrote: they say nothing, or are named."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.cli.lifecycle.resume import begin
from orchestrator.errors import OrchestratorError
from orchestrator.files.image_rewrite import content_digest
from orchestrator.files.own_records import read_record
from orchestrator.files.rewrite_journal import JOURNALS, reached_stage, undo
from orchestrator.oci.errors import JournalNotUsable
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Place
from orchestrator.swapper.copy_ledger import LedgerState, read_ledger
from orchestrator.terraform.last_runs import FILE, LastRuns, last_runs

OVERWRITTEN = {
    "empty": b"",
    "no UTF-8": b"\xff\xfe{",
    "NULs": b"\0" * 4096,
    "a list": b"[1, 2]",
    "null": b"null",
    "nested without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 50_000,
    "a number without end": b"9" * 10_000,
    "torn": b'{"applied": "20',
    "of another shape": b'{"files": 1, "applied": [], "started": 5, "stage": {}}',
    "entries of another shape": b'{"files": [1], "environment": "dev"}',
    "entries without parts": b'{"files": [{}], "environment": "dev"}',
}


@pytest.fixture(params=[*OVERWRITTEN.values()], ids=[*OVERWRITTEN])
def content(request: pytest.FixtureRequest) -> bytes:
    found: bytes = request.param
    return found


def test_an_overwritten_record_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert last_runs(tmp_path) == LastRuns()
    assert read_record(tmp_path / FILE).get("applied") in (None, [])


def test_an_overwritten_record_of_a_run_begins_a_new_one(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_bytes(content)
    settings: Any = SimpleNamespace()
    assert not begin(folder, settings, None, datetime(2026, 1, 1, tzinfo=UTC)).resumed


def test_an_overwritten_journal_of_rewrites_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNALS).mkdir()
    (tmp_path / JOURNALS / "1.json").write_bytes(content)
    for act in (lambda: undo(tmp_path), lambda: reached_stage(tmp_path, "dev")):
        with pytest.raises(OrchestratorError, match=r"1\.json cannot be read") as raised:
            act()
        assert "move it away" in str(raised.value)


@pytest.mark.parametrize(
    "part",
    [{"bom": "zz"}, {"encoding": "klingon"}, {"edits": [[1]]}, {"edits": 5}, {"edits": [["a", "b", "c"]]}, {"bom": 1}],
    ids=str,
)
def test_an_entry_that_does_not_fit_leaves_its_file(tmp_path: Path, part: dict[str, object]) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text("image: a")
    entry = {"path": str(file), "before": "x", "after": content_digest(b"image: a"), "bom": "", "encoding": "utf-8"}
    (tmp_path / JOURNALS).mkdir()
    held = {"files": [{**entry, "edits": [], **part}], "environment": "dev"}
    (tmp_path / JOURNALS / "1.json").write_text(json.dumps(held))
    assert "does not fit" in undo(tmp_path).refused[0]
    assert file.read_text() == "image: a"


TABLES = {
    "no database": None,
    "more columns": "create table wanted(a, b, c, d); create table ended(a, b, c, d, e, f, g)",
    "fewer columns": "create table wanted(target); create table ended(target)",
}


@pytest.mark.parametrize("script", TABLES.values(), ids=TABLES)
def test_a_file_that_no_queue_wrote_is_named(tmp_path: Path, script: str | None) -> None:
    path = tmp_path / "queue.sqlite"
    if script is None:
        path.write_bytes(b"not a database" * 100)
    else:
        base = sqlite3.connect(path)
        base.executescript(script)
        base.close()
    with pytest.raises(OrchestratorError, match=r"queue\.sqlite cannot be used") as raised:
        read_ledger(path)
    assert "remove the file" in str(raised.value)


def test_a_pipe_in_place_of_the_queues_file_is_named_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "queue.sqlite")
    with pytest.raises(OrchestratorError, match="no regular file"):
        read_ledger(tmp_path / "queue.sqlite")


USES_OF_A_JOURNAL: dict[str, Callable[[Journal], object]] = {
    "reading": lambda journal: journal.blobs_sent(Place("r", "n")),
    "looking for an image": lambda journal: journal.complete(Place("r", "n"), "d"),
    "writing": lambda journal: journal.blob_sent(Place("r", "n"), "d"),
    "writing an image": lambda journal: journal.image_complete(Place("r", "n"), "d", ["d"]),
}
STRANGERS_JOURNALS = {
    "other columns": "create table blob(a); create table image(a); create table selection(a)",
    "views": "create view blob as select 1 a; create view image as select 1 a; create view selection as select 1 a",
    "triggers": "create trigger a before insert on blob begin select raise(abort, 'no'); end;"
    "create trigger b before insert on image begin select raise(abort, 'no'); end",
}


@pytest.mark.parametrize("use", USES_OF_A_JOURNAL)
@pytest.mark.parametrize("kind", [*STRANGERS_JOURNALS, "a damaged page"])
def test_a_journal_of_copies_that_shows_its_damage_late_is_named(tmp_path: Path, kind: str, use: str) -> None:
    path = tmp_path / "dev.sqlite"
    if kind in {"triggers", "a damaged page"}:
        with closing(Journal(path)) as made:
            made._base.execute("pragma journal_mode=delete")
    if kind == "a damaged page":
        data = path.read_bytes()
        path.write_bytes(data[:4096] + bytes(255 for _ in data[4096:]))
    else:
        with closing(sqlite3.connect(path)) as base:
            base.executescript(STRANGERS_JOURNALS[kind])
    reads_only = kind == "triggers" and use in {"reading", "looking for an image"}
    with closing(Journal(path)) as journal, nullcontext() if reads_only else pytest.raises(JournalNotUsable) as raised:
        USES_OF_A_JOURNAL[use](journal)
    if raised is not None:
        assert str(path) in raised.value.what
        assert "remove it" in raised.value.remedy


def test_rows_that_no_queue_wrote_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    base = sqlite3.connect(path)
    base.executescript(
        "create table wanted(target, source, since); create table ended(target, source, at, what, why, remedy);"
        "insert into wanted values('a', 'b', 'noon'), (null, 'b', 1), ('a', x'00', 1), ('a', 'b', 1e300), ('a', 'b', 7);"
        "insert into ended values('a', 'b', null, '', '', ''), ('a', 'b', 5, null, '', ''), ('c', 'd', 9, '', '', '');"
    )
    base.close()
    found = read_ledger(path)
    assert isinstance(found, LedgerState)
    assert ([one.since for one in found.waiting], [one.target for one in found.ended]) == ([7], ["c"])


@pytest.mark.parametrize("place", ["a\0b", "pipe", "/dev/zero", "x" * 5000, "\udcff", 10**4000])
def test_a_journal_that_names_no_file_brings_nothing_back(tmp_path: Path, place: object) -> None:
    os.mkfifo(tmp_path / "pipe")
    entry = {"path": str(tmp_path / "pipe") if place == "pipe" else place, "before": "x", "after": "y", "bom": ""}
    folder = tmp_path / JOURNALS
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps({"files": [{**entry, "encoding": "utf-8", "edits": []}]}), "utf-8")
    done = undo(tmp_path)
    assert (done.files, len(done.refused)) == (0, 1)


def test_records_that_are_pipes_are_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / JOURNALS
    folder.mkdir()
    os.mkfifo(folder / "1.json")
    with pytest.raises(OrchestratorError, match="cannot be read"):
        undo(tmp_path)
    assert read_record(folder / "1.json") == {}
