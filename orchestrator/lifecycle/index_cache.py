"""What is remembered between runs: indexes' children by digest, repositories' policies, and which repositories and
images are the cache's own.

One object a shard of repositories, so that a run reads one for some two hundred repositories. A digest always has the
same children, so an entry cannot be out of date. One that nothing refers to any more is dropped. An object that cannot
be read counts as absent: it only costs calls. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

VERSION = 1
# A policy is looked at again after so long, at another time for each repository.
POLICY_DAYS = 30


class IndexCache:
    """The entries of one shard."""

    def __init__(self, content: bytes | None = None) -> None:
        self.children: dict[str, tuple[str, ...]] = {}
        self.policies: dict[str, tuple[str, str]] = {}
        self.cached: set[str] = set()
        self.brought: set[str] = set()
        self._seen: set[str] = set()
        self.dirty = False
        if content:
            self._read(content)

    def _read(self, content: bytes) -> None:
        try:
            document = json.loads(content)
            if document["version"] != VERSION:
                return
            children = {str(key): tuple(map(str, value)) for key, value in document["children"].items()}
            policies = {str(key): (str(value[0]), str(value[1])) for key, value in document["policies"].items()}
            cached = set(map(str, document.get("cached", ())))
            brought = set(map(str, document.get("brought", ())))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            return
        self.children, self.policies, self.cached, self.brought = children, policies, cached, brought

    def learn(self, children: Mapping[str, Sequence[str]]) -> None:
        """Remember the children of indexes."""
        for digest, below in children.items():
            if digest not in self.children:
                self.children[digest] = tuple(below)
                self.dirty = True
            self._seen.add(digest)

    def forget_unseen(self) -> None:
        """Drop what no repository of the shard has any more: indexes when they are many, images that were asked for."""
        gone = self.children.keys() - self._seen
        if len(gone) * 4 > len(self.children):
            for digest in gone:
                del self.children[digest]
            self.dirty = True
        if self.brought - self._seen:
            self.brought &= self._seen
            self.dirty = True

    def policy_is_known(self, repository: str, fingerprint: str, now: datetime) -> bool:
        """Was the repository's policy looked at not long ago, and was it settled for this `fingerprint`?"""
        held, checked = self.policies.get(repository, ("", ""))
        if held != fingerprint:
            return False
        # Spread over the days, so that not all are looked at again in one run.
        spread = int(sha256(repository.encode()).hexdigest()[:4], 16) % POLICY_DAYS
        try:
            return now - datetime.fromisoformat(checked) < timedelta(days=POLICY_DAYS + spread)
        except (ValueError, TypeError):
            return False

    def settle_policy(self, repository: str, fingerprint: str, now: datetime) -> None:
        """Remember that the repository's policy was looked at and is as it should be."""
        self.policies[repository] = (fingerprint, now.isoformat())
        self.dirty = True

    def learn_cached(self, repository: str) -> None:
        """Remember that a rule can bring the repository back."""
        if repository not in self.cached:
            self.cached.add(repository)
            self.dirty = True

    def is_brought(self, image: str) -> bool:
        """Is `<repository>@<digest>` known to be the cache's?"""
        self._seen.add(image)
        return image in self.brought

    def learn_brought(self, image: str) -> None:
        """Remember that a rule brought `<repository>@<digest>`, or can bring it back."""
        self.brought.add(image)
        self.dirty = True

    def dump(self) -> bytes:
        """The shard as it is stored."""
        document = {
            "version": VERSION,
            "children": self.children,
            "policies": self.policies,
            "cached": sorted(self.cached),
            "brought": sorted(self.brought),
        }
        return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def cache_key(shard: str) -> str:
    """Where a shard is stored."""
    return f"cache/{shard}.json"
