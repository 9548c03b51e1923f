"""An account with topic, mailbox and bucket, and the events that AWS sends about its images."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.local.controls import SeedImage, recorded_requests, seed_images
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
