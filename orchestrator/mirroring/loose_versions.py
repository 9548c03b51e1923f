"""Versions in tags as people write them: any number of numbers, zeros before them, variants behind a dash.

They order tags, and they are what `semverRange` of regsync compares.
Source: regclient `internal/semver/semver.go`. Words and numbers of a pre-release are compared piece by piece, and a
range takes pre-releases like every other version.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt

from orchestrator.errors import RefusedInput

# (numbers without zeros at their end, is it a release, the pieces of its pre-release): compared as it stands.
LooseVersion = tuple[tuple[int, ...], bool, tuple[tuple[tuple[str, int], ...], ...]]

_VERSION = re.compile(r"v?(?P<numbers>[0-9]{1,18}(?:\.[0-9]{1,18})*)(?:-(?P<pre>[^+]*))?(?:\+.*)?", re.ASCII)
_PIECE = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_OPERATORS: dict[str, Callable[[LooseVersion, LooseVersion], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt, "=": eq}
_LONGEST_TAG = 128


def loose_version(tag: str) -> LooseVersion | None:
    """The version that a tag is: `1.2.3.4`, `2024.05.01`, `v8-alpine`; None for what does not begin with numbers."""
    match = _VERSION.fullmatch(tag) if len(tag) <= _LONGEST_TAG else None
    if match is None:
        return None
    pre = match["pre"] or ""
    pieces = tuple(_pieces(identifier) for identifier in pre.split(".")) if pre else ()
    return _trimmed(tuple(map(int, match["numbers"].split(".")))), not pre, pieces


def _pieces(identifier: str) -> tuple[tuple[str, int], ...]:
    """`rc10` -> (("rc", 10),): words before numbers; -1 where no number follows."""
    return tuple((word, int(number) if number else -1) for word, number in _PIECE.findall(identifier) if word or number)


def _trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


@dataclass(frozen=True, slots=True)
class LooseRange:
    """Bounds that all hold: (operator, version)."""

    text: str
    bounds: tuple[tuple[str, LooseVersion], ...]

    def holds_tag(self, tag: str) -> bool:
        """Is the tag a version in the range?"""
        version = loose_version(tag)
        return version is not None and all(_OPERATORS[operator](version, bound) for operator, bound in self.bounds)


def parse_loose_range(text: str) -> LooseRange:
    """The range that `text` writes, in regsync's form. Raises RefusedInput for what is none."""
    bounds: list[tuple[str, LooseVersion]] = []
    for part in text.split() if len(text) <= 1000 else [""]:
        match = re.fullmatch(r"(\^|~|>=|<=|>|<|=|)(.*)", part, re.DOTALL)
        version = loose_version(match[2]) if match else None
        if match is None or version is None:
            bounds = []
            break
        bounds += _bounds(match[1], version)
    if not bounds:
        raise RefusedInput(
            f"{text[:100]!a} is no range of versions as regsync has them.",
            why="It is made of versions with >=, >, <, <=, =, ^ or ~, and all of them hold.",
            remedy='Write it like ">=1.2 <2"; a list of ranges says "one of them".',
        )
    return LooseRange(text, tuple(bounds))


def _bounds(operator: str, version: LooseVersion) -> list[tuple[str, LooseVersion]]:
    if operator not in ("^", "~"):
        return [(operator or "=", version)]
    major, minor, patch = (*version[0], 0, 0, 0)[:3]
    if operator == "~":
        above: tuple[int, ...] = (major, minor + 1)
    else:
        above = (major + 1,) if major else (0, minor + 1) if minor else (0, 0, patch + 1)
    return [(">=", version), ("<", (above, True, ()))]
