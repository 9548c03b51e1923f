"""Which tags of a repository are wanted: by name, regular expression, range of versions; the newest of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.expressions import Expression, NoExpression, parse_expression
from orchestrator.mirroring.loose_versions import loose_version
from orchestrator.mirroring.versions import parse_range

# cosign's, and the referrers' fallback tags: they come with the image that they belong to.
DIGEST_TAG = re.compile(r"sha256-[0-9a-f]{64}(?:\..+)?", re.ASCII)

_HASH = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


class TagRange(Protocol):
    """A range of versions, in one of the forms that people write."""

    @property
    def text(self) -> str: ...

    def holds_tag(self, tag: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class TagSelection:
    """The tags that `names` are, `patterns` match whole or one of `ranges` holds; all of them without any.

    With `both` a tag must be in a range and match a pattern, as regsync has it. `deny` takes some away again; `newest` keeps so many, by version where tags are versions and by name where not.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[Expression, ...] = ()
    ranges: tuple[TagRange, ...] = ()
    deny: tuple[Expression, ...] = ()
    newest: int | None = None
    both: bool = False

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

    def unranked(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The tags that end with a commit's hash and have no other number, where `newest` chooses among such ones.

        Their order says nothing of their age. A registry tells no tag's date without a request or two for each.
        """
        if self.newest is None:
            return ()
        others = [tag for tag in dict.fromkeys(tags) if tag not in self.names and self._wants(tag)]
        hashes = [tag for tag in others if _is_hash(tag)]
        ranked = sum(1 for tag in others if loose_version(tag) is not None)
        return tuple(hashes) if len(others) > self.newest > ranked else ()

    def missing(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The names that a repository with `tags` does not have."""
        held = set(tags)
        return tuple(name for name in self.names if name not in held)

    def _wants(self, tag: str) -> bool:
        if tag in self.names:
            return True
        if DIGEST_TAG.fullmatch(tag) or any(pattern.matches(tag) for pattern in self.deny):
            return False
        if not self.patterns and not self.ranges:
            return not self.names
        matched = any(pattern.matches(tag) for pattern in self.patterns)
        if self.both and self.patterns and not matched:
            return False
        if matched and not (self.both and self.ranges):
            return True
        return any(wanted.holds_tag(tag) for wanted in self.ranges)


def _age(tag: str) -> tuple[object, ...]:
    version = loose_version(tag)
    if version is None:
        # Digits are compared as numbers: build-9 is older than build-10.
        pieces = re.findall(r"[0-9]+|[^0-9]+", tag, re.ASCII)
        return 0, tuple((0, int(p), "") if p.isdecimal() and len(p) < 19 else (1, 0, p) for p in pieces)
    return 1, version, tag


def _is_hash(tag: str) -> bool:
    before, _, last = tag.rpartition("-")
    named = _HASH.fullmatch(last) and not last.isdecimal() and not last.isalpha()
    return bool(named) and loose_version(tag) is None and not any(map(str.isdecimal, before))


def compile_pattern(text: str) -> Expression:
    """A regular expression for whole tags. Raises RefusedInput for what is none."""
    try:
        return parse_expression(text)
    except NoExpression as error:
        raise RefusedInput(
            f"{text[:100]!a} is not taken as a regular expression.",
            why=f"As a regular expression of Go's form: {error}.",
            remedy='Write it like "v1[.].*".',
        ) from error


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
