"""Brings expired images of an audit back: out of the archive, or through the cache by each of their tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from orchestrator.aws.pull import TagPulls
from orchestrator.aws.translation import error_code, explained

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.lifecycle.audit import AuditRecord

WORKERS = 8
ABSENT = ("ImageNotFoundException", "RepositoryNotFoundException")
Outcome = Literal["restored", "moved", "with its index", "present", "unavailable"]
# ECR takes its time to bring an image out of the archive; until then it cannot be pulled.
ACTIVATING = "ECR makes it available within 20 minutes"
WITHOUT_TAG = "the image itself is there, without this tag"


@dataclass(frozen=True, slots=True)
class Restoration:
    """How restoring one name of an image ended: `tag`, "" for an image without one; `digest` is what it names now.

    "moved": the tag names another image now; `detail` says where the image itself came back all the same. `children` are
    what the index lists that was pulled.
    """

    record: AuditRecord
    outcome: Outcome
    tag: str = ""
    digest: str = ""
    detail: str = ""
    children: tuple[str, ...] = ()

    @property
    def came_back(self) -> bool:
        """Does the name mean the image that it meant?"""
        return self.outcome not in ("moved", "unavailable")


def restore_images(session: AwsSession, records: Sequence[AuditRecord]) -> list[Restoration]:
    """Bring the images back, several at a time; one answer for each tag, in the order of the records.

    An image without a tag cannot be asked for: it comes with the index that it belongs to.
    """
    with explained(session, "ecr"), TagPulls(session) as pulls, ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda record: list(_restored(session, pulls, record)), records))
    results = [result for each in found for result in each]
    listed = {(result.record.repository, child) for result in results for child in result.children}
    back = {(result.record.repository, result.record.digest) for result in results if result.came_back}

    def settled(result: Restoration) -> Restoration:
        record = result.record
        if result.outcome == "unavailable" and not record.tags and not result.detail:
            # ECR imports an index's images by itself; what is merely attached to an image does not come with it.
            try:
                there = (record.repository, record.digest) in listed or _described(session, record)
            except ClientError as error:
                return replace(result, detail=f"{error_code(error)} from {error.operation_name}")
            if there:
                return replace(result, outcome="with its index", digest=record.digest)
            return replace(result, detail="it has no tag to be pulled by, and no index that came back lists it")
        if result.outcome == "moved" and (record.repository, record.digest) in back:
            return replace(result, detail=WITHOUT_TAG)
        return result

    return [settled(result) for result in results]


def _restored(session: AwsSession, pulls: TagPulls, record: AuditRecord) -> Iterator[Restoration]:
    there = None if record.outcome else _described(session, record)
    if there is not None and there.get("imageStatus", "ACTIVE") == "ACTIVE":
        # A run that died left it where it was.
        yield from _by_name(pulls, record, there, "present")
        return
    if record.outcome == "archived" or (not record.outcome and record.action == "archive"):
        unarchived = _unarchived(session, pulls, record)
        if unarchived:
            yield from unarchived
            return
    if not record.tags:
        # Settled when all others are back.
        yield Restoration(record, "unavailable")
    for tag in record.tags:
        yield _pulled(pulls, record, tag)


def _by_name(
    pulls: TagPulls, record: AuditRecord, image: Mapping[str, Any] | None, outcome: Outcome, detail: str = ""
) -> Iterator[Restoration]:
    """The image is there: how it ended for each of its tags. Those that it lost meanwhile are pulled again."""
    held = record.tags if image is None else image.get("imageTags", [])
    for tag in record.tags or ("",):
        if not tag or tag in held:
            yield Restoration(record, outcome, tag, record.digest, detail)
        else:
            pulled = _pulled(pulls, record, tag)
            yield replace(pulled, detail=WITHOUT_TAG) if pulled.outcome == "moved" else pulled


def _pulled(pulls: TagPulls, record: AuditRecord, tag: str) -> Restoration:
    pulled = pulls.pull(record.repository, tag)
    if not pulled.digest:
        return Restoration(record, "unavailable", tag, detail=f"{pulled.problem}; its source was {record.upstream}")
    outcome: Outcome = "restored" if pulled.digest == record.digest else "moved"
    return Restoration(record, outcome, tag, pulled.digest, children=pulled.children)


def _described(session: AwsSession, record: AuditRecord) -> Mapping[str, Any] | None:
    """The image as ECR describes it, which is no pull; None when it is not there."""
    client: Any = session.client("ecr")
    try:
        answer = client.describe_images(repositoryName=record.repository, imageIds=[{"imageDigest": record.digest}])
    except ClientError as error:
        if error_code(error) in ABSENT:
            return None
        raise
    images: list[Mapping[str, Any]] = answer["imageDetails"]
    return images[0] if images else None


def _unarchived(session: AwsSession, pulls: TagPulls, record: AuditRecord) -> list[Restoration]:
    """The image out of the archive, by each of its names; nothing when it is not there any more."""
    client: Any = session.client("ecr")
    try:
        answer = client.update_image_storage_class(
            repositoryName=record.repository,
            imageId={"imageDigest": record.digest},
            targetStorageClass="STANDARD",
        )
        detail = ACTIVATING if answer.get("imageStatus") == "ACTIVATING" else ""
    except ClientError as error:
        code = error_code(error)
        if code in ABSENT:
            return []
        if code != "ImageStorageClassUpdateNotSupportedException":
            detail = f"{code} from {error.operation_name}"
            return [Restoration(record, "unavailable", tag, detail=detail) for tag in record.tags or ("",)]
        detail = "it was not in the archive any more"
    return list(_by_name(pulls, record, _described(session, record), "restored", detail))
