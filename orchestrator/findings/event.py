"""What image scans find: events and findings of ECR and Inspector -> what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# From the least to the most; UNDEFINED and UNTRIAGED are no severities yet.
SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")
ARN_PARTS = 6
# Basic scanning documents no attribute for the version that fixes: it is taken where one is there.
_FIXED = ("fixed_in_version", "fixed_version", "fixedInVersion")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cached:
    """A newly cached image, which basic scanning does not scan by itself."""

    repository: str
    digest: str


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
class Closed:
    """Findings of an image that Amazon Inspector closed at `at` (epoch), by their identities."""

    digest: str
    findings: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that asks for nothing, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability in one package.

    `fixed` is the version that fixes it. It is empty when there is none, None when this scan does not tell. `at` is when
    Amazon Inspector said so (epoch), `running` in how many places it sees the image run.
    """

    name: str
    severity: str
    package: str = ""
    installed: str = ""
    fixed: str | None = None
    uri: str = ""
    at: float = 0.0
    running: int = 0

    @property
    def identity(self) -> str:
        """Tells it from the image's other findings."""
        return f"{self.name} {self.package}".strip()


def read_event(event: object, *, account: str, severity: str) -> Cached | Scanned | Closed | Ignored:
    """What an event of EventBridge asks for; one that is not as AWS writes it asks for nothing.

    `account` is the registry's: to a delegated administrator Inspector sends the events of member accounts too.
    `severity` is the least that matters: a finding below it asks for nothing.
    """
    if not isinstance(event, Mapping):
        return Ignored("it is no event of EventBridge")
    kind, detail = event.get("detail-type"), event.get("detail")
    if not isinstance(detail, Mapping):
        return Ignored("it has no detail")
    owner = _account(event, detail)
    if owner and owner != account:
        return Ignored(f"it is of the account {owner}, not of {account}")
    if kind == "ECR Pull Through Cache Action":
        return _cached(detail)
    if kind == "ECR Image Scan":
        if detail.get("scan-status") != "COMPLETE":
            return Ignored(f"the scan is {detail.get('scan-status')}")
        return _scanned(detail, _text(detail, "repository-name"))
    if kind == "Inspector2 Scan":
        # The repository is named by its ARN there.
        return _scanned(detail, _text(detail, "repository-name").rpartition(":repository/")[2])
    if kind == "Inspector2 Finding":
        return _found(detail, severity, _moment(event.get("time")))
    return Ignored(f"it is of the type {kind!r}")


