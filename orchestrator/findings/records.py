"""What is remembered in storage: what was told of each image, and which indexes hold it.

Several invocations change one object at once: each writes its change of the version that it read, or reads again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.findings.parents import Parent, dump_parents, parents_key, parse_parents
from orchestrator.findings.ports import Runtime, VersionedStorage
from orchestrator.findings.record import Record, dump_record, parse_record, record_key
from orchestrator.lifecycle.ports import PortError

T = TypeVar("T")
# Somebody else's change in between: read again, so often at most, with pauses that spread those who meet (seconds). In
# all about ten, of the fifty that the function has.
ATTEMPTS = 16
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.5


@dataclass(frozen=True, slots=True)
class Records:
    """The records of all images. Every method may raise PortError."""

    storage: VersionedStorage
    runtime: Runtime

    def record(self, digest: str) -> Record:
        """What was told of the image."""
        return _record(self.storage.get(record_key(digest)))

    def change_record(self, digest: str, change: Callable[[Record], Record]) -> None:
        """Keep what `change` makes of the image's record; it may be called several times."""
        self._change(record_key(digest), _record, change, dump_record)

    def parents(self, digest: str) -> frozenset[Parent]:
        """The indexes that are known to hold the image."""
        return _parents(self.storage.get(parents_key(digest)))

    def change_parents(self, digest: str, change: Callable[[frozenset[Parent]], frozenset[Parent]]) -> None:
        """Keep what `change` makes of the image's indexes; it may be called several times."""
        self._change(parents_key(digest), _parents, change, dump_parents)

    def _change(
        self,
        key: str,
        parse: Callable[[bytes | None], T],
        change: Callable[[T], T],
        dump: Callable[[T], bytes],
    ) -> None:
        """Put what `change` makes of the object, which is read again when somebody else wrote in between."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.runtime.pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))
            content, version = self.storage.read(key)
            known = parse(content)
            changed = change(known)
            if changed == known or self.storage.replace(key, dump(changed), version):
                return
        raise PortError("Conflict", f"{key} changed {ATTEMPTS} times while it was to be written")


def _record(content: bytes | None) -> Record:
    return Record() if content is None else parse_record(content)


def _parents(content: bytes | None) -> frozenset[Parent]:
    return frozenset() if content is None else parse_parents(content)
