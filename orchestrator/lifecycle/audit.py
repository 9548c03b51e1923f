"""Audit records: what was expired, why, and how to get it back. JSON lines, one object a chunk of a repository. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime

VERSION = 1
PREFIX = "audit/"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One image, before (`stage` planned) or after (done) its expiry.

    `outcome` is "" while planned, then deleted, archived, refused, kept, absent or gone. Kept: it was pulled or tagged at the last
    moment. Absent: it was not there at the last look. Gone: it was there then, and not at the call. `size` in bytes, 0 for an index: its images have their own lines.
    `upstream` is the reference that pulls it from its source again, `root` the digest of its unit.
    """

    stage: str
    outcome: str
    action: str
    run: str
    environment: str
    at: str
    repository: str
    digest: str
    tags: tuple[str, ...]
    media_type: str
    size: int
    pushed_at: str
    pulled_at: str | None
    reason: str
    root: str
    upstream: str
    detail: str = ""
    version: int = VERSION


class InvalidAuditError(ValueError):
    """The text holds no audit records of this version."""


def rfc3339(moment: datetime) -> str:
    """`2026-07-01T02:00:00Z`, in UTC to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def dump_records(records: Iterable[AuditRecord]) -> bytes:
    """The records as JSON lines."""
    return "".join(json.dumps(asdict(record), sort_keys=True) + "\n" for record in records).encode()


def parse_records(text: str | bytes) -> list[AuditRecord]:
    """The records of JSON lines. Raises InvalidAuditError with the line at fault."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return [_record(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def without_cut_line(text: bytes) -> tuple[bytes, bool]:
    """(the text without a last line that was cut short, whether there was one). Whole lines end with a newline.

    A single line is taken as it is: what has no whole line may be anything.
    """
    whole, newline, last = text.rpartition(b"\n")
    if not whole.strip():
        return text, False
    try:
        json.loads(last.strip() or b"{}")
    except (ValueError, RecursionError):
        return whole + newline, True
    return text, False


def _record(line: str, number: int) -> AuditRecord:
    try:
        members = json.loads(line)
        if members.get("version") != VERSION:
            raise InvalidAuditError(f"line {number}: version is {members.get('version')!r}, not {VERSION}")
        _check(members, number)
        return AuditRecord(**{**members, "tags": tuple(members["tags"])})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, InvalidAuditError):
            raise
        raise InvalidAuditError(f"line {number} is no audit record: {error}") from error


def _check(members: Mapping[str, object], number: int) -> None:
    """Raises InvalidAuditError for a member that is not as dump_records writes it."""
    for name in (field.name for field in fields(AuditRecord) if field.name in members):
        value = members[name]
        if name == "tags":
            good = isinstance(value, list) and all(isinstance(tag, str) for tag in value)
        elif name == "digest":
            good = isinstance(value, str) and _DIGEST.fullmatch(value) is not None
        elif name in ("size", "version"):
            good = isinstance(value, int)
        else:
            good = isinstance(value, str) or (name == "pulled_at" and value is None)
        if not good:
            raise InvalidAuditError(f"line {number}: {name} is {json.dumps(value)}")


def audit_prefix(run: str) -> str:
    """Where a run's records are, by the day of its name: `audit/2026/07/01/20260701-abc/`."""
    return f"{PREFIX}{run[:4]}/{run[4:6]}/{run[6:8]}/{run}/"


def audit_key(run: str, repository: str, stage: str, content: bytes) -> str:
    """Where records go; the same content has the same key, other content never the key of this."""
    name = hashlib.sha256(repository.encode() + b"\0" + content).hexdigest()[:24]
    return f"{audit_prefix(run)}{stage}-{name}.jsonl"


def restorable(records: Sequence[AuditRecord]) -> list[AuditRecord]:
    """What was deleted or archived, each image of a repository once, its last record, in the order of their times.

    Of some it is not known. A record that is only planned (`outcome` "") is of a run that died before it could say what
    it did. An image that is "gone" may have been deleted by a call whose answer was lost. They come with the outcome
    "".
    """
    last: dict[tuple[str, str], AuditRecord] = {}
    before: dict[tuple[str, str], AuditRecord | None] = {}
    for record in sorted(records, key=lambda record: (record.at, record.stage == "done")):
        key = (record.repository, record.digest)
        if record.stage == "planned":
            before[key] = last.get(key)
        if record.outcome == "absent":
            # That attempt did nothing; an earlier one that died may have.
            earlier = before.get(key)
            last.pop(key, None)
            if earlier:
                last[key] = earlier
            continue
        if record.outcome == "gone":
            # Two runs at once: what the one deleted is gone for the other.
            if key in last and last[key].outcome in ("deleted", "archived"):
                continue
            record = replace(record, outcome="")
        last[key] = record
    return [record for record in last.values() if record.outcome in ("", "deleted", "archived")]
