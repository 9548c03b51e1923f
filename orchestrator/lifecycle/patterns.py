"""Patterns of repositories and tags: `*` stands for any characters, slashes included, as in ECR's own filters. Pure."""

from __future__ import annotations

from functools import lru_cache


def matches(pattern: str, text: str) -> bool:
    """Does the whole `text` fit the pattern?"""
    first, *others = _parts(pattern)
    if not others:
        return text == first
    *between, last = others
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < len(first):
        return False
    # The leftmost place of each part leaves the most for the others: no part is looked for twice.
    position = len(first)
    for part in between:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def holds(pattern: str, repository: str) -> bool:
    """Does a repository pattern hold `repository`? Without `*` it is a prefix: itself and what lies below it."""
    if "*" in pattern:
        return matches(pattern, repository)
    prefix = pattern.rstrip("/")
    return repository == prefix or repository.startswith(f"{prefix}/")


def specificity(pattern: str) -> tuple[int, bool]:
    """Orders patterns that hold the same repository: more literal characters first, then the one without `*`."""
    return len(pattern.replace("*", "").rstrip("/")), "*" not in pattern


@lru_cache(maxsize=1024)
def _parts(pattern: str) -> tuple[str, ...]:
    """What stands between the stars. Runs of `*` mean what one means."""
    first, *others = pattern.split("*")
    return (first, *(part for part in others[:-1] if part), *others[-1:])
