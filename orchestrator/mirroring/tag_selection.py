"""Which tags of a repository are wanted: by name, regular expression, range of versions; the newest of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.versions import VersionRange, parse_range, parse_version

# cosign's, and the referrers' fallback tags: they come with the image that they belong to.
DIGEST_TAG = re.compile(r"sha256-[0-9a-f]{64}(?:\..+)?", re.ASCII)
_NESTED = re.compile(r"\([^()]*[+*{][^()]*\)[+*{]")


@dataclass(frozen=True, slots=True)
class TagSelection:
    """The tags that `names` are, `patterns` match whole or one of `ranges` holds; all of them without any.

    `deny` takes some away again; `newest` keeps so many, by version where tags are versions and by name where not.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    ranges: tuple[VersionRange, ...] = ()
    deny: tuple[re.Pattern[str], ...] = ()
    newest: int | None = None

    @property
    def needs_list(self) -> bool:
        """Must the tags of the repository be known? Names alone are asked for as they are."""
        return bool(self.patterns or self.ranges or self.newest is not None or not self.names)

    def choose(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The wanted ones of `tags`, newest first; names that are not among them are left out (see `missing`)."""
        found = [tag for tag in dict.fromkeys(tags) if self._wants(tag)]
        found.sort(key=_age, reverse=True)
        named = [tag for tag in found if tag in self.names]
        others = [tag for tag in found if tag not in self.names]
        return (*named, *(others if self.newest is None else others[: self.newest]))

    def missing(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The names that a repository with `tags` does not have."""
        held = set(tags)
        return tuple(name for name in self.names if name not in held)

    def _wants(self, tag: str) -> bool:
        if tag in self.names:
            return True
        if DIGEST_TAG.fullmatch(tag) or any(pattern.fullmatch(tag) for pattern in self.deny):
            return False
        if not self.patterns and not self.ranges:
            return not self.names
        if any(pattern.fullmatch(tag) for pattern in self.patterns):
            return True
        version = parse_version(tag) if self.ranges else None
        return version is not None and any(wanted.holds(version) for wanted in self.ranges)


def _age(tag: str) -> tuple[object, ...]:
    version = parse_version(tag)
    if version is None:
        # Digits are compared as numbers: build-9 is older than build-10.
        pieces = re.findall(r"[0-9]+|[^0-9]+", tag)
        return 0, tuple((0, int(p), "") if p.isdecimal() and len(p) < 19 else (1, 0, p) for p in pieces)
    return 1, version, tag


def compile_pattern(text: str) -> re.Pattern[str]:
    """A regular expression for whole tags. Raises RefusedInput for what is none, or could take for ever."""
    if "[:" in text:
        raise RefusedInput(
            f"The regular expression {text[:100]!a} has a class of the form [:digit:].",
            why="It would be read as a set of those letters.",
            remedy='Write the characters: "[0-9]", "[a-z]".',
        )
    try:
        found = re.compile(text, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise RefusedInput(
            f"{text[:100]!a} is no regular expression: {error}.", remedy='Write it like "v1[.].*".'
        ) from error
    if len(text) > 500 or _NESTED.search(text):
        raise RefusedInput(
            f"The regular expression {text[:100]!a} could take for ever.",
            why="It repeats what repeats already, or is longer than 500 characters.",
            remedy="Write it without a repetition inside a repetition.",
        )
    return found


def select_tags(
    names: Sequence[str] = (),
    patterns: Sequence[str] = (),
    ranges: Sequence[str] = (),
    deny: Sequence[str] = (),
    newest: int | None = None,
) -> TagSelection:
    """The selection that texts write. Raises RefusedInput."""
    return TagSelection(
        tuple(dict.fromkeys(names)),
        tuple(map(compile_pattern, patterns)),
        tuple(map(parse_range, ranges)),
        tuple(map(compile_pattern, deny)),
        newest,
    )
