"""Notes of which indexes hold an image."""

from __future__ import annotations

import pytest

from orchestrator.findings.parents import LIMIT, Parent, dump_parents, parse_parents, with_parent

INDEXES = [Parent("quay/app", f"sha256:{number:064}") for number in range(LIMIT + 5)]


def test_a_note_is_read_as_it_was_written() -> None:
    note = frozenset(INDEXES[:3])
    assert parse_parents(dump_parents(note)) == note
    assert dump_parents(frozenset(reversed(INDEXES[:3]))) == dump_parents(note)


def test_an_index_that_is_cached_again_changes_nothing() -> None:
    note = frozenset(INDEXES[:2])
    assert with_parent(note, INDEXES[1]) == note
    assert with_parent(note, Parent("quay/other", INDEXES[1].digest)) != note


def test_a_note_does_not_grow_without_end() -> None:
    note: frozenset[Parent] = frozenset()
    for index in INDEXES:
        note = with_parent(note, index)
    assert len(note) == LIMIT


@pytest.mark.parametrize("broken", [b"", b"{", b"null", b"[]", b'{"indexes": [{}]}', b'{"indexes": 1}', b"\xff"])
def test_a_note_that_cannot_be_read_is_none(broken: bytes) -> None:
    assert parse_parents(broken) == frozenset()
