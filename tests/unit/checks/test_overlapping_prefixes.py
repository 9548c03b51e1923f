"""Prefixes that lie one below the other: found without comparing each with each."""

from __future__ import annotations

from itertools import product

from orchestrator.checks.routing import _overlapping


def test_the_same_pairs_are_found_as_by_comparing_each_with_each() -> None:
    names = ["a", "b", "ab", *("/".join(parts) for parts in product("ab", repeat=2)), "a/b/c/d", "a/b/c", "b", "a"]
    ordered = [("mirrors", name) for name in names]
    each = [
        (ordered[index], other)
        for index in range(len(ordered))
        for other in ordered[:index]
        if f"{ordered[index][1]}/".startswith(f"{other[1]}/") or f"{other[1]}/".startswith(f"{ordered[index][1]}/")
    ]
    assert list(_overlapping(ordered)) == each
    assert len(each) > 10


def test_a_prefix_that_is_too_long_to_be_one_takes_no_time() -> None:
    assert list(_overlapping([("mirrors", "a/" * 100_000), ("mirrors", "a/" * 100_000)])) == []