def _account(event: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    """Whose image the event is about; the event's own account may be the one that it was sent to."""
    of_finding = _text(detail, "awsAccountId")
    # arn:aws:ecr:eu-west-1:111122223333:repository/app
    of_repository = _text(detail, "repository-name").split(":")
    if of_finding:
        return of_finding
    return of_repository[4] if len(of_repository) == ARN_PARTS else _text(event, "account")


def _cached(detail: Mapping[str, Any]) -> Cached | Ignored:
    if detail.get("sync-status") != "SUCCESS":
        return Ignored("nothing was cached")
    repository, digest = _text(detail, "repository-name"), _text(detail, "image-digest")
    if not repository or not _DIGEST.fullmatch(digest):
        return Ignored("it names no image")
    return Cached(repository, digest)


def _scanned(detail: Mapping[str, Any], repository: str) -> Scanned | Ignored:
    digest = _text(detail, "image-digest")
    if not repository or not _DIGEST.fullmatch(digest):
        return Ignored("it names no image")
    return Scanned(
        repository, digest, _texts(detail.get("image-tags")), _numbers(detail.get("finding-severity-counts"))
    )


def _numbers(counts: object) -> Mapping[str, int] | None:
    """{severity: number}; None when there is no such thing: then it is as if nobody had counted."""
    if not isinstance(counts, Mapping) or not all(isinstance(number, int) for number in counts.values()):
        return None
    return {str(name): int(number) for name, number in counts.items()}


def _found(detail: Mapping[str, Any], severity: str, at: float) -> Scanned | Closed | Ignored:
    status = detail.get("status")
    if status not in (None, "ACTIVE", "CLOSED"):
        return Ignored(f"the finding is {status}")
    # Inspector sends an event for each finding. A look at the image for every one would be its whole cost.
    if not matters(_text(detail, "severity"), severity):
        return Ignored(f"the finding is {detail.get('severity')}, below {severity}")
    for image in _ecr_images(detail):
        repository, digest = _text(image, "repositoryName"), _text(image, "imageHash")
        if repository and _DIGEST.fullmatch(digest):
            findings = tuple(_enhanced(detail, at))
            if status == "CLOSED":
                return Closed(digest, frozenset(finding.identity for finding in findings), at)
            return Scanned(repository, digest, _texts(image.get("imageTags")), None, findings)
    return Ignored("it is of no image in ECR")


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _moment(value: object) -> float:
    """Seconds since 1970 of a time as an event (text) or the SDK (datetime) has it; 0 when it is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.timestamp() if isinstance(moment, datetime) else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _ecr_images(finding: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The images in ECR that a finding of Inspector is about."""
    details = [resource.get("details") for resource in _mappings(finding.get("resources"))]
    images = [each.get("awsEcrContainerImage") for each in details if isinstance(each, Mapping)]
    return [image for image in images if isinstance(image, Mapping)]


def read_findings(answer: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings of a page of DescribeImageScanFindings (`imageScanFindings`): basic, or enhanced and still active."""
    found: list[Finding] = []
    for entry in _mappings(answer.get("findings")):
        attributes = {str(pair.get("key")): str(pair.get("value", "")) for pair in _mappings(entry.get("attributes"))}
        found.append(
            Finding(
                str(entry.get("name", "")),
                str(entry.get("severity", "")),
                attributes.get("package_name", ""),
                attributes.get("package_version", ""),
                next((attributes[key] for key in _FIXED if attributes.get(key)), None),
                str(entry.get("uri", "")),
            )
        )
    for entry in _mappings(answer.get("enhancedFindings")):
        if entry.get("status") in (None, "ACTIVE"):
            found += _enhanced(entry, _moment(entry.get("updatedAt")))
    return tuple(found)


def _enhanced(entry: Mapping[str, Any], at: float) -> list[Finding]:
    told = entry.get("packageVulnerabilityDetails")
    details = told if isinstance(told, Mapping) else {}
    name = str(details.get("vulnerabilityId") or entry.get("title") or entry.get("findingArn") or "")
    counts = [image.get("inUseCount") for image in _ecr_images(entry)]
    return [
        Finding(
            name,
            _text(entry, "severity"),
            _text(package, "name"),
            _text(package, "version"),
            # Inspector writes NotAvailable where nothing fixes it.
            "" if package.get("fixedInVersion") in (None, "NotAvailable") else str(package["fixedInVersion"]),
            _text(details, "sourceUrl"),
            at,
            max((count for count in counts if isinstance(count, int)), default=0),
        )
        for package in _mappings(details.get("vulnerablePackages")) or [{}]
    ]


def matters(severity: str, least: str) -> bool:
    """Is the severity at or above the least? UNDEFINED, UNTRIAGED and what is unknown are not."""
    return severity in SEVERITIES[SEVERITIES.index(least) :]


def at_or_above(findings: Iterable[Finding], severity: str) -> tuple[Finding, ...]:
    """The findings that matter, the worst first, each once: as it was told last."""
    latest: dict[str, Finding] = {}
    for finding in findings:
        known = latest.get(finding.identity)
        if finding.name and (known is None or finding.at >= known.at):
            latest[finding.identity] = finding
    matter = [finding for finding in latest.values() if matters(finding.severity, severity)]
    return tuple(sorted(matter, key=lambda finding: (-rank(finding.severity), finding.name, finding.package)))


def rank(severity: str) -> int:
    """Orders severities; what is none is below all of them."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def counts_matter(counts: Mapping[str, int] | None, severity: str) -> bool:
    """May there be a finding at or above the severity? Yes, where nobody counted, or not each severity by its name.

    ECR names each severity that it found. Inspector names CRITICAL, HIGH, MEDIUM and TOTAL: of `{"MEDIUM": 2, "TOTAL":
    5}` three may be LOW. Source: Amazon Inspector user guide, "initial scan complete event".
    """
    if counts is None:
        return True
    wanted = SEVERITIES[SEVERITIES.index(severity) :]
    if any(counts.get(name, 0) > 0 for name in wanted):
        return True
    named = sum(number for name, number in counts.items() if name != "TOTAL")
    return counts.get("TOTAL", 0) > named and any(name not in counts for name in wanted)
