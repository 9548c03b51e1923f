"""What a registry holds, for reports: repositories with their sizes, times and what scans found. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.aws.translation import explained

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

    from orchestrator.aws.session import AwsSession


@dataclass(frozen=True, slots=True)
class ScannedImage:
    """An image whose last scan found something: severities with their counts."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    severities: dict[str, int]


@dataclass(frozen=True, slots=True)
class RepositoryContents:
    """One repository. `size` is the sum of its images' compressed bytes; times are None where there are none."""

    name: str
    images: int = 0
    size: int = 0
    first_push: datetime | None = None
    last_pull: datetime | None = None
    scanned: tuple[ScannedImage, ...] = field(default=())


def registry_contents(session: AwsSession) -> list[RepositoryContents]:
    """Every repository of the registry by name. Raises OrchestratorError."""
    client = session.client("ecr")
    with explained(session, "ecr"):
        names = [
            repository["repositoryName"]
            for page in client.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 1000})
            for repository in page["repositories"]
        ]
        return [_contents(client, name) for name in sorted(names)]


def _contents(client: ECRClient, name: str) -> RepositoryContents:
    images = size = 0
    pushed: list[datetime] = []
    pulled: list[datetime] = []
    scanned: list[ScannedImage] = []
    pages = client.get_paginator("describe_images").paginate(repositoryName=name, PaginationConfig={"PageSize": 1000})
    for page in pages:
        for image in page["imageDetails"]:
            images += 1
            size += image.get("imageSizeInBytes", 0)
            pushed += [image["imagePushedAt"]] if "imagePushedAt" in image else []
            pulled += [image["lastRecordedPullTime"]] if "lastRecordedPullTime" in image else []
            counts = image.get("imageScanFindingsSummary", {}).get("findingSeverityCounts", {})
            if counts:
                found = {str(severity): count for severity, count in counts.items()}
                scanned.append(ScannedImage(name, image["imageDigest"], tuple(image.get("imageTags", ())), found))
    return RepositoryContents(name, images, size, min(pushed, default=None), max(pulled, default=None), tuple(scanned))


def severities(contents: list[RepositoryContents]) -> Iterator[tuple[str, int]]:
    """(severity, how many findings) of everything."""
    total: Counter[str] = Counter()
    for repository in contents:
        for image in repository.scanned:
            total.update(image.severities)
    yield from total.items()
