"""The function of scan findings as Lambda runs it: handler by name, the runtime's variables, the embedded AWS."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.lifecycle.reported import Record, dump_record, record_key
from orchestrator.local import access_key_for
from orchestrator.local.client import SeedImage, recorded_requests, seed_images, set_faults
from orchestrator.packaging import build_package
from tests.functional.local.conftest import make_client

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

REGION = "eu-west-1"
REPOSITORY = "docker-hub/library/nginx"
BUCKET = "records-{}"
Findings = list[dict[str, Any]]
Run = Callable[..., dict[str, Any]]


def finding(name: str, severity: str, package: str = "openssl", fixed: str = "3.0.9") -> dict[str, Any]:
    attributes = {"package_name": package, "package_version": "3.0.1", "fixed_in_version": fixed}
    return {
        "name": name,
        "severity": severity,
        "uri": f"https://nvd.example/{name}",
        "attributes": [{"key": key, "value": value} for key, value in attributes.items() if value],
    }


def scan_event(digest: str, **counts: int) -> dict[str, Any]:
    detail = {
        "scan-status": "COMPLETE",
        "repository-name": REPOSITORY,
        "image-digest": digest,
        "image-tags": ["1.27"],
        "finding-severity-counts": counts,
    }
    return {"id": "1", "detail-type": "ECR Image Scan", "source": "aws.ecr", "region": REGION, "detail": detail}


def cached_event(digest: str) -> dict[str, Any]:
    detail = {"sync-status": "SUCCESS", "repository-name": REPOSITORY, "image-digest": digest, "image-tag": "1.27"}
    return {"id": "2", "detail-type": "ECR Pull Through Cache Action", "source": "aws.ecr", "detail": detail}


class World:
    """An account of the embedded AWS with topic, mailbox (a queue) and bucket."""

    def __init__(self, local: LocalAws, account: str) -> None:
        self.local, self.account = local, account
        self.clients = {name: make_client(local, name, account, REGION) for name in ("sns", "sqs", "s3", "ecr")}
        self.topic = self.clients["sns"].create_topic(Name="findings")["TopicArn"]
        self.queue = self.clients["sqs"].create_queue(QueueName="mailbox")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{account}:mailbox"
        self.clients["sns"].subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.bucket = BUCKET.format(account)
        place = {"LocationConstraint": REGION}
        self.clients["s3"].create_bucket(Bucket=self.bucket, CreateBucketConfiguration=place)

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    def image(self, findings: Findings, *, name: str = "nginx", scanned: bool = True) -> str:
        (digest,) = self.seed(SeedImage(tags=["1.27"], name=name, findings=findings))
        if scanned:
            self.clients["ecr"].start_image_scan(repositoryName=REPOSITORY, imageId={"imageDigest": digest})
        return digest

    def seed(self, *images: SeedImage) -> list[str]:
        return seed_images(self.local, self.account, REGION, REPOSITORY, images)

    def snapshot(self, *images: UsedImage, age: timedelta = timedelta(hours=1)) -> None:
        text = dump_snapshot(Snapshot("prod", datetime.now(UTC) - age, images))
        self.clients["s3"].put_object(Bucket=self.bucket, Key="snapshots/prod.json", Body=text.encode())

    def messages(self) -> list[dict[str, Any]]:
        """Those that arrived since it was asked last, with their subjects."""
        found = []
        while got := self.clients["sqs"].receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for entry in got:
                body = json.loads(entry["Body"])
                found.append({"subject": body["Subject"], **json.loads(body["Message"])})
                self.clients["sqs"].delete_message(QueueUrl=self.queue, ReceiptHandle=entry["ReceiptHandle"])
        return found

    def calls(self, operation: str) -> int:
        return sum(
            request["operation"] == operation and request["account_id"] == self.account
            for request in recorded_requests(self.local)
        )


@pytest.fixture
def world(local_aws: LocalAws, account_id: str) -> Iterator[World]:
    made = World(local_aws, account_id)
    yield made
    set_faults(local_aws)
    made.close()


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("function") / "scan_findings.zip"
    path.write_bytes(build_package("scan_findings").content)
    return path


@pytest.fixture
def run(world: World, local_aws: LocalAws, packaged: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Call the handler of the packaged zip with an event; keywords are variables of the function."""
    variables = {
        "AWS_ENDPOINT_URL": local_aws.endpoint,
        "AWS_ACCESS_KEY_ID": access_key_for(world.account),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "ACCOUNT_ID": world.account,
        "BUCKET": world.bucket,
        "CLUSTERS": '["prod"]',
        "ENVIRONMENT": "prod",
        "ROUTES": '[{"prefix": "docker-hub", "source": "docker.io"}]',
        "SCAN_TYPE": "BASIC",
        "SEVERITY": "HIGH",
        "TOPIC_ARN": world.topic,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # boto3 remembers the credentials of the first client; a Lambda process has one account for its life.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.syspath_prepend(str(packaged))
    sys.modules.pop("scan_findings.handler", None)
    sys.modules.pop("scan_findings", None)
    module = importlib.import_module("scan_findings.handler")

    def call(event: dict[str, Any], **changed: str) -> dict[str, Any]:
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        answer: dict[str, Any] = module.handle({"account": world.account, **event}, None)
        return answer

    yield call
    for service in ("ecr", "s3", "sns"):
        module._client(service).close()
    module._client.cache_clear()


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
    begun = Record().begin(frozenset({"CVE-1 openssl"}), time.time())
    world.clients["s3"].put_object(Bucket=world.bucket, Key=record_key(digest), Body=dump_record(begun))
    assert run(scan_event(digest, HIGH=1))["reported"] == 0
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 60)
    assert run(scan_event(digest, HIGH=1))["reported"] == 1


