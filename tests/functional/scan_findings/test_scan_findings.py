"""Reports of the packaged function on the embedded AWS: one message for what is new, none twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.aws.ports import S3Storage, ThreadedHost
from orchestrator.aws.ports.ecr_scanner import SnsTopic
from orchestrator.findings.record import Begun, Record, Told, dump_record, record_key
from orchestrator.lifecycle.in_use import UsedImage
from orchestrator.local.controls import SeedImage, set_faults
from tests.functional.scan_findings.world import (
    REGION,
    REPOSITORY,
    Run,
    World,
    cached_event,
    finding,
    inspector_event,
    scan_event,
)

################################################################################
# Reports
################################################################################


def test_one_message_names_image_upstream_use_findings_and_fixes(world: World, run: Run) -> None:
    digest = world.image(
        [finding("CVE-1", "HIGH"), finding("CVE-2", "CRITICAL", "zlib", ""), finding("CVE-3", "MEDIUM")]
    )
    host = f"{world.account}.dkr.ecr.{REGION}.amazonaws.com"
    world.snapshot(UsedImage("nginx:1.27", f"{host}/{REPOSITORY}:1.27", (), ("Deployment/web/front",)))

    done = run(scan_event(digest, HIGH=1, CRITICAL=1, MEDIUM=1))

    assert done["reported"] == 2
    (message,) = world.messages()
    assert message["subject"] == f"CRITICAL: 2 findings in {REPOSITORY}:1.27 (IN USE)"
    assert message["image"] == f"{host}/{REPOSITORY}@{digest}"
    assert message["upstream"] == "docker.io/library/nginx:1.27"
    assert message["in_use"] is True
    assert message["used_by"] == "prod: Deployment/web/front"
    assert [(entry["name"], entry["package"], entry["fixed"]) for entry in message["findings"]] == [
        ("CVE-2", "zlib", None),
        ("CVE-1", "openssl", "3.0.9"),
    ]


def test_an_image_that_no_fresh_snapshot_names_is_not_in_use(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    world.snapshot(UsedImage("registry.k8s.io/pause:3.10", None))
    run(scan_event(digest, HIGH=1))
    assert world.messages()[0]["in_use"] is False


@pytest.mark.parametrize("age", [timedelta(days=5), None])
def test_without_a_fresh_snapshot_use_is_not_known(world: World, run: Run, age: timedelta | None) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    if age:
        world.snapshot(age=age)
    run(scan_event(digest, HIGH=1))
    (message,) = world.messages()
    assert message["in_use"] is None
    assert "not known" in message["subject"]


def test_findings_below_the_severity_are_not_even_read(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-3", "MEDIUM")])
    assert run(scan_event(digest, MEDIUM=1))["reported"] == 0
    assert world.messages() == []
    assert world.calls("DescribeImageScanFindings") == 0


def test_an_event_of_another_account_is_ignored(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    assert "999988887777" in run(scan_event(digest, HIGH=1) | {"account": "999988887777"})["ignored"]
    assert world.messages() == []


def test_the_findings_of_an_image_are_read_a_thousand_at_a_time(world: World, run: Run) -> None:
    digest = world.image([finding(f"CVE-{number}", "HIGH") for number in range(250)])
    assert run(scan_event(digest, HIGH=250))["reported"] == 250
    assert world.calls("DescribeImageScanFindings") == 1


def test_a_doubled_event_gives_one_message(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    assert [run(scan_event(digest, HIGH=1))["reported"] for _ in range(3)] == [1, 0, 0]
    assert len(world.messages()) == 1


def test_what_a_later_scan_adds_is_reported_alone(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    run(scan_event(digest, HIGH=1))
    world.messages()
    assert world.image([finding("CVE-1", "HIGH"), finding("CVE-9", "HIGH")]) == digest
    run(scan_event(digest, HIGH=2))
    (message,) = world.messages()
    assert [entry["name"] for entry in message["findings"]] == ["CVE-9"]


def test_a_message_that_could_not_be_sent_is_sent_at_the_next_attempt(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    set_faults(world.local, {"services": ["sns"], "code": "InternalError", "status": 400, "rate": 1})
    with pytest.raises(Exception, match="InternalError"):
        run(scan_event(digest, HIGH=1))
    set_faults(world.local)
    assert run(scan_event(digest, HIGH=1))["reported"] == 1
    assert len(world.messages()) == 1


def test_a_report_that_died_is_made_by_lambdas_next_call(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died without releasing what it had begun, as a function does that runs out of memory."""
    digest = world.image([finding("CVE-1", "HIGH")])
    begun = Record(begun={"CVE-1 openssl": Begun(time.time(), Told("HIGH", fixed=True))})
    world.clients["s3"].put_object(Bucket=world.bucket, Key=record_key(digest), Body=dump_record(begun))
    assert run(scan_event(digest, HIGH=1))["reported"] == 0
    monkeypatch.setattr(ThreadedHost, "now", lambda _: datetime.now(UTC) + timedelta(seconds=60))
    assert run(scan_event(digest, HIGH=1))["reported"] == 1


@pytest.mark.parametrize(
    "event", [{}, {"detail-type": "Scheduled Event"}, {"detail-type": "ECR Image Scan", "detail": {}}]
)
def test_wrong_variables_are_told_whatever_the_event(run: Run, event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r'SCAN_TYPE is "enhanced", not one of BASIC, ENHANCED; .* apply'):
        run(event, SCAN_TYPE="enhanced")


