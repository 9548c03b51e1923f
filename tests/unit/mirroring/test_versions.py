"""Versions in tags and ranges of them, against what Semantic Versioning and npm's and Masterminds' ranges say."""

from __future__ import annotations

import time

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.versions import parse_range, parse_version


@pytest.mark.parametrize(
    "tag",
    [
        "latest",
        "1.2.3.4",
        "2024-05-01",
        "v",
        "1.02",
        "8-alpine",
        "",
        "1..2",
        "1.2.3-",
        "sha256-abc",
        "1.2.3-rc..1",
        "１.2",
    ],
)
def test_what_is_no_version_is_none(tag: str) -> None:
    assert parse_version(tag) is None


def test_versions_are_ordered_as_the_specification_orders_them() -> None:
    tags = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]
    tags += ["1.0.0-rc.1", "1.0.0", "1.0.1", "v1.2", "1.10.0", "2"]
    versions = [version for tag in tags if (version := parse_version(tag))]
    assert len(versions) == len(tags)
    assert sorted(versions, reverse=True) == versions[::-1]
    assert parse_version("v1.2.3+build.5") == parse_version("1.2.3") == parse_version("1.2.3_build")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.2 <2", ["1.2", "1.2.0", "1.99.9"], ["1.1.9", "2.0.0", "2.0.0-rc.1", "1.3.0-rc.1"]),
        (">=1.2, <2", ["1.5.0"], ["2.1.0"]),
        ("^1.4.2", ["1.4.2", "1.9.0"], ["1.4.1", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "1.0.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^1", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.0"]),
        ("~1.4.2", ["1.4.2", "1.4.9"], ["1.5.0"]),
        ("~1.4", ["1.4.0", "1.4.9"], ["1.5.0", "1.3.9"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        ("1.x", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.9"]),
        ("1.2.*", ["1.2.0", "1.2.7"], ["1.3.0"]),
        ("*", ["0.0.1", "9.9.9"], ["1.0.0-rc.1"]),
        ("1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("=1.2.3", ["1.2.3"], ["1.2.4"]),
        ("!=1.2.3", ["1.2.4"], ["1.2.3"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("1.2 - 1.4", ["1.2.0", "1.4.9"], ["1.5.0"]),
        ("1.2.3 - 2.3.4", ["2.3.4"], ["2.3.5"]),
        ("^1 || ^3", ["1.2.0", "3.0.0"], ["2.0.0"]),
        (">=1.2.0-rc.1 <1.3", ["1.2.0-rc.1", "1.2.0-rc.2", "1.2.0"], ["1.2.0-beta", "1.3.0-rc.1", "1.2.1-rc.1"]),
        ("v1.2.3", ["1.2.3", "v1.2.3"], ["1.2.4"]),
    ],
)
def test_a_range_holds_what_others_say_that_it_holds(text: str, inside: list[str], outside: list[str]) -> None:
    wanted = parse_range(text)
    for tag in [*inside, *outside]:
        version = parse_version(tag)
        assert version is not None, tag
        assert wanted.holds(version) == (tag in inside), tag


@pytest.mark.parametrize(
    "text", ["", "abc", "1.2 ||", "|| 1", ">=", "1.2.3.4", ">=1 <=", "1.2rc", "=>1", "~~1", "1 2 x y"]
)
def test_what_is_no_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        parse_range(text)
    assert ">=1.2 <2" in str(caught.value)


@pytest.mark.speed
def test_a_hostile_text_takes_no_time() -> None:
    started = time.process_time()
    for text in ("1." * 500_000, "9" * 500_000, "1.0.0-" + "a." * 500_000, ">=" * 500_000):
        assert parse_version(text) is None
        with pytest.raises(RefusedInput):
            parse_range(text)
    assert time.process_time() - started < 2
