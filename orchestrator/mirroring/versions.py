"""Versions in tags, and ranges of them: `>=1.2 <2`, `^1.4`, `~1.4.2`, `1.x`, alternatives by `||`.

A tag is a version as Semantic Versioning 2.0.0 has it, with an optional `v` and one to three numbers: `1.25` is 1.25.0.
A pre-release (`1.2.0-rc.1`) is in a range only when the range names one, as npm and Masterminds/semver have it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering

from orchestrator.errors import RefusedInput

_VERSION = re.compile(
    r"v?(?P<major>0|[1-9][0-9]{0,17})(?:\.(?P<minor>0|[1-9][0-9]{0,17}))?(?:\.(?P<patch>0|[1-9][0-9]{0,17}))?"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:[+_](?P<build>[0-9A-Za-z._-]+))?",
    re.ASCII,
)
_PART = re.compile(
    r"(?P<operator>>=|<=|!=|=|>|<|\^|~>|~|)\s*v?(?P<numbers>(?:[0-9]{1,18}|[xX*])(?:\.(?:[0-9]{1,18}|[xX*])){0,2})"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?",
    re.ASCII,
)
# Characters of a range.
LONGEST = 1000
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """`pre` are the identifiers of a pre-release, none for a release."""

    major: int
    minor: int = 0
    patch: int = 0
    pre: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[int, int, int]:
        """(major, minor, patch)."""
        return self.major, self.minor, self.patch

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + ("-" + ".".join(self.pre) if self.pre else "")

    def _key(self) -> tuple[object, ...]:
        # Numbers sort below words, and a release above its pre-releases.
        parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in self.pre)
        return (*self.numbers, not self.pre, parts)

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()


def _version(numbers: Sequence[int], pre: tuple[str, ...] = ()) -> Version:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return Version(major, minor, patch, pre)


def parse_version(tag: str) -> Version | None:
    """The version that a tag is; None for `latest`, `1.2.3.4` and dates such as `2024-05-01`."""
    # No tag is longer than 128 characters.
    match = _VERSION.fullmatch(tag) if len(tag) <= 128 else None
    if match is None:
        return None
    numbers = [int(match[name] or 0) for name in ("major", "minor", "patch")]
    pre = tuple(match["pre"].split(".")) if match["pre"] else ()
    if pre and match["minor"] is None:
        # `8-alpine` is a variant and no pre-release of 8.0.0; ranges of versions leave variants alone.
        return None
    return _version(numbers, pre)


@dataclass(frozen=True, slots=True)
class _Bound:
    operator: str
    version: Version

    def holds(self, version: Version) -> bool:
        return {
            "=": version == self.version,
            "!=": version != self.version,
            ">": version > self.version,
            ">=": version >= self.version,
            "<": version < self.version,
            "<=": version <= self.version,
        }[self.operator]


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Alternatives, each a tuple of bounds that all hold."""

    text: str
    alternatives: tuple[tuple[_Bound, ...], ...]

    def holds_tag(self, tag: str) -> bool:
        """Is the tag a version in the range?"""
        version = parse_version(tag)
        return version is not None and self.holds(version)

    def holds(self, version: Version) -> bool:
        """Is the version in the range?"""
        return any(
            all(bound.holds(version) for bound in bounds) and (not version.pre or _names_pre(bounds, version))
            for bounds in self.alternatives
        )


def _names_pre(bounds: tuple[_Bound, ...], version: Version) -> bool:
    return any(bound.version.pre and bound.version.numbers == version.numbers for bound in bounds)


def parse_range(text: str) -> VersionRange:
    """The range that `text` writes. Raises RefusedInput for what is none."""
    alternatives = [_alternative(part) for part in text.split("||")] if len(text) <= LONGEST else [None]
    if any(bounds is None for bounds in alternatives):
        raise RefusedInput(
            f"{text[:100]!a} is no range of versions.",
            why="A range is made of versions with >=, >, <, <=, =, !=, ^ or ~, and of 1.x and 1.2 - 1.4; || separates.",
            remedy='Write it like ">=1.2 <2".',
        )
    return VersionRange(text, tuple(bounds for bounds in alternatives if bounds is not None))


def _alternative(text: str) -> tuple[_Bound, ...] | None:
    between = _HYPHEN.fullmatch(text)
    if between:
        text = f">={between[1]} <={between[2]}"
    bounds: list[_Bound] = []
    rest = text.replace(",", " ").strip()
    if not rest:
        return None
    while rest:
        match = _PART.match(rest)
        if match is None:
            return None
        following = rest[match.end() :]
        if following and not following[0].isspace():
            return None
        rest = following.lstrip()
        bounds += _bounds(match["operator"], match["numbers"].split("."), match["pre"])
    return tuple(bounds)


def _bounds(operator: str, written: list[str], pre: str | None) -> list[_Bound]:
    numbers = []
    for part in written:
        if part in "xX*":
            break
        numbers.append(int(part))
    given = len(numbers)
    low = _version(numbers, tuple(pre.split(".")) if pre else ())
    if not given:
        return [] if operator in ("", "=", ">=", "<=", "^", "~", "~>") else [_Bound("<", Version(0))]
    if operator == "^":
        # The first number that is not zero stays.
        first = next((index for index, number in enumerate(numbers) if number), given - 1)
        return [_Bound(">=", low), _Bound("<", _next(numbers, first))]
    if operator in ("~", "~>"):
        return [_Bound(">=", low), _Bound("<", _next(numbers, min(1, given - 1)))]
    if given == 3:
        return [_Bound(operator or "=", low)]
    above = _next(numbers, given - 1)
    return {
        "": [_Bound(">=", low), _Bound("<", above)],
        "=": [_Bound(">=", low), _Bound("<", above)],
        "!=": [_Bound("!=", low)],
        ">": [_Bound(">=", above)],
        "<=": [_Bound("<", above)],
        ">=": [_Bound(">=", low)],
        "<": [_Bound("<", low)],
    }[operator]


def _next(numbers: list[int], index: int) -> Version:
    """The first version above all that share the numbers up to `index`."""
    raised = [*numbers[:index], numbers[index] + 1]
    return _version(raised)
