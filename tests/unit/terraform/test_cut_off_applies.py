"""Applies that did not end well, through the files that they leave."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.terraform.cut_off_applies import begin_journal, cut_off, end_journal
from orchestrator.terraform.state import State
from orchestrator.terraform.workdir import Workdir

TORN = '{"type": "apply_st'


def started(address: str) -> str:
    return json.dumps({"type": "apply_start", "hook": {"resource": {"addr": address}, "action": "create"}}) + "\n"


def test_only_what_began_is_in_flight_where_the_journal_is_whole(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path, "dev", True, "")
    begin_journal(workdir, ["a", "b"])
    workdir.journal.write_text(started("a"))

    assert cut_off(workdir, State()) == (frozenset({"a"}), {})


def test_all_that_was_to_be_created_is_in_flight_where_a_full_disk_cut_the_journal_off(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path, "dev", True, "")
    begin_journal(workdir, ["a", "b"])
    workdir.journal.write_text(started("a") + TORN)
    assert cut_off(workdir, State()) == (frozenset({"a", "b"}), {})

    # It stays so when the next apply ends badly too, about something else.
    begin_journal(workdir, ["c", "d"])
    workdir.journal.write_text(started("c"))
    assert cut_off(workdir, State()) == (frozenset({"a", "b", "c"}), {})

    end_journal(workdir)
    assert cut_off(workdir, State()) == (frozenset(), {})
    assert list(tmp_path.iterdir()) == []


def test_an_apply_of_targets_leaves_what_an_earlier_one_had_in_flight_beside_them(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path, "dev", True, "")
    begin_journal(workdir, ["a"])
    workdir.journal.write_text(started("a"))
    begin_journal(workdir, ["b"])
    workdir.journal.write_text(started("b"))

    end_journal(workdir, keep_earlier=True)

    assert cut_off(workdir, State()) == (frozenset({"a"}), {})