def test_a_message_that_was_sent_is_no_failure_when_that_cannot_be_noted(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure would make Lambda call again, and the message would be sent twice."""
    digest = world.image([finding("CVE-1", "HIGH")])
    publish = SnsTopic.publish

    def and_then_nothing_can_be_written(*args: Any) -> None:
        publish(*args)
        fault = {"services": ["s3"], "operations": ["PutObject"], "code": "AccessDenied", "status": 403, "rate": 1}
        set_faults(world.local, fault)

    monkeypatch.setattr(SnsTopic, "publish", and_then_nothing_can_be_written)
    assert run(scan_event(digest, HIGH=1))["reported"] == 1
    assert len(world.messages()) == 1
    assert "may be made once more" in capsys.readouterr().out


def test_a_claim_that_was_written_and_whose_answer_was_lost_is_ones_own(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK asks again then, and S3 answers that somebody wrote in between."""
    digest = world.image([finding("CVE-1", "HIGH")])
    replace, lost = S3Storage.replace, [False]

    def losing_the_first_answer(*args: Any) -> bool:
        return bool(replace(*args)) and (lost.pop() if lost else True)

    monkeypatch.setattr(S3Storage, "replace", losing_the_first_answer)
    assert run(scan_event(digest, HIGH=1))["reported"] == 1
    assert len(world.messages()) == 1


def test_events_of_one_image_that_come_at_once_are_told_once_each(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    world.uses()
    run({}, SCAN_TYPE="ENHANCED")
    names = [f"CVE-{number}" for number in range(14)]
    with ThreadPoolExecutor(len(names)) as pool:
        done = list(pool.map(lambda name: run(inspector_event(digest, name)), names))
    assert [each["reported"] for each in done] == [2] * len(names)
    assert sorted({each["name"] for message in world.messages() for each in message["findings"]}) == sorted(names)


def test_a_message_of_many_long_findings_is_cut_until_sns_takes_it(world: World, run: Run) -> None:
    long = {"uri": f"https://example.com/{'u' * 3000}"}
    digest = world.image([finding(f"CVE-{number:03}", "HIGH") | long for number in range(120)])
    assert run(scan_event(digest, HIGH=120))["reported"] == 120
    (message,) = world.messages()
    assert message["count"] == 120
    assert 0 < len(message["findings"]) < 100


################################################################################
# Changes that matter
################################################################################


def test_a_digest_in_another_repository_is_told_again_when_that_one_is_in_use(world: World, run: Run) -> None:
    findings = [finding("CVE-1", "HIGH")]
    digest = world.image(findings)
    other = "docker-hub/library/other"
    assert world.seed(SeedImage(tags=["9"], name="nginx", findings=findings), repository=other) == [digest]
    world.clients["ecr"].start_image_scan(repositoryName=other, imageId={"imageDigest": digest})
    host = f"{world.account}.dkr.ecr.{REGION}.amazonaws.com"
    world.snapshot(UsedImage("other:9", f"{host}/{other}:9", (), ("Deployment/web/other",)))

    events = [scan_event(digest, HIGH=1), scan_event(digest, repository=other, tags=("9",), HIGH=1)]
    assert [run(event)["reported"] for event in [*events, *events]] == [1, 1, 0, 0]
    told = [(message["in_use"], message["findings"][0]["why"]) for message in world.messages()]
    assert told == [(False, "new"), (True, "it is in use now")]


def test_a_raised_severity_and_a_fix_are_told_and_what_falls_back_is_not(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)

    def told(severity: str, fixed: str) -> list[str]:
        event = inspector_event(digest, severity=severity)
        event["detail"]["packageVulnerabilityDetails"]["vulnerablePackages"] = [
            {"name": "zlib", "version": "1.2", "fixedInVersion": fixed}
        ]
        run(event, SCAN_TYPE="ENHANCED")
        return [message["findings"][0]["why"] for message in world.messages()]

    assert told("HIGH", "NotAvailable") == ["new"]
    assert told("CRITICAL", "NotAvailable") == ["its severity was HIGH"]
    assert told("CRITICAL", "1.3") == ["a fix has appeared"]
    assert told("HIGH", "NotAvailable") == told("CRITICAL", "1.3") == []


def test_a_finding_that_was_closed_and_is_back_is_told_again(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)

    def told(status: str, minute: int) -> list[str]:
        event = inspector_event(digest, status=status) | {"time": f"2026-07-01T02:{minute:02}:00Z"}
        run(event, SCAN_TYPE="ENHANCED")
        return [entry["why"] for message in world.messages() for entry in message["findings"]]

    assert told("ACTIVE", 1) == ["new", "new"]
    assert told("CLOSED", 2) == []
    assert told("ACTIVE", 1) == [], "an event that came late"
    assert told("ACTIVE", 3) == ["it was closed and is back"] * 2
    assert told("CLOSED", 2) == told("ACTIVE", 3) == [], "events that came twice"


def test_an_image_that_is_gone_is_no_failure(world: World, run: Run) -> None:
    world.image([], scanned=False)
    gone = "sha256:" + "f" * 64
    assert run(cached_event(gone))["scans"] == {gone: "the image is gone"}


@pytest.mark.parametrize("event", [{}, {"detail-type": "Scheduled Event", "detail": {}}, {"detail": []}])
def test_other_events_are_ignored(run: Run, event: dict[str, Any]) -> None:
    assert "ignored" in run(event)
