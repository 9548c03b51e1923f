"""Reports of an image, so that nobody reads one twice: a record by digest, changed by compare and set.

Of each finding the record says what was told. News are a higher severity, a new fix, an image now in use, and a closed
finding that is back. Everything else is not, whenever and however often its event arrives.
The told findings only grow, so that the order of events does not matter. Only of closing and coming back the times
decide.

Events arrive twice, and several at once for one image. The invocation that puts a finding into the record first reports
it; the others see that. Lambda's next attempt takes over a report that an invocation began and did not
finish. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from orchestrator.findings.event import Finding, rank

PREFIX = "findings/"
VERSION = 1
NEW = "new"
# Longer than the function may run (50 seconds, modules/scan-findings): whoever began is not at it any more. Lambda calls
# again after a minute, so this is shorter. Otherwise that last call would find the finding taken.
TAKE_OVER_SECONDS = 55


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a finding. `at` and `closed` are times of Amazon Inspector (epoch)."""

    severity: str
    fixed: bool = False
    in_use: bool = False
    at: float = 0.0
    closed: float | None = None

    def news(self, finding: Finding, *, in_use: bool) -> str:
        """What is new about the finding; empty when it was told already."""
        if self.closed is not None:
            return "it was closed and is back" if finding.at > self.closed else ""
        if rank(finding.severity) > rank(self.severity):
            return f"its severity was {self.severity}"
        if finding.fixed and not self.fixed:
            return "a fix has appeared"
        return "it is in use now" if in_use and not self.in_use else ""

    def joined(self, other: Told) -> Told:
        """What was told when both were."""
        at = max(self.at, other.at)
        return Told(
            max(self.severity, other.severity, key=rank),
            self.fixed or other.fixed,
            self.in_use or other.in_use,
            at,
            max(
                (closed for closed in (self.closed, other.closed) if closed is not None and closed >= at), default=None
            ),
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """What somebody began to tell at `since` (epoch)."""

    since: float
    told: Told


@dataclass(frozen=True, slots=True)
class Record:
    """What was told of each finding, and what somebody is about to tell, by the finding's identity."""

    told: Mapping[str, Told] = field(default_factory=dict)
    begun: Mapping[str, Begun] = field(default_factory=dict)

    def _known(self, identity: str, now: float) -> Told | None:
        """What was told or is about to be."""
        begun = self.begun.get(identity)
        return begun.told if begun and now - begun.since < TAKE_OVER_SECONDS else self.told.get(identity)

    def news(self, findings: Iterable[Finding], *, in_use: bool, now: float) -> dict[str, str]:
        """{identity: what is new about it} of the findings of which nobody told that, and nobody is about to."""
        why = {}
        for finding in findings:
            known = self._known(finding.identity, now)
            news = known.news(finding, in_use=in_use) if known else NEW
            if news:
                why[finding.identity] = news
        return why

    def begin(self, findings: Iterable[Finding], *, in_use: bool, now: float) -> dict[str, Begun]:
        """What somebody tells who tells these findings now; see `with_begun`."""
        begun = {}
        for finding in findings:
            telling = Told(finding.severity, bool(finding.fixed), in_use, finding.at)
            known = self._known(finding.identity, now)
            # Reports from before it was closed do not count any more.
            told = telling if known is None or known.closed is not None else known.joined(telling)
            begun[finding.identity] = Begun(now, told)
        return begun

    def with_begun(self, begun: Mapping[str, Begun]) -> Record:
        """The record when somebody is about to tell it."""
        return replace(self, begun={**self.begun, **begun})

    def finish(self, begun: Mapping[str, Begun]) -> Record:
        """The record when it is told."""
        told = dict(self.told)
        for identity, each in begun.items():
            known = told.get(identity)
            back = known is not None and known.closed is not None and each.told.at > known.closed
            told[identity] = each.told if known is None or back else known.joined(each.told)
        return replace(self.release(begun), told=told)

    def release(self, begun: Mapping[str, Begun]) -> Record:
        """The record when it could not be told: it is anybody's again, but for what somebody else began since."""
        left = {identity: each for identity, each in self.begun.items() if begun.get(identity) != each}
        return replace(self, begun=left)

    def close(self, identities: Iterable[str], at: float) -> Record:
        """The record when Inspector closed these findings at `at`; what it said later counts."""
        told = dict(self.told)
        for identity in identities:
            known = told.get(identity)
            if known and at >= known.at and (known.closed is None or at > known.closed):
                told[identity] = replace(known, closed=at)
        return replace(self, told=told)


def record_key(digest: str) -> str:
    """Where the record of an image is.

    The bucket forgets it 365 days after it was last written. Findings in that image are news again then.
    """
    return f"{PREFIX}{digest.replace(':', '-')}.json"


def dump_record(record: Record) -> bytes:
    """The record as JSON."""
    document = {
        "version": VERSION,
        "told": {identity: asdict(told) for identity, told in sorted(record.told.items())},
        "begun": {
            identity: {"since": begun.since, **asdict(begun.told)} for identity, begun in sorted(record.begun.items())
        },
    }
    return json.dumps(document).encode()


def parse_record(content: bytes) -> Record:
    """The record of a JSON text; one that cannot be read is as none: twice is better than never."""
    try:
        values = json.loads(content)
        return Record(
            {str(identity): _told(entry) for identity, entry in values["told"].items()},
            {str(identity): Begun(float(entry["since"]), _told(entry)) for identity, entry in values["begun"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Record()


def _told(entry: Mapping[str, Any]) -> Told:
    closed = entry["closed"]
    return Told(
        str(entry["severity"]),
        bool(entry["fixed"]),
        bool(entry["in_use"]),
        float(entry["at"]),
        None if closed is None else float(closed),
    )
