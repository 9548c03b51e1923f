"""Which tags of a repository are wanted."""

from __future__ import annotations

import time

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.expressions import parse_expression
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


@pytest.mark.parametrize(
    "text",
    [
        *("(", "[a", "*", "a)|(b", "(?!a)b", r"(a)\1", "[:digit:]+", "a{1,500}{1,500}", "a" * 501),
        *("[a[b]", "[a&&b]", "[+--]", "[[:alpha:]~~b]", "a{,2}", "(?x)a b", r"\<a", "(?i-u:a)"),
    ],
)
def test_what_is_no_regular_expression_of_gos_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        select_tags(patterns=(text,))


@pytest.mark.speed
@pytest.mark.parametrize("text", ["((a+))+b", "(a|a)*b", "(a|ab)*c", "(a?a?)*b", ".*.*.*.*.*.*b", "(.*a){20}"])
def test_no_expression_takes_more_time_than_its_text_is_long(text: str) -> None:
    started = time.process_time()
    found = parse_expression(text)
    assert not found.matches("a" * 100_000 + "!")
    assert time.process_time() - started < 5
    assert not found.matches("b\n")


def test_an_expression_is_gos_and_matches_whole_tags() -> None:
    assert parse_expression("v[[:digit:]]+|latest").matches("latest")
    assert not parse_expression("v[0-9]+").matches("v1\n")
    assert not parse_expression("v[0-9]+").matches("xv1")
    assert parse_expression("v[0-9]+").is_in("xv1y")
    assert parse_expression("(?i)V1").matches("v1")
    assert parse_expression(r"[a\[b&]+(?P<xu>x)").matches("a&x")


@pytest.mark.parametrize(
    "newest_first",
    [
        ("2024.11.01", "2024.10.10", "2024.9.30"),
        ("2024-11-01", "2024-10-10", "2023-12-31"),
        ("1.2.3.10", "1.2.3.9", "1.2.3", "1.2.3-rc.10", "1.2.3-rc.9", "1.2.3-beta"),
        ("v10-alpine", "v9.1-alpine", "9-alpine"),
        ("build-10", "build-9"),
        ("1", "latest", "edge"),
        ("build-９", "build-1"),
    ],
)
def test_the_newest_is_the_highest_version_however_it_is_written(newest_first: tuple[str, ...]) -> None:
    found = select_tags(patterns=(".*",), newest=len(newest_first)).choose(reversed(newest_first))
    assert found == newest_first


@pytest.mark.parametrize(
    ("tags", "unranked"),
    [
        (["a1b2c3d", "1.0.0", "9f8e7d6c5b"], ("a1b2c3d", "9f8e7d6c5b")),
        (["main-a1b2c3d", "sha-0a1b2c3d4e5f", "dev-abc1234"], ("main-a1b2c3d", "sha-0a1b2c3d4e5f", "dev-abc1234")),
        (["main-20241101-a1b2c3d", "main-20241102-b1b2c3d", "main-17-c1b2c3d"], ()),
        (["20241101", "1234567", "deadbeef", "cafebabe", "latest", "nightly-10"], ()),
        # Versions rank above them: enough are there.
        (["1.0.0", "1.1.0", "a1b2c3d"], ()),
        (["a1b2c3d", "b1b2c3d"], ()),
    ],
)
def test_newest_tells_which_tags_have_no_order(tags: list[str], unranked: tuple[str, ...]) -> None:
    assert select_tags(newest=2).unranked(tags) == unranked
    assert select_tags().unranked(tags) == ()
    assert select_tags(tags, patterns=("none",), newest=1).unranked(tags) == ()
