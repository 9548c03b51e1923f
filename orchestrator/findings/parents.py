"""Which indexes hold an image: a note by the image's digest, written when an index is cached.

ECR scans an index by its images, which have no tags. A workload that runs names the index, and ECR does not tell which
index an image is of. The content of an index never changes, so a note is never wrong. The index may be gone, and its
tags may have moved, so
that it is to be looked at again. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

PREFIX = "findings/parents/"
# So many indexes are noted of an image. Of one that has more it is never said that nobody uses it.
LIMIT = 50


@dataclass(frozen=True, slots=True, order=True)
class Parent:
    """An index that holds the image."""

    repository: str
    digest: str


def parents_key(digest: str) -> str:
    """Where the note of an image is. The bucket forgets it 365 days after it was last written."""
    return f"{PREFIX}{digest.replace(':', '-')}.json"


def with_parent(parents: frozenset[Parent], parent: Parent) -> frozenset[Parent]:
    """The indexes with one more."""
    return parents if parent in parents or len(parents) >= LIMIT else parents | {parent}


def dump_parents(parents: frozenset[Parent]) -> bytes:
    """The note as JSON."""
    indexes = [{"repository": parent.repository, "digest": parent.digest} for parent in sorted(parents)]
    return json.dumps({"version": 1, "indexes": indexes}).encode()


def parse_parents(content: bytes) -> frozenset[Parent]:
    """The indexes of a note; none of one that cannot be read."""
    try:
        indexes = json.loads(content)["indexes"]
        return frozenset(Parent(str(entry["repository"]), str(entry["digest"])) for entry in indexes)
    except (ValueError, TypeError, KeyError, RecursionError):
        return frozenset()
