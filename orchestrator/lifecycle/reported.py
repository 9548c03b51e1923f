"""What was reported of an image, so that nobody reads it twice: a record by digest, changed by compare and set.

Events arrive twice, and several at once for one image. Whoever puts the record first reports; the others see it. A
record that was begun and not finished (the function died in between) is taken over after a while. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "cache/findings/"
# Longer than the function may run: whoever began the report is not at it any more.
TAKE_OVER_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Record:
    """Identities of findings that were reported, and of those that somebody began to report at `since` (epoch)."""

    reported: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()
    since: float = 0

    def fresh(self, identities: Iterable[str], now: float) -> frozenset[str]:
        """Those that nobody reported and nobody is about to."""
        taken = self.reported | (self.begun if now - self.since < TAKE_OVER_SECONDS else frozenset())
        return frozenset(identities) - taken

    def begin(self, identities: frozenset[str], now: float) -> Record:
        """The record of somebody who is about to report `identities`."""
        return Record(self.reported, identities, now)

    def finish(self) -> Record:
        """The record when what was begun is reported."""
        return Record(self.reported | self.begun)


def record_key(digest: str) -> str:
    """Where the record of an image is.

    The bucket forgets it 365 days after it was last written; what a scan finds in that image then is news again.
    """
    return f"{PREFIX}{digest.replace(':', '-')}.json"


def dump_record(record: Record) -> bytes:
    """The record as JSON."""
    return json.dumps(
        {"version": 1, "reported": sorted(record.reported), "begun": sorted(record.begun), "since": record.since}
    ).encode()


def parse_record(content: bytes) -> Record:
    """The record of a JSON text; one that cannot be read is as none: a message twice is better than none."""
    try:
        values = json.loads(content)
        return Record(
            frozenset(map(str, values["reported"])), frozenset(map(str, values["begun"])), float(values["since"])
        )
    except (ValueError, TypeError, KeyError):
        return Record()
