"""Versions as people write them in tags, and ranges of them as regsync has them."""

from __future__ import annotations

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.loose_versions import loose_version, parse_loose_range


@pytest.mark.parametrize(
    "tag", ["latest", "", "v", "-1", "1..2", "1.", ".1", "1.x", "１.2", "1_2", "1" * 129, "9" * 19]
)
def test_what_does_not_begin_with_numbers_is_none(tag: str) -> None:
    assert loose_version(tag) is None


def test_numbers_words_and_variants_are_ordered() -> None:
    tags = [
        "0.9",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta2",
        "1.0.0-beta11",
        "1.0.0-rc.1",
        "1",
        "1.0.0.1",
        "v1.02",
        "1.10",
    ]
    versions = [version for tag in tags if (version := loose_version(tag))]
    assert len(versions) == len(tags)
    assert sorted(versions, reverse=True) == versions[::-1]
    assert loose_version("v1.2.0+build") == loose_version("1.2")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        # Pre-releases and variants are versions like others.
        (">=1.20", ["1.20.1-alpine", "1.21-rc1", "1.20.0.1", "3"], ["1.20-rc1", "1.19"]),
        (">=1.0 <2.0", ["1.9.9", "2.0-rc.1"], ["2.0.0"]),
        ("^1.2.3", ["1.2.3", "1.9"], ["2", "1.2.2"]),
        ("^0.2.3", ["0.2.9"], ["0.3"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("~1.2.3", ["1.2.9"], ["1.3"]),
        ("~1", ["1.0.7"], ["1.1"]),
        ("1.2", ["1.2.0", "v1.2"], ["1.2.1"]),
        ("=1.2", ["1.2.0"], ["1.2.0-rc1"]),
        ("<=1.2", ["1.2"], ["1.2.1", "latest"]),
        (">1.2", ["1.2.1"], ["1.2"]),
    ],
)
def test_a_range_is_regsyncs(text: str, inside: list[str], outside: list[str]) -> None:
    wanted = parse_loose_range(text)
    assert {tag: wanted.holds_tag(tag) for tag in [*inside, *outside]} == {
        tag: tag in inside for tag in [*inside, *outside]
    }


@pytest.mark.parametrize("text", ["", " ", ">= 1", "1.x", "*", "1 || 2", "!=1", "~>1", "abc", ">=1," + " 1" * 600])
def test_what_regsync_refuses_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput, match="as regsync has them"):
        parse_loose_range(text)
