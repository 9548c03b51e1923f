"""What image scans find: events and findings of ECR and Inspector -> what to do, and the message for people. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# From the least to the most; UNDEFINED and UNTRIAGED are no severities yet.
SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")
# SNS: a subject has at most 100 characters, a message 256 KB.
SUBJECT_LIMIT = 100
LISTED = 100
ARN_PARTS = 6
_FIXED = ("fixed_in_version", "fixed_version", "fixedInVersion")


@dataclass(frozen=True, slots=True)
class ScanWanted:
    """A newly cached image, which basic scanning does not scan by itself."""

    repository: str
    digest: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Scanned:
    """An image whose findings are to be looked at; `findings` are those that the event itself holds.

    `counts` are {severity: number} where the event says them: see `counts_matter`.
    """

    repository: str
    digest: str
    tags: tuple[str, ...] = ()
    counts: Mapping[str, int] | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that asks for nothing, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability in one package. `fixed` is the version that fixes it, empty when the scan does not say."""

    name: str
    severity: str
    package: str = ""
    installed: str = ""
    fixed: str = ""
    uri: str = ""

    @property
    def identity(self) -> str:
        """Tells it from the image's other findings."""
        return f"{self.name} {self.package}".strip()


def read_event(
    event: Mapping[str, Any], *, enhanced: bool, account: str, severity: str
) -> ScanWanted | Scanned | Ignored:
    """What an event of EventBridge asks for. `enhanced`: Amazon Inspector scans, so that there is nothing to start.

    `account` is the registry's: to a delegated administrator Inspector sends the events of member accounts too.
    `severity` is the least that matters: a finding below it asks for nothing.
    """
    kind, detail = event.get("detail-type"), event.get("detail")
    if not isinstance(detail, Mapping):
        return Ignored("it has no detail")
    owner = _account(event, detail)
    if owner and owner != account:
        return Ignored(f"it is of the account {owner}, not of {account}")
    if kind == "ECR Pull Through Cache Action":
        return _cached(detail, enhanced=enhanced)
    if kind == "ECR Image Scan":
        if detail.get("scan-status") != "COMPLETE":
            return Ignored(f"the scan is {detail.get('scan-status')}")
        return _scanned(detail, _text(detail, "repository-name"))
    if kind == "Inspector2 Scan":
        # The repository is named by its ARN there.
        return _scanned(detail, _text(detail, "repository-name").rpartition(":repository/")[2])
    if kind == "Inspector2 Finding":
        return _found(detail, severity)
    return Ignored(f"it is of the type {kind!r}")