def test_a_report_that_failed_for_whatever_reason_is_anybodys_again(world: World, run: Run) -> None:
    digest = world.image([finding("CVE-1", "HIGH")])
    with pytest.raises(Exception, match="CLUSTERS"):
        run(scan_event(digest, HIGH=1), CLUSTERS="{")
    assert run(scan_event(digest, HIGH=1), CLUSTERS='["prod"]')["reported"] == 1


################################################################################
# Enhanced scanning
################################################################################


def inspector_event(
    digest: str, name: str = "CVE-7", status: str = "ACTIVE", severity: str = "CRITICAL"
) -> dict[str, Any]:
    image = {"repositoryName": REPOSITORY, "imageHash": digest, "imageTags": ["1.27"]}
    detail = {
        "severity": severity,
        "status": status,
        "packageVulnerabilityDetails": {
            "vulnerabilityId": name,
            "sourceUrl": "https://nvd.example",
            "vulnerablePackages": [
                {"name": "glibc", "version": "2.36", "fixedInVersion": "2.37"},
                {"name": "libc-bin", "version": "2.36", "fixedInVersion": "NotAvailable"},
            ],
        },
        "resources": [{"type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": image}}],
    }
    return {"detail-type": "Inspector2 Finding", "source": "aws.inspector2", "region": REGION, "detail": detail}


def test_a_finding_of_inspector_is_reported_even_where_the_image_cannot_be_asked(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    assert run(inspector_event(digest), SCAN_TYPE="ENHANCED")["reported"] == 2
    (message,) = world.messages()
    assert [(entry["package"], entry["fixed"]) for entry in message["findings"]] == [
        ("glibc", "2.37"),
        ("libc-bin", None),
    ]


def test_a_closed_finding_is_no_news(world: World, run: Run) -> None:
    assert "ignored" in run(inspector_event("sha256:" + "0" * 64, status="CLOSED"), SCAN_TYPE="ENHANCED")
    assert world.messages() == []


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
    event = scan_event(digest, **counts) | {"detail-type": "Inspector2 Scan"}
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


################################################################################
# Starting scans
################################################################################


def test_a_newly_cached_image_is_scanned(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    done = run(cached_event(digest))
    assert (done["scans"], done["started"], done["not_scanned"]) == ({digest: "started"}, 1, 0)
    assert world.calls("StartImageScan") == 1


def test_a_scan_beyond_a_limit_is_counted_as_not_scanned_with_ecrs_words(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = world.image([], scanned=False)
    words = "The scan quota per image has been exceeded."
    fault = {"services": ["ecr"], "operations": ["StartImageScan"], "code": "LimitExceededException", "message": words}
    set_faults(world.local, {**fault, "status": 400, "rate": 1})
    done = run(cached_event(digest))
    assert (done["started"], done["not_scanned"]) == (0, 1)
    logged = json.loads(capsys.readouterr().out)
    assert words in logged["scans"][digest]
    assert "100,000" in logged["scans"][digest]


def test_of_an_index_each_image_is_scanned(world: World, run: Run) -> None:
    children = world.seed(SeedImage(name="amd64"), SeedImage(name="arm64"))
    (index,) = world.seed(SeedImage(tags=["1.27"], name="index", children=children))
    assert run(cached_event(index))["scans"] == dict.fromkeys(children, "started")


def test_with_enhanced_scanning_there_is_nothing_to_start(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    assert "ignored" in run(cached_event(digest), SCAN_TYPE="ENHANCED")
    assert world.calls("StartImageScan") == 0


def test_an_image_that_is_gone_is_no_failure(world: World, run: Run) -> None:
    world.image([], scanned=False)
    gone = "sha256:" + "f" * 64
    assert run(cached_event(gone))["scans"] == {gone: "the image is gone"}


@pytest.mark.parametrize("event", [{}, {"detail-type": "Scheduled Event", "detail": {}}, {"detail": []}])
def test_other_events_are_ignored(run: Run, event: dict[str, Any]) -> None:
    assert "ignored" in run(event)
