"""What events of ECR and Inspector ask for, decided without a call."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lifecycle.findings import SEVERITIES, Ignored, Scanned, ScanWanted, counts_matter, read_event

OURS, MEMBER = "111122223333", "999988887777"
DIGEST = "sha256:" + "a" * 64

Asked = Scanned | ScanWanted | Ignored


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


def asked(event: dict[str, Any], severity: str = "HIGH") -> Asked:
    return read_event(event, enhanced=False, account=OURS, severity=severity)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (inspector_finding(), Scanned),
        (initial_scan(), Scanned),
        (of_ecr("ECR Image Scan", **{"scan-status": "COMPLETE"}), Scanned),
        (of_ecr("ECR Pull Through Cache Action", **{"sync-status": "SUCCESS"}), ScanWanted),
    ],
)
def test_events_of_the_registrys_account_ask_for_something(event: dict[str, Any], kind: type) -> None:
    found = asked(event)
    assert isinstance(found, kind)
    assert not isinstance(found, Ignored)
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
