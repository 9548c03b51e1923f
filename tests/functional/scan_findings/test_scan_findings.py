"""The function of scan findings as Lambda runs it: handler by name, the runtime's variables, the embedded AWS."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.aws.ports import S3Storage, ThreadedHost
from orchestrator.aws.ports.ecr_scanner import SnsTopic
from orchestrator.findings.parents import parents_key
from orchestrator.findings.record import Begun, Record, Told, dump_record, record_key
from orchestrator.functions.package import build_package
from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.lifecycle.ports import PortError
from orchestrator.local.controls import SeedImage, recorded_requests, seed_images, set_faults
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


def scan_event(
    digest: str,
    given: Mapping[str, int] | None = None,
    /,
    *,
    repository: str = REPOSITORY,
    tags: tuple[str, ...] = ("1.27",),
    **counts: int,
) -> dict[str, Any]:
    detail = {
        "scan-status": "COMPLETE",
        "repository-name": repository,
        "image-digest": digest,
        "image-tags": list(tags),
        "finding-severity-counts": {**(given or {}), **counts},
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

    def seed(self, *images: SeedImage, repository: str = REPOSITORY) -> list[str]:
        return seed_images(self.local, self.account, REGION, repository, images)

    def index(self, tag: str = "1.27", name: str = "nginx") -> tuple[str, str]:
        """(an index, its only image), which has a finding and was not scanned."""
        (child,) = self.seed(SeedImage(name=f"{name}-amd64", findings=[finding("CVE-1", "HIGH")]))
        (index,) = self.seed(SeedImage(tags=[tag], name=name, children=[child]))
        return index, child

    def uses(self, *tags: str) -> None:
        """A snapshot of a cluster that runs these tags of the repository."""
        host = f"{self.account}.dkr.ecr.{REGION}.amazonaws.com"
        names: list[tuple[str, str | None]] = [(f"nginx:{tag}", f"{host}/{REPOSITORY}:{tag}") for tag in tags] or [
            ("registry.k8s.io/pause:3.10", None)
        ]
        self.snapshot(*(UsedImage(name, target, (), ("Deployment/web/front",)) for name, target in names))

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
        "AWS_ACCESS_KEY_ID": local_aws.access_key_for(world.account),
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
    for name in [name for name in sys.modules if name.partition(".")[0] == "scan_findings"]:
        del sys.modules[name]
    module = importlib.import_module("scan_findings.handler")

    def call(event: dict[str, Any], **changed: str) -> dict[str, Any]:
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        answer: dict[str, Any] = module.handle({"account": world.account, **event}, None)
        return answer

    yield call
    clients = module._clients()
    for client in (clients.ecr, clients.s3, clients.sns):
        client.close()


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


################################################################################
# Enhanced scanning
################################################################################


def inspector_event(
    digest: str, name: str = "CVE-7", status: str = "ACTIVE", severity: str = "CRITICAL", running: int = 0
) -> dict[str, Any]:
    image = {"repositoryName": REPOSITORY, "imageHash": digest, "imageTags": ["1.27"], "inUseCount": running}
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
    about = {"source": "aws.inspector2", "region": REGION, "time": "2026-07-01T02:00:00Z"}
    return {"detail-type": "Inspector2 Finding", **about, "detail": detail}


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


def test_an_image_of_a_type_that_ecr_does_not_scan_is_counted_with_the_reason(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    fault = {"services": ["ecr"], "operations": ["StartImageScan"], "code": "UnsupportedImageTypeException"}
    set_faults(world.local, {**fault, "status": 400, "rate": 1})
    done = run(cached_event(digest))
    assert (done["scans"], done["started"]) == ({digest: "ECR does not scan this type of image"}, 0)
    assert done["not_scanned"] == 1


def test_with_enhanced_scanning_there_is_nothing_to_start(world: World, run: Run) -> None:
    index, _ = world.index()
    assert run(cached_event(index), SCAN_TYPE="ENHANCED")["images"] == 1
    assert world.calls("StartImageScan") == 0


def test_with_enhanced_scanning_an_image_that_the_role_cannot_read_is_no_failure(world: World, run: Run) -> None:
    """Rules made by hand: the role reads below the prefixes that the module was told of."""
    index, _ = world.index()
    fault = {"services": ["ecr"], "operations": ["BatchGetImage"], "code": "AccessDeniedException", "status": 400}
    set_faults(world.local, {**fault, "rate": 1})
    assert run(cached_event(index), SCAN_TYPE="ENHANCED")["images"] == 0
    with pytest.raises(PortError, match="AccessDenied"):
        run(cached_event(index), SCAN_TYPE="BASIC")


def test_an_index_whose_scan_is_refused_is_noted_all_the_same(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses("1.27")
    fault = {"services": ["ecr"], "operations": ["StartImageScan"], "code": "LimitExceededException", "status": 400}
    set_faults(world.local, {**fault, "rate": 1})
    assert run(cached_event(index))["not_scanned"] == 1
    set_faults(world.local)
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is True


################################################################################
# The images of an index
################################################################################


def test_the_image_of_an_index_that_runs_is_in_use_and_called_by_the_indexs_name(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses("1.27")
    run(cached_event(index))
    assert run(scan_event(child, tags=(), HIGH=1))["reported"] == 1
    (message,) = world.messages()
    assert message["subject"] == f"HIGH: 1 finding in {REPOSITORY}:1.27 (IN USE)"
    assert message["indexes"] == [f"{REPOSITORY}:1.27"]
    assert message["tags"] == []


def test_the_image_of_an_index_that_inspector_scans_is_in_use_too(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses("1.27")
    run(cached_event(index), SCAN_TYPE="ENHANCED")
    event = inspector_event(child)
    del event["detail"]["resources"][0]["details"]["awsEcrContainerImage"]["imageTags"]
    run(event)
    assert world.messages()[0]["in_use"] is True


def test_the_image_of_an_index_that_nobody_runs_is_not_in_use(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses()
    run(cached_event(index))
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is False


def test_a_tag_that_moved_to_another_index_does_not_count_for_the_old_one(world: World, run: Run) -> None:
    old, child = world.index()
    new, new_child = world.index(name="newer")
    world.uses("1.27")
    for index in (old, new):
        run(cached_event(index))
    for image in (child, new_child):
        run(scan_event(image, tags=(), HIGH=1))
    messages = {message["digest"]: message for message in world.messages()}
    assert messages[child]["in_use"] is False
    assert messages[new_child]["in_use"] is True


def test_of_an_image_without_tag_and_known_index_it_is_not_known_whether_it_is_in_use(world: World, run: Run) -> None:
    """Cached before the function was there, or pushed by somebody: the snapshot names its index."""
    _, child = world.index()
    world.uses("1.27")
    world.clients["ecr"].start_image_scan(repositoryName=REPOSITORY, imageId={"imageDigest": child})
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


@pytest.mark.parametrize("note", [b"", b"{", b'{"indexes": [{}]}', b'{"indexes": 1}', b"null"])
def test_a_note_that_cannot_be_read_is_as_none(world: World, run: Run, note: bytes) -> None:
    _, child = world.index()
    world.uses("1.27")
    world.clients["ecr"].start_image_scan(repositoryName=REPOSITORY, imageId={"imageDigest": child})
    world.clients["s3"].put_object(Bucket=world.bucket, Key=parents_key(child), Body=note)
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


def test_an_index_that_is_gone_leaves_it_unknown(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses()
    run(cached_event(index))
    world.clients["ecr"].batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": index}])
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


def test_an_index_that_is_gone_and_runs_still_is_in_use(world: World, run: Run) -> None:
    index, child = world.index()
    world.snapshot(UsedImage("nginx:1.27", None, (index,), ("Deployment/web/front",)))
    run(cached_event(index))
    world.clients["ecr"].batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": index}])
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["used_by"] == "prod: Deployment/web/front"


def test_indexes_that_cannot_be_read_leave_it_unknown(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses()
    run(cached_event(index))
    fault = {"services": ["ecr"], "operations": ["DescribeImages"], "code": "AccessDeniedException", "status": 400}
    set_faults(world.local, {**fault, "rate": 1})
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


def test_an_image_that_is_gone_is_no_failure(world: World, run: Run) -> None:
    world.image([], scanned=False)
    gone = "sha256:" + "f" * 64
    assert run(cached_event(gone))["scans"] == {gone: "the image is gone"}


@pytest.mark.parametrize("event", [{}, {"detail-type": "Scheduled Event", "detail": {}}, {"detail": []}])
def test_other_events_are_ignored(run: Run, event: dict[str, Any]) -> None:
    assert "ignored" in run(event)
