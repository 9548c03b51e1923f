"""The core of scan findings over simulated ports: what is told, with which names, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.findings.message import Message
from orchestrator.findings.ports import Ports
from orchestrator.findings.report import dispatch
from orchestrator.findings.settings import FindingsSettings
from orchestrator.lifecycle.ports import PortError
from orchestrator.lifecycle.settings import Settings
from orchestrator.lifecycle.storage import MemoryStorage
from orchestrator.lifecycle.units import Image

ACCOUNT = "111122223333"
DIGEST = "sha256:" + "a" * 64
FINDING = {
    "name": "CVE-2026-0001",
    "severity": "HIGH",
    "attributes": [
        {"key": "package_name", "value": "openssl"},
        {"key": "package_version", "value": "3.0.1"},
    ],
}


@dataclass
class VersionedMemory(MemoryStorage):
    """Objects whose version is their content; `beaten` writers come in between first."""

    beaten: int = 0

    def read(self, key: str) -> tuple[bytes | None, str | None]:
        content = self.objects.get(key)
        return content, None if content is None else content.hex()

    def replace(self, key: str, content: bytes, version: str | None) -> bool:
        if self.beaten:
            self.beaten -= 1
            return False
        if self.read(key)[1] != version:
            return False
        self.objects[key] = content
        return True


@dataclass
class World:
    """Every port at once: no image exists, one finding was made, messages are kept."""

    storage: VersionedMemory = field(default_factory=VersionedMemory)
    messages: list[Message] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    pauses: int = 0
    refuses: str = ""

    def describe(self, repository: str, digests: Sequence[str]) -> Sequence[Image]:
        return ()

    def manifests(self, repository: str, digests: Sequence[str]) -> Mapping[str, str]:
        return {}

    def start(self, repository: str, digest: str) -> None:
        if self.refuses:
            raise PortError(self.refuses, "refused", "StartImageScan")

    def finding_pages(self, repository: str, digest: str) -> Iterator[Mapping[str, Any]]:
        yield {"findings": [FINDING]}

    def publish(self, message: Message, severity: str) -> None:
        self.messages.append(message)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def log(self, level: str, message: str, **fields: object) -> None:
        self.lines.append(message)

    def pause(self, most: float) -> None:
        self.pauses += 1

    def run(self, event: object, settings: FindingsSettings) -> dict[str, object]:
        ports = Ports(images=self, scanner=self, storage=self.storage, topic=self, runtime=self)
        return dispatch(event, settings, lambda: ports, self)


def settings(*, routes: tuple[tuple[str, str], ...] = (("quay", "quay.io"),)) -> FindingsSettings:
    shared = Settings(environment="dev", routes=routes)
    return FindingsSettings(ACCOUNT, f"arn:aws:sns:eu-west-1:{ACCOUNT}:news", "records", shared=shared)


def scanned(region: str, repository: str = "quay/team/app") -> dict[str, Any]:
    detail = {
        "scan-status": "COMPLETE",
        "repository-name": repository,
        "image-digest": DIGEST,
        "image-tags": ["1.27"],
        "finding-severity-counts": {"HIGH": 1},
    }
    return {"id": "1", "detail-type": "ECR Image Scan", "source": "aws.ecr", "region": region, "detail": detail}


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
def test_the_image_is_named_with_the_suffix_of_its_regions_partition(region: str, suffix: str) -> None:
    world = World()
    world.run(scanned(region), settings())
    (message,) = world.messages
    assert f"{ACCOUNT}.dkr.ecr.{region}.{suffix}/quay/team/app" in message.text


def test_a_finding_is_told_once() -> None:
    world = World()
    assert world.run(scanned("us-east-1"), settings())["reported"] == 1
    assert world.run(scanned("us-east-1"), settings())["reported"] == 0
    assert len(world.messages) == 1


def test_who_writes_in_between_makes_the_record_be_read_again() -> None:
    world = World(storage=VersionedMemory(beaten=2))
    assert world.run(scanned("us-east-1"), settings())["reported"] == 1
    assert world.pauses == 2
    assert len(world.messages) == 1


@pytest.mark.parametrize(
    ("routes", "repository", "said"),
    [
        ((("quay", "quay.io"),), "quay/team/app", "quay.io/team/app:1.27"),
        ((("quay", "quay.io"), ("quay/red", "quay.io/redhat")), "quay/red/app", "quay.io/redhat/app:1.27"),
    ],
)
def test_the_upstreams_name_is_that_of_the_longest_prefix(
    routes: tuple[tuple[str, str], ...], repository: str, said: str
) -> None:
    world = World()
    world.run(scanned("us-east-1", repository), settings(routes=routes))
    assert said in world.messages[0].text


def test_what_ecr_does_not_scan_is_no_failure_and_what_it_throttles_is() -> None:
    detail = {"sync-status": "SUCCESS", "repository-name": "quay/team/app", "image-digest": DIGEST}
    cached = {"id": "1", "detail-type": "ECR Pull Through Cache Action", "source": "aws.ecr", "detail": detail}
    assert World(refuses="ImageArchivedException").run(cached, settings())["not_scanned"] == 1
    with pytest.raises(PortError, match="refused"):
        World(refuses="ThrottlingException").run(cached, settings())


def test_an_event_that_asks_for_nothing_opens_no_port() -> None:
    world = World()

    def never() -> Ports:
        raise AssertionError

    assert "ignored" in dispatch({"detail-type": "something"}, settings(), never, world)
    assert world.lines == ["done"]
