"""Enhanced scanning: findings and scans that Inspector tells of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.scan_findings.world import REGION, REPOSITORY, Run, World, finding, inspector_event, scan_event


def test_a_finding_of_inspector_is_reported_even_where_the_image_cannot_be_asked(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    assert run(inspector_event(digest), SCAN_TYPE="ENHANCED")["reported"] == 2
    (message,) = world.messages()
    assert [(entry["package"], entry["fixed"]) for entry in message["findings"]] == [
        ("glibc", "2.37"),
        ("libc-bin", None),
    ]


@pytest.mark.parametrize("clusters", ["[]", '["prod"]'])
def test_what_inspector_sees_running_is_in_use(world: World, run: Run, clusters: str) -> None:
    digest = world.image([], scanned=False)
    world.uses()
    run(inspector_event(digest, running=3), SCAN_TYPE="ENHANCED", CLUSTERS=clusters)
    (message,) = world.messages()
    assert (message["in_use"], message["used_by"]) == (True, "Amazon Inspector: 3 tasks or pods")


def test_that_inspector_sees_nothing_running_does_not_prove_that_nothing_does(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    run(inspector_event(digest), SCAN_TYPE="ENHANCED", CLUSTERS="[]")
    assert world.messages()[0]["in_use"] is None


def test_a_closed_finding_that_nobody_was_told_of_writes_nothing(world: World, run: Run) -> None:
    closed = run(inspector_event("sha256:" + "0" * 64, status="CLOSED"), SCAN_TYPE="ENHANCED")
    assert closed["closed"] == ["CVE-7 glibc", "CVE-7 libc-bin"]
    assert world.messages() == []
    assert world.calls("PutObject") == 0


def test_a_finding_below_the_severity_costs_no_call(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    assert "below HIGH" in run(inspector_event(digest, severity="MEDIUM"), SCAN_TYPE="ENHANCED")["ignored"]
    assert world.messages() == []
    assert world.calls("DescribeImageScanFindings") == world.calls("GetObject") == 0


def test_the_image_is_not_looked_at_again_for_a_finding_that_was_reported(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-8", "HIGH")])
    first = run(inspector_event(digest), SCAN_TYPE="ENHANCED")
    assert first["reported"] == 3
    assert run(inspector_event(digest))["reported"] == 0
    assert world.calls("DescribeImageScanFindings") == 1
    assert run(inspector_event(digest, "CVE-9"))["reported"] == 2


def initial_scan_event(digest: str, account: str, **counts: int) -> dict[str, Any]:
    event = scan_event(digest, counts) | {"detail-type": "Inspector2 Scan"}
    event["detail"]["repository-name"] = f"arn:aws:ecr:{REGION}:{account}:repository/{REPOSITORY}"
    return event


def test_the_first_scan_of_inspector_names_the_repository_by_its_arn(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    assert run(initial_scan_event(digest, world.account, HIGH=1), SCAN_TYPE="ENHANCED")["reported"] == 1


def test_the_first_scan_of_a_member_accounts_image_is_ignored(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    assert "ignored" in run(initial_scan_event(digest, "999988887777", HIGH=1), SCAN_TYPE="ENHANCED")
    assert world.messages() == []


def test_a_low_finding_that_inspector_counts_in_the_total_only_is_reported(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "LOW")])
    event = initial_scan_event(digest, world.account, CRITICAL=0, HIGH=0, MEDIUM=0, TOTAL=1)
    assert run(event, SCAN_TYPE="ENHANCED", SEVERITY="LOW")["reported"] == 1