def _account(event: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    """Whose image the event is about; the event's own account may be the one that it was sent to."""
    of_finding = _text(detail, "awsAccountId")
    # arn:aws:ecr:eu-west-1:111122223333:repository/app
    of_repository = _text(detail, "repository-name").split(":")
    if of_finding:
        return of_finding
    return of_repository[4] if len(of_repository) == ARN_PARTS else _text(event, "account")


def _cached(detail: Mapping[str, Any], *, enhanced: bool) -> ScanWanted | Ignored:
    if enhanced:
        return Ignored("Amazon Inspector scans by itself")
    if detail.get("sync-status") != "SUCCESS":
        return Ignored("nothing was cached")
    repository, digest = _text(detail, "repository-name"), _text(detail, "image-digest")
    if not repository or not digest:
        return Ignored("it names no image")
    return ScanWanted(repository, digest, _text(detail, "image-tag"))


def _scanned(detail: Mapping[str, Any], repository: str) -> Scanned | Ignored:
    digest, tags = _text(detail, "image-digest"), detail.get("image-tags")
    if not repository or not digest:
        return Ignored("it names no image")
    counts = detail.get("finding-severity-counts")
    numbers = {str(name): int(number) for name, number in counts.items()} if isinstance(counts, Mapping) else None
    return Scanned(repository, digest, tuple(map(str, tags)) if isinstance(tags, list) else (), numbers)


def _found(detail: Mapping[str, Any], severity: str) -> Scanned | Ignored:
    if detail.get("status") not in (None, "ACTIVE"):
        return Ignored(f"the finding is {detail.get('status')}")
    # Inspector sends an event for each finding: looking at the image for every one of them would be its whole cost.
    if not matters(_text(detail, "severity"), severity):
        return Ignored(f"the finding is {detail.get('severity')}, below {severity}")
    for resource in detail.get("resources") or ():
        image = (resource.get("details") or {}).get("awsEcrContainerImage") or {}
        repository, digest = _text(image, "repositoryName"), _text(image, "imageHash")
        if repository and digest:
            findings = read_findings({"enhancedFindings": [detail]})
            return Scanned(repository, digest, tuple(map(str, image.get("imageTags") or ())), None, findings)
    return Ignored("it is of no image in ECR")


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def read_findings(answer: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings of a page of DescribeImageScanFindings (`imageScanFindings`): basic, or enhanced and still active."""
    found: list[Finding] = []
    for entry in answer.get("findings") or ():
        attributes = {str(pair.get("key")): str(pair.get("value", "")) for pair in entry.get("attributes") or ()}
        found.append(
            Finding(
                str(entry.get("name", "")),
                str(entry.get("severity", "")),
                attributes.get("package_name", ""),
                attributes.get("package_version", ""),
                next((attributes[key] for key in _FIXED if attributes.get(key)), ""),
                str(entry.get("uri", "")),
            )
        )
    for entry in answer.get("enhancedFindings") or ():
        if entry.get("status") in (None, "ACTIVE"):
            found += _enhanced(entry)
    return tuple(found)


def _enhanced(entry: Mapping[str, Any]) -> list[Finding]:
    details = entry.get("packageVulnerabilityDetails") or {}
    name = str(details.get("vulnerabilityId") or entry.get("title") or entry.get("findingArn") or "")
    severity, uri = str(entry.get("severity", "")), str(details.get("sourceUrl") or "")
    packages = details.get("vulnerablePackages") or [{}]
    return [
        Finding(
            name,
            severity,
            str(package.get("name", "")),
            str(package.get("version", "")),
            # Inspector writes NotAvailable where nothing fixes it.
            "" if package.get("fixedInVersion") in (None, "NotAvailable") else str(package["fixedInVersion"]),
            uri,
        )
        for package in packages
    ]


def matters(severity: str, least: str) -> bool:
    """Is the severity at or above the least? UNDEFINED, UNTRIAGED and what is unknown are not."""
    return severity in SEVERITIES[SEVERITIES.index(least) :]


def at_or_above(findings: Iterable[Finding], severity: str) -> tuple[Finding, ...]:
    """The findings that matter, the worst first, each once."""
    matter = {finding.identity: finding for finding in findings if finding.name and matters(finding.severity, severity)}
    rank = {name: number for number, name in enumerate(SEVERITIES)}
    return tuple(sorted(matter.values(), key=lambda finding: (-rank[finding.severity], finding.name, finding.package)))


def counts_matter(counts: Mapping[str, int] | None, severity: str) -> bool:
    """May there be a finding at or above the severity? Yes, where nobody counted, or not each severity by its name.

    ECR names each severity that it found. Inspector names CRITICAL, HIGH, MEDIUM and TOTAL: of `{"MEDIUM": 2, "TOTAL":
    5}` three may be LOW (Amazon Inspector user guide, "initial scan complete event").
    """
    if counts is None:
        return True
    wanted = SEVERITIES[SEVERITIES.index(severity) :]
    if any(counts.get(name, 0) > 0 for name in wanted):
        return True
    named = sum(number for name, number in counts.items() if name != "TOTAL")
    return counts.get("TOTAL", 0) > named and any(name not in counts for name in wanted)


@dataclass(frozen=True, slots=True)
class Message:
    """One SNS message: a subject of ASCII, text for people, and the same as data."""

    subject: str
    text: str
    document: Mapping[str, object]

    def structure(self) -> str:
        """The message of each protocol, for `MessageStructure = "json"`: mail gets the text, everything else the data."""
        return json.dumps({"default": json.dumps(self.document), "email": self.text})


def message(
    image: Scanned,
    findings: Sequence[Finding],
    *,
    registry: str,
    environment: str,
    upstream: str | None,
    used_by: str | None,
) -> Message:
    """The report of one image. `registry` is its host, `upstream` where it came from ("" when it is an own image, None when that is not known).

    `used_by` says who runs it, "" when nobody does, and is None when that is not known.
    """
    name = f"{image.repository}:{image.tags[0]}" if image.tags else f"{image.repository}@{image.digest[:19]}"
    reference = f"{registry}/{image.repository}@{image.digest}"
    worst = findings[0].severity
    usage = {None: "not known whether in use", "": "not in use"}.get(used_by, "IN USE")
    subject = f"{worst}: {len(findings)} findings in {name} ({usage})"
    shown = findings[:LISTED]
    lines = [
        f"{len(findings)} findings of severity {worst} and below in {reference}",
        f"tags: {', '.join(image.tags) or 'none'}",
        f"upstream: {upstream or ('not known' if upstream is None else 'none: an own image')}",
        f"in use: {used_by or ('not known: no usable snapshot' if used_by is None else 'by no cluster')}",
        "",
        *(_line(finding) for finding in shown),
    ]
    if len(findings) > len(shown):
        lines.append(f"and {len(findings) - len(shown)} more")
    document = {
        "version": 1,
        "environment": environment,
        "image": reference,
        "repository": image.repository,
        "digest": image.digest,
        "tags": list(image.tags),
        "upstream": upstream or None,
        "in_use": None if used_by is None else bool(used_by),
        "used_by": used_by or None,
        "severity": worst,
        "count": len(findings),
        "findings": [
            {
                "name": finding.name,
                "severity": finding.severity,
                "package": finding.package or None,
                "installed": finding.installed or None,
                "fixed": finding.fixed or None,
                "uri": finding.uri or None,
            }
            for finding in shown
        ],
    }
    return Message(_subject(subject), "\n".join(lines) + "\n", document)


def _line(finding: Finding) -> str:
    package = f"{finding.package} {finding.installed}".strip()
    fix = f"fixed in {finding.fixed}" if finding.fixed else "no fix known"
    return f"{finding.severity:<8}  {finding.name}  {package or '-'}  {fix}  {finding.uri}".rstrip()


def _subject(text: str) -> str:
    """At most 100 characters of printable ASCII, as SNS takes them."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return plain if len(plain) <= SUBJECT_LIMIT else f"{plain[: SUBJECT_LIMIT - 3]}..."
