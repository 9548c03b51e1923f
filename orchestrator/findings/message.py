"""The message about an image's findings: an SNS subject, text for people, and the same as data. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.counts import counted
from orchestrator.findings.event import Finding, Scanned
from orchestrator.findings.record import NEW

# SNS: a subject has at most 100 characters, a message 262,144 bytes with its attributes.
SUBJECT_LIMIT = 100
MESSAGE_BYTES = 250_000
LISTED = 100


@dataclass(frozen=True, slots=True)
class Message:
    """One SNS message: a subject of ASCII, text for people, and the same as data."""

    subject: str
    text: str
    document: Mapping[str, object]

    def structure(self) -> str:
        """The message of each protocol, for `MessageStructure = "json"`: mail gets the text, everything else the data."""
        return json.dumps({"default": json.dumps(self.document), "email": self.text})


@dataclass(frozen=True, slots=True)
class ImageUser:
    """Who runs an image. `user` is "" when nobody does, and None when nobody knows, with the reason in `unknown`.

    `indexes` are those that hold the image, such as `docker-hub/library/nginx:1.27`: it is pulled by their names.
    """

    user: str | None
    indexes: tuple[str, ...] = ()
    unknown: str = ""


def message(
    image: Scanned,
    findings: Sequence[Finding],
    why: Mapping[str, str],
    *,
    least: str,
    registry: str,
    environment: str,
    upstream: str | None,
    usage: ImageUser,
) -> Message:
    """The report of one image, with as many of its findings as SNS takes.

    `why` says of each finding, by its identity, what is new about it. `least` is the severity from which findings are
    reported, `registry` a host. `upstream` is where the image came from: "" for an own image, None when that is not
    known.
    """
    reference = f"{registry}/{image.repository}@{image.digest}"
    worst = findings[0].severity
    number = counted(len(findings), "finding")
    in_use = {None: "not known whether in use", "": "not in use"}.get(usage.user, "IN USE")
    lines = [
        f"{number} at or above {least}, the worst {worst}, in {reference}",
        f"tags: {', '.join(image.tags[:LISTED]) or 'none'}",
        *([f"part of: {', '.join(usage.indexes[:LISTED])}"] if usage.indexes else []),
        f"upstream: {upstream or ('not known' if upstream is None else 'none: an own image')}",
        f"in use: {usage.user or (f'not known: {usage.unknown}' if usage.user is None else 'by no cluster')}",
        "",
    ]
    document = {
        "version": 1,
        "environment": environment,
        "image": reference,
        "repository": image.repository,
        "digest": image.digest,
        "tags": list(image.tags[:LISTED]),
        "indexes": list(usage.indexes[:LISTED]),
        "upstream": upstream or None,
        "in_use": None if usage.user is None else bool(usage.user),
        "used_by": usage.user or None,
        "severity": worst,
        "count": len(findings),
    }
    subject = _subject(f"{worst}: {number} in {_name(image, usage)} ({in_use})")
    told = [(finding, why.get(finding.identity, NEW)) for finding in findings[:LISTED]]
    while True:
        more = [f"and {len(findings) - len(told)} more"] if len(findings) > len(told) else []
        text = "\n".join([*lines, *(_line(*each) for each in told), *more]) + "\n"
        made = Message(subject, text, document | {"findings": [_row(*each) for each in told]})
        if not told or len(made.structure().encode()) <= MESSAGE_BYTES:
            return made
        told = told[: len(told) * 3 // 4]


def _row(finding: Finding, why: str) -> dict[str, str | None]:
    return {
        "name": finding.name,
        "severity": finding.severity,
        "package": finding.package or None,
        "installed": finding.installed or None,
        "fixed": finding.fixed or None,
        "fix": "not told" if finding.fixed is None else "available" if finding.fixed else "none",
        "uri": finding.uri or None,
        "why": why,
    }


def _name(image: Scanned, usage: ImageUser) -> str:
    """What people call it: by its tag, by that of an index that holds it, else by its digest."""
    if image.tags:
        return f"{image.repository}:{image.tags[0]}"
    tagged = [name for name in usage.indexes if name.startswith(f"{image.repository}:")]
    return tagged[0] if tagged else f"{image.repository}@{image.digest[:19]}"


def _line(finding: Finding, why: str) -> str:
    package = f"{finding.package} {finding.installed}".strip()
    no_fix = "fix not told by basic scanning" if finding.fixed is None else "no fix known"
    fix = f"fixed in {finding.fixed}" if finding.fixed else no_fix
    news = "" if why == NEW else f"({why})"
    return "  ".join(filter(None, (f"{finding.severity:<8}", finding.name, package or "-", fix, finding.uri, news)))


def _subject(text: str) -> str:
    """At most 100 characters of printable ASCII, as SNS takes them."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return plain if len(plain) <= SUBJECT_LIMIT else f"{plain[: SUBJECT_LIMIT - 3]}..."
