"""Patterns of repositories and tags: `*` stands for any characters, slashes included, as in ECR's own filters. Pure."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(pattern: str, text: str) -> bool:
    """Does the whole `text` fit the pattern?"""
    return _compiled(pattern).fullmatch(text) is not None


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
def _compiled(pattern: str) -> re.Pattern[str]:
    # Runs of `*` mean what one means; as they stand they would make matching slow.
    parts = re.split(r"\*+", pattern)
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
