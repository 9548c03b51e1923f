"""What events of ECR and Inspector ask for, decided without a call."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.findings.event import (
    SEVERITIES,
    Cached,
    Closed,
    Finding,
    Ignored,
    Scanned,
    at_or_above,
    counts_matter,
    read_event,
    read_findings,
)

OURS, MEMBER = "111122223333", "999988887777"
DIGEST = "sha256:" + "a" * 64

Asked = Scanned | Cached | Closed | Ignored


def inspector_finding(severity: str = "HIGH", account: str = OURS) -> dict[str, Any]:
    image = {"repositoryName": "quay/app", "imageHash": DIGEST, "imageTags": ["1"]}
    detail = {
        "awsAccountId": account,
        "severity": severity,
        "status": "ACTIVE",
        "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-1"},
        "resources": [{"type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": image}}],
    }
    # To a delegated administrator's account the events of members come too: `account` does not tell them apart.
    return {"detail-type": "Inspector2 Finding", "account": OURS, "detail": detail}


def initial_scan(account: str = OURS) -> dict[str, Any]:
    detail = {
        "scan-status": "INITIAL_SCAN_COMPLETE",
        "repository-name": f"arn:aws:ecr:eu-west-1:{account}:repository/quay/app",
        "image-digest": DIGEST,
        "finding-severity-counts": {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 6, "TOTAL": 10},
    }
    return {"detail-type": "Inspector2 Scan", "account": OURS, "detail": detail}


def of_ecr(kind: str, account: str = OURS, **detail: str) -> dict[str, Any]:
    names = {"repository-name": "quay/app", "image-digest": DIGEST}
    return {"detail-type": kind, "account": account, "detail": {**names, **detail}}


def asked(event: object, severity: str = "HIGH") -> Asked:
    return read_event(event, account=OURS, severity=severity)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (inspector_finding(), Scanned),
        (initial_scan(), Scanned),
        (of_ecr("ECR Image Scan", **{"scan-status": "COMPLETE"}), Scanned),
        (of_ecr("ECR Pull Through Cache Action", **{"sync-status": "SUCCESS"}), Cached),
    ],
)
def test_events_of_the_registrys_account_ask_for_something(event: dict[str, Any], kind: type) -> None:
    found = asked(event)
    assert isinstance(found, kind)
    assert isinstance(found, Scanned | Cached)
    assert (found.repository, found.digest) == ("quay/app", DIGEST)


@pytest.mark.parametrize(
    "event",
    [
        inspector_finding(account=MEMBER),
        initial_scan(account=MEMBER),
        of_ecr("ECR Image Scan", MEMBER, **{"scan-status": "COMPLETE"}),
        of_ecr("ECR Pull Through Cache Action", MEMBER, **{"sync-status": "SUCCESS"}),
    ],
)
def test_events_of_other_accounts_ask_for_nothing(event: dict[str, Any]) -> None:
    assert asked(event) == Ignored(f"it is of the account {MEMBER}, not of {OURS}")


@pytest.mark.parametrize("severity", [*SEVERITIES, "UNTRIAGED", ""])
@pytest.mark.parametrize("least", SEVERITIES)
def test_a_finding_asks_for_something_from_the_least_severity_on(severity: str, least: str) -> None:
    order = ("", "UNTRIAGED", *SEVERITIES)
    assert isinstance(asked(inspector_finding(severity), least), Scanned) == (
        order.index(severity) >= order.index(least)
    )


@pytest.mark.parametrize(
    ("counts", "severity", "matter"),
    [
        (None, "CRITICAL", True),
        ({}, "INFORMATIONAL", False),
        # Basic scanning names each severity that it found.
        ({"LOW": 1}, "LOW", True),
        ({"LOW": 1}, "MEDIUM", False),
        ({"UNDEFINED": 2}, "LOW", False),
        # Inspector names three and the total.
        ({"CRITICAL": 0, "HIGH": 0, "MEDIUM": 6, "TOTAL": 10}, "LOW", True),
        ({"CRITICAL": 0, "HIGH": 0, "MEDIUM": 6, "TOTAL": 10}, "INFORMATIONAL", True),
        ({"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "TOTAL": 4}, "MEDIUM", False),
        ({"CRITICAL": 0, "HIGH": 0, "MEDIUM": 6, "TOTAL": 10}, "HIGH", False),
        ({"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "TOTAL": 0}, "LOW", False),
        # One that left out what is zero could have left out anything.
        ({"MEDIUM": 1, "TOTAL": 2}, "HIGH", True),
    ],
)
def test_counts_decide_about_the_severities_that_they_name(
    counts: dict[str, int] | None, severity: str, matter: bool
) -> None:
    assert counts_matter(counts, severity) == matter


def with_detail(event: dict[str, Any], **detail: Any) -> dict[str, Any]:
    return {**event, "detail": {**event["detail"], **{name.replace("_", "-"): value for name, value in detail.items()}}}


SCAN = of_ecr("ECR Image Scan", **{"scan-status": "COMPLETE"})
CACHED = of_ecr("ECR Pull Through Cache Action", **{"sync-status": "SUCCESS"})


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"detail-type": "ECR Image Scan", "detail": None},
        with_detail(SCAN, image_digest="sha256:../../x"),
        with_detail(SCAN, image_digest=7),
        with_detail(SCAN, repository_name=None),
        with_detail(CACHED, image_digest=DIGEST + "0"),
        with_detail(CACHED, repository_name=["quay/app"]),
        *(
            with_detail(inspector_finding(), resources=resources)
            for resources in (None, ["x"], "x", [{"details": "x"}], [{"details": {"awsEcrContainerImage": ["x"]}}])
        ),
        with_detail(inspector_finding(), severity=["HIGH"]),
    ],
)
def test_an_event_that_is_not_as_aws_writes_it_asks_for_nothing(event: object) -> None:
    assert isinstance(asked(event), Ignored)


@pytest.mark.parametrize("counts", [{"HIGH": None}, {"HIGH": "many"}, ["HIGH"], "HIGH", None])
def test_counts_that_cannot_be_read_are_as_if_nobody_had_counted(counts: object) -> None:
    found = asked(with_detail(SCAN, finding_severity_counts=counts))
    assert isinstance(found, Scanned)
    assert found.counts is None


@pytest.mark.parametrize(
    ("tags", "read"), [(["1", "2"], ("1", "2")), ("latest", ()), (None, ()), (["1", None, 2], ("1",)), ({}, ())]
)
def test_tags_are_a_list_of_texts(tags: object, read: tuple[str, ...]) -> None:
    found = asked(with_detail(SCAN, image_tags=tags))
    assert isinstance(found, Scanned)
    assert found.tags == read


@pytest.mark.parametrize("packages", [None, "x", [], ["x"], [None]])
def test_a_finding_without_packages_counts_for_the_image(packages: object) -> None:
    event = inspector_finding()
    event["detail"]["packageVulnerabilityDetails"]["vulnerablePackages"] = packages
    found = asked(event)
    assert isinstance(found, Scanned)
    assert [finding.identity for finding in found.findings] == ["CVE-1"]


def test_a_closed_finding_is_told_with_its_packages_and_its_time() -> None:
    event = with_detail(inspector_finding(), status="CLOSED") | {"time": "1970-01-01T00:01:00Z"}
    assert asked(event) == Closed(DIGEST, frozenset({"CVE-1"}), 60.0)


def test_basic_scanning_does_not_tell_fixes_and_inspector_tells_that_there_is_none() -> None:
    package = {"name": "zlib", "version": "1", "fixedInVersion": "NotAvailable"}
    details = {"vulnerabilityId": "CVE-2", "vulnerablePackages": [package]}
    (basic,) = read_findings({"findings": [{"name": "CVE-1", "severity": "HIGH"}]})
    (enhanced,) = read_findings({"enhancedFindings": [{"severity": "HIGH", "packageVulnerabilityDetails": details}]})
    assert (basic.fixed, enhanced.fixed) == (None, "")


def test_of_two_reports_of_a_finding_the_later_one_counts() -> None:
    raised = Finding("CVE-1", "CRITICAL", at=2.0)
    for order in ((raised, Finding("CVE-1", "HIGH", at=1.0)), (Finding("CVE-1", "HIGH", at=1.0), raised)):
        assert at_or_above(order, "HIGH") == (raised,)
    assert at_or_above([Finding("CVE-1", "HIGH", at=1.0), Finding("CVE-1", "LOW", at=2.0)], "HIGH") == ()
