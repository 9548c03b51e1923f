"""The registry port over ECR's API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.aws.ports.pull_times import CallerExclusion
from orchestrator.aws.ports.refusals import refusals
from orchestrator.lifecycle.ports import CacheRule, GoneError, PortError, Refusal
from orchestrator.lifecycle.units import Image

PAGE = 1000
# Manifests of every kind are asked for: one of another kind than asked would be refused or converted.
MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
IMAGE_CONFIGS = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)


@dataclass(frozen=True, slots=True)
class EcrRegistry:
    """The registry port. `exclusion` keeps what is read here from counting as pulled."""

    ecr: Any
    exclusion: CallerExclusion
    inspector: Any = None

    def rules(self) -> Sequence[CacheRule]:
        with refusals():
            pages = self.ecr.get_paginator("describe_pull_through_cache_rules").paginate()
            return [
                CacheRule(
                    rule["ecrRepositoryPrefix"].rstrip("/"),
                    rule.get("upstreamRegistryUrl", ""),
                    rule.get("upstreamRepositoryPrefix", ""),
                )
                for page in pages
                for rule in page["pullThroughCacheRules"]
            ]

    def repository_pages(self) -> Iterator[Sequence[str]]:
        with refusals():
            pages = self.ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": PAGE})
            for page in pages:
                yield [repository["repositoryName"] for repository in page["repositories"]]

    def image_pages(self, repository: str) -> Iterator[Sequence[Image]]:
        # Archived images too: others may hang on them. An SDK that knows no archive gets what it did before there was one.
        wanted = {"filter": {"imageStatus": "ANY"}} if self._knows("DescribeImagesFilter", "imageStatus") else {}
        with refusals():
            pages = self.ecr.get_paginator("describe_images").paginate(
                repositoryName=repository, PaginationConfig={"PageSize": PAGE}, **wanted
            )
            for page in pages:
                yield self._images(page["imageDetails"])

    def describe(self, repository: str, digests: Sequence[str]) -> Sequence[Image]:
        try:
            with refusals():
                answer = self.ecr.describe_images(
                    repositoryName=repository, imageIds=[{"imageDigest": digest} for digest in digests]
                )
            return self._images(answer["imageDetails"])
        except PortError as error:
            if error.code != "ImageNotFoundException":
                raise
        # One that is missing fails the whole call, so the others are asked for in halves.
        if len(digests) == 1:
            return []
        half = len(digests) // 2
        return [*self.describe(repository, digests[:half]), *self.describe(repository, digests[half:])]

    def _images(self, details: Sequence[Mapping[str, Any]]) -> list[Image]:
        knows_subjects = self._knows("ImageDetail", "subjectManifestDigest")
        return [
            Image(
                digest=detail["imageDigest"],
                tags=tuple(detail.get("imageTags") or ()),
                pushed_at=detail["imagePushedAt"],
                pulled_at=_last_use(detail),
                size=int(detail.get("imageSizeInBytes") or 0),
                media_type=detail.get("imageManifestMediaType") or "",
                subject=detail.get("subjectManifestDigest"),
                status=detail.get("imageStatus") or "ACTIVE",
            )
            for detail in details
            if knows_subjects or not _may_refer(detail)
        ]

    def _knows(self, shape: str, member: str) -> bool:
        """Does the runtime's botocore know it? An old one drops it from answers and refuses it in requests."""
        return member in self.ecr.meta.service_model.shape_for(shape).members

    def manifests(self, repository: str, digests: Sequence[str]) -> Mapping[str, str]:
        self.exclusion.ensure()
        with refusals():
            answer = self.ecr.batch_get_image(
                repositoryName=repository,
                imageIds=[{"imageDigest": digest} for digest in digests],
                acceptedMediaTypes=list(MEDIA_TYPES),
            )
        for failure in answer.get("failures", []):
            if failure.get("failureCode") != "ImageNotFound":
                raise PortError(str(failure.get("failureCode")), str(failure.get("failureReason", "")), "BatchGetImage")
        return {image["imageId"]["imageDigest"]: image["imageManifest"] for image in answer["images"]}

    def policy(self, repository: str) -> str | None:
        try:
            with refusals():
                return str(self.ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"])
        except PortError as error:
            if error.code != "LifecyclePolicyNotFoundException":
                raise
            return None

    def put_policy(self, repository: str, text: str) -> None:
        with refusals():
            self.ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=text)

    def delete_policy(self, repository: str) -> None:
        with refusals():
            self.ecr.delete_lifecycle_policy(repositoryName=repository)

    def delete(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        with refusals():
            answer = self.ecr.batch_delete_image(
                repositoryName=repository, imageIds=[{"imageDigest": digest} for digest in digests]
            )
        return [
            Refusal(failure["imageId"]["imageDigest"], failure.get("failureCode", ""), failure.get("failureReason", ""))
            for failure in answer.get("failures", [])
        ]

    def archive(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        refused = []
        for digest in digests:
            try:
                with refusals():
                    self.ecr.update_image_storage_class(
                        repositoryName=repository, imageId={"imageDigest": digest}, targetStorageClass="ARCHIVE"
                    )
            except GoneError:
                raise
            except PortError as error:
                refused.append(Refusal(digest, error.code, error.message))
        return refused

    def in_use(self, repository: str) -> Mapping[str, str]:
        if self.inspector is None:
            return {}
        found = {}
        with refusals():
            pages = self.inspector.get_paginator("list_coverage").paginate(
                filterCriteria={
                    "resourceType": [{"comparison": "EQUALS", "value": "AWS_ECR_CONTAINER_IMAGE"}],
                    "ecrRepositoryName": [{"comparison": "EQUALS", "value": repository}],
                    "ecrImageInUseCount": [{"lowerInclusive": 1}],
                }
            )
            for page in pages:
                for resource in page["coveredResources"]:
                    digest = "sha256:" + str(resource["resourceId"]).rpartition("sha256:")[2]
                    count = resource.get("resourceMetadata", {}).get("ecrImage", {}).get("inUseCount", 0)
                    found[digest] = f"Amazon Inspector: {count} tasks or pods"
        return found


def _last_use(detail: Mapping[str, Any]) -> datetime | None:
    """The last pull, or when the image was brought out of the archive: who does that means to use it."""
    times = [detail[name] for name in ("lastRecordedPullTime", "lastActivatedAt") if detail.get(name)]
    return max(times, default=None)


def _may_refer(detail: Mapping[str, Any]) -> bool:
    """Might this untagged image be attached to another one? Asked only where the SDK does not say to which."""
    return not detail.get("imageTags") and detail.get("artifactMediaType") not in (None, *IMAGE_CONFIGS)
