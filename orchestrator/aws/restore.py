"""Brings back what an audit says was expired: out of the archive, or through the cache by each of its tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from orchestrator.aws.errors import error_code, explained
from orchestrator.aws.pull import pull_tag

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.lifecycle.records import Record

WORKERS = 8
ABSENT = ("ImageNotFoundException", "RepositoryNotFoundException")
Outcome = Literal["restored", "moved", "with its index", "present", "unavailable"]
# ECR takes its time to bring an image out of the archive; until then it cannot be pulled.
ACTIVATING = "ECR makes it available within 20 minutes"


@dataclass(frozen=True, slots=True)
class Restoration:
    """How restoring one name of an image ended: `tag`, "" for an image without one; `digest` is what it names now."""

    record: Record
    outcome: Outcome
    tag: str = ""
    digest: str = ""
    detail: str = ""


def restore_images(session: AwsSession, records: Sequence[Record]) -> list[Restoration]:
    """Bring the images back, several at a time; one answer for each tag, in the order of the records.

    An image without a tag cannot be asked for: it comes with the index that it belongs to.
    """
    with explained(session.environment, "ecr"), ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda record: list(_restored(session, record)), records))
    results = [result for each in found for result in each]
    back = {result.record.digest for result in results if result.outcome == "restored"}
    return [
        replace(result, outcome="with its index", digest=result.record.digest, detail="")
        if result.outcome == "unavailable" and not result.record.tags and result.record.root in back
        else result
        for result in results
    ]


def _restored(session: AwsSession, record: Record) -> Iterator[Restoration]:
    if not record.outcome and _is_there(session, record):
        yield Restoration(record, "present", record.tags[0] if record.tags else "", record.digest)
        return
    if record.outcome == "archived" or (not record.outcome and record.action == "archive"):
        unarchived = _unarchived(session, record)
        if unarchived is not None:
            yield unarchived
            return
    if not record.tags:
        detail = f"it has no tag to be pulled by, and {record.root}, to which it belongs, did not come back"
        yield Restoration(record, "unavailable", detail=detail)
    for tag in record.tags:
        pulled = pull_tag(session, record.repository, tag)
        if pulled.digest:
            outcome: Outcome = "restored" if pulled.digest == record.digest else "moved"
            yield Restoration(record, outcome, tag, pulled.digest)
        else:
            yield Restoration(record, "unavailable", tag, detail=f"{pulled.problem}; its source was {record.upstream}")


def _is_there(session: AwsSession, record: Record) -> bool:
    """Did a run that died leave the image where it was?"""
    client: Any = session.client("ecr")
    try:
        answer = client.describe_images(repositoryName=record.repository, imageIds=[{"imageDigest": record.digest}])
    except ClientError as error:
        if error_code(error) in ABSENT:
            return False
        raise
    return bool(answer["imageDetails"][0].get("imageStatus", "ACTIVE") == "ACTIVE")


def _unarchived(session: AwsSession, record: Record) -> Restoration | None:
    """The image out of the archive; None when it is not there any more."""
    client: Any = session.client("ecr")
    tag = record.tags[0] if record.tags else ""
    image = {"imageDigest": record.digest}
    try:
        answer = client.update_image_storage_class(
            repositoryName=record.repository, imageId=image, targetStorageClass="STANDARD"
        )
    except ClientError as error:
        code = error_code(error)
        if code == "ImageStorageClassUpdateNotSupportedException":
            return Restoration(record, "restored", tag, record.digest, "it was not in the archive any more")
        if code in ABSENT:
            return None
        return Restoration(record, "unavailable", tag, detail=f"{code} from {error.operation_name}")
    detail = ACTIVATING if answer.get("imageStatus") == "ACTIVATING" else ""
    return Restoration(record, "restored", tag, record.digest, detail)
