"""What one registry (an account's ECR in a region) holds, and the context of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestrator.local.ecr.behaviour import Behaviour
from orchestrator.local.ecr.blob_store import BlobStore, Upload
from orchestrator.local.ecr.ecr_error import EcrError, repository_not_found
from orchestrator.local.ecr.tickets import Tickets
from orchestrator.partitions import registry_host

Document = dict[str, Any]
Manifest = tuple[str, str | None]
"""A manifest's text, and its media type where the text does not say."""


def now() -> datetime:
    """This moment, in whole milliseconds as ECR reports times."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(slots=True)
class HeldImage:
    """An image manifest or index; `size` in bytes as DescribeImages reports it, `in_use` in tasks and Pods.

    `pushed` by somebody: no upstream has it. `given` are the tags that somebody gave an image of an upstream.
    """

    digest: str
    manifest: str
    media_type: str
    size: int
    pushed_at: datetime
    tags: list[str] = field(default_factory=list)
    artifact_type: str | None = None
    subject: str | None = None
    children: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    pulled_at: datetime | None = None
    status: str = "ACTIVE"
    archived_at: datetime | None = None
    activated_at: datetime | None = None
    scanned_at: datetime | None = None
    findings: list[Document] = field(default_factory=list)
    in_use: int = 0
    pushed: bool = False
    given: set[str] = field(default_factory=set)


@dataclass(slots=True)
class HeldRepository:
    """A repository; `images` by digest in the order of their pushes, `layers` sizes in bytes by digest.

    `cause` is why ECR made it by itself (PULL_THROUGH_CACHE, CREATE_ON_PUSH), empty when somebody else did.
    """

    name: str
    registry_id: str
    region: str
    arn: str
    uri: str
    created_at: datetime
    mutability: str = "MUTABLE"
    exclusion_filters: list[Document] | None = None
    scan_on_push: bool = False
    encryption: Document = field(default_factory=lambda: {"encryptionType": "AES256"})
    tags: dict[str, str] = field(default_factory=dict)
    policy: str | None = None
    lifecycle_policy: str | None = None
    lifecycle_evaluated_at: datetime | None = None
    preview: Document | None = None
    images: dict[str, HeldImage] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    cause: str = ""
    looked_up: dict[str, datetime] = field(default_factory=dict)

    def tagged(self, tag: str) -> HeldImage | None:
        """The image that holds `tag`."""
        return next((image for image in self.images.values() if tag in image.tags), None)

    def find(self, image_id: Document) -> HeldImage | None:
        """The image of an `{imageDigest, imageTag}`; both must fit when both are given."""
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        image = self.images.get(digest) if digest else self.tagged(tag) if tag else None
        return image if image and (not tag or tag in image.tags) else None


@dataclass(slots=True)
class HeldRegistry:
    """The ECR of one account in one region."""

    account_id: str
    region: str
    partition: str
    repositories: dict[str, HeldRepository] = field(default_factory=dict)
    rules: dict[str, Document] = field(default_factory=dict)
    templates: dict[str, Document] = field(default_factory=dict)
    policy: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    exclusions: dict[str, datetime] = field(default_factory=dict)
    scanning: Document = field(default_factory=lambda: {"scanType": "BASIC", "rules": []})
    replication: Document = field(default_factory=lambda: {"rules": []})
    backfills: dict[str, Document] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The registry's host name, such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com`."""
        return registry_host(self.account_id, self.region)

    def repository(self, name: str) -> HeldRepository:
        """The named repository; raises RepositoryNotFoundException."""
        found = self.repositories.get(name)
        if found is None:
            raise repository_not_found(name, self.account_id)
        return found


@dataclass(slots=True)
class HeldUpstreams:
    """What the upstream registries hold, as far as tests say."""

    _images: dict[tuple[str, str, str], list[Manifest]] = field(default_factory=dict)

    def put(self, url: str, repository: str, tag: str, manifests: list[Manifest]) -> None:
        """Let `tag` name the last of `manifests`; those before it are an index's children."""
        self._images[url, repository, tag] = manifests

    def get(self, url: str, repository: str, tag: str) -> list[Manifest]:
        """The manifests of a tag; none when the upstream lacks it."""
        return self._images.get((url, repository, tag), [])


@dataclass(frozen=True, slots=True)
class EcrCall:
    """One call: the registry it is about, who asks, what the upstreams hold, and where blobs are.

    `other` gives the registry of an account and region.
    """

    registry: HeldRegistry
    principal_arn: str
    upstream: HeldUpstreams
    blobs: BlobStore
    tickets: Tickets
    behaviour: Behaviour
    other: Callable[[str, str], HeldRegistry]


def page(items: list[Any], params: Document, default: int) -> tuple[list[Any], str | None]:
    """One page of `items` by `maxResults` and `nextToken`, and the token of the next page."""
    token = params.get("nextToken")
    try:
        start = int(token.removeprefix("page-")) if token else 0
    except ValueError:
        start = -1
    if token and (start <= 0 or not token.startswith("page-")):
        raise EcrError(
            "InvalidParameterException",
            "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'",
        )
    end = start + int(params.get("maxResults") or default)
    return items[start:end], f"page-{end}" if end < len(items) else None
