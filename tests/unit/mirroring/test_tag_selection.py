"""Which tags of a repository are wanted."""

from __future__ import annotations

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.tag_selection import select_tags

SIGNATURE = f"sha256-{'0' * 64}.sig"
TAGS = ["latest", "1.2.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0", "nightly-9", "nightly-10", SIGNATURE]


def test_names_are_taken_as_they_are_and_need_no_list() -> None:
    chosen = select_tags(("latest", "gone"))
    assert not chosen.needs_list
    assert chosen.choose(TAGS) == ("latest",)
    assert chosen.missing(TAGS) == ("gone",)


def test_a_range_takes_the_newest_by_version() -> None:
    assert select_tags(ranges=(">=1.2",), newest=2).choose(TAGS) == ("2.0.0", "1.10.0")


def test_a_pattern_matches_whole_tags_and_numbers_count_as_numbers() -> None:
    assert select_tags(patterns=("nightly-[0-9]+",), newest=1).choose(TAGS) == ("nightly-10",)
    assert select_tags(patterns=("nightly",)).choose(TAGS) == ()


def test_named_tags_come_beside_the_newest() -> None:
    assert select_tags(("latest",), ranges=("1.x",), newest=1).choose(TAGS) == ("latest", "1.10.0")


def test_denied_tags_and_those_of_signatures_are_left_out() -> None:
    assert set(select_tags(deny=("nightly.*",)).choose(TAGS)) == {
        "latest",
        "1.2.0",
        "1.10.0",
        "1.9.0",
        "2.0.0-rc.1",
        "2.0.0",
    }
    assert SIGNATURE not in select_tags(patterns=(".*",)).choose(TAGS)


@pytest.mark.parametrize("text", ["(", "[a", "*", "(a+)+", "(a*)*b", "a" * 501])
def test_what_is_no_regular_expression_or_could_take_for_ever_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        select_tags(patterns=(text,))
