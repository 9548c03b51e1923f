"""What was reported of an image, so that nobody reads it twice: a record by digest, changed by compare and set.

Events arrive twice, and several at once for one image. Whoever puts a finding into the record first reports it; the
others see that. What somebody began to report and did not finish (the function died in between) is taken over by Lambda's
next attempt. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PREFIX = "findings/"
# Longer than the function may run (50 seconds, modules/scan-findings): whoever began is not at it any more. Shorter than
# Lambda waits before it calls again (a minute): otherwise that call would find the finding taken, and be the last one.
TAKE_OVER_SECONDS = 55


@dataclass(frozen=True, slots=True)
class Record:
    """Identities of findings that were reported, and {identity: when (epoch)} of those that somebody began to report."""

    reported: frozenset[str] = frozenset()
    begun: Mapping[str, float] = field(default_factory=dict)

    def fresh(self, identities: Iterable[str], now: float) -> frozenset[str]:
        """Those that nobody reported and nobody is about to."""
        taken = {identity for identity, since in self.begun.items() if now - since < TAKE_OVER_SECONDS}
        return frozenset(identities) - self.reported - taken

    def begin(self, identities: frozenset[str], now: float) -> Record:
        """The record when somebody is about to report `identities`."""
        return Record(self.reported, {**self.begun, **dict.fromkeys(identities, now)})

    def finish(self, identities: frozenset[str]) -> Record:
        """The record when they are reported."""
        return Record(self.reported | identities, self.release(identities).begun)

    def release(self, identities: frozenset[str]) -> Record:
        """The record when they could not be reported: they are anybody's again."""
        return Record(self.reported, {key: since for key, since in self.begun.items() if key not in identities})


def record_key(digest: str) -> str:
    """Where the record of an image is.

    The bucket forgets it 365 days after it was last written; what a scan finds in that image then is news again.
    """
    return f"{PREFIX}{digest.replace(':', '-')}.json"


def dump_record(record: Record) -> bytes:
    """The record as JSON."""
    document = {"version": 2, "reported": sorted(record.reported), "begun": dict(sorted(record.begun.items()))}
    return json.dumps(document).encode()


def parse_record(content: bytes) -> Record:
    """The record of a JSON text; one that cannot be read is as none: a message twice is better than none."""
    try:
        values = json.loads(content)
        begun = {str(identity): float(since) for identity, since in values["begun"].items()}
        return Record(frozenset(map(str, values["reported"])), begun)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Record()
