"""AWS Lambda's entry point of scan findings: ECR's and Inspector's events in, scans and one message an image out.

Its variables are in `orchestrator.findings.settings`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.aws.ports import MEDIA_TYPES, refusals
from orchestrator.findings.event import (
    Cached,
    Closed,
    Finding,
    Ignored,
    Scanned,
    at_or_above,
    counts_matter,
    read_event,
    read_findings,
)
from orchestrator.findings.message import Usage, message
from orchestrator.findings.parents import Parent, with_parent
from orchestrator.findings.reported import Begun, Record
from orchestrator.findings.settings import FindingsSettings, read_findings_settings
from orchestrator.lifecycle.ports import GoneError, PortError
from orchestrator.lifecycle.settings import Settings
from orchestrator.lifecycle.units import children_of
from orchestrator.lifecycle.upstream_names import UpstreamNames, reference

from .clients import client, log
from .kept import change_parents, change_record, read_record
from .usage import usage_of, with_inspector

STARTED = "started"
UNSUPPORTED = "UnsupportedImageTypeException"
# Nothing to do, and no failure: another attempt within minutes would be refused too.
NOT_SCANNED = {
    "ImageNotFoundException": "the image is gone",
    "RepositoryNotFoundException": "the repository is gone",
    "ImageArchivedException": "it is archived",
    UNSUPPORTED: "ECR does not scan this type of image",
}
# ECR has one code for two limits; its own words may tell them apart.
LIMITED = (
    "ECR's limit: it was scanned within 24 hours (at its push, say), or the account's 100,000 scans of 24 hours are "
    "used up"
)
# The most that DescribeImageScanFindings takes; 100 unless said.
PAGE_SIZE = 1000


def handle(event: Any, context: Any) -> dict[str, object]:  # noqa: ARG001
    """Do what the event asks; what was done. A failure raises, and Lambda calls again."""
    settings = read_findings_settings(os.environ)
    asked = read_event(event, account=settings.account, severity=settings.severity)
    if isinstance(asked, Cached):
        done = _look_after(asked, settings)
    elif isinstance(asked, Scanned):
        done = _report(asked, event, settings)
    elif isinstance(asked, Closed):
        done = _close(asked, settings)
    else:
        assert isinstance(asked, Ignored)
        done = {"ignored": asked.reason}
    log("INFO", "done", event=event.get("id") if isinstance(event, Mapping) else None, **done)
    return done


################################################################################
# Newly cached images
################################################################################


def _look_after(image: Cached, settings: FindingsSettings) -> dict[str, object]:
    """With basic scanning start a scan, of an index those of its images: ECR scans no index. Note which images it holds."""
    outcome = "" if settings.enhanced else _start_scan(image.repository, image.digest)
    if outcome == STARTED:
        # An image of its own.
        return _scans(image, {image.digest: outcome})
    try:
        children = _children(image)
    except PortError as error:
        if not settings.enhanced or not error.code.startswith("AccessDenied"):
            raise
        # Below a rule that this function was not told of. What Inspector finds there is reported all the same.
        log("WARNING", f"Which images {image.digest} holds is not noted: {error}", repository=image.repository)
        return {"repository": image.repository, "digest": image.digest, "images": 0}
    parent = Parent(image.repository, image.digest)
    for child in children:
        # Before its scan, whose event looks for the note.
        change_parents(settings.bucket, child, lambda known: with_parent(known, parent))
    if settings.enhanced:
        return {"repository": image.repository, "digest": image.digest, "images": len(children)}
    if outcome != NOT_SCANNED[UNSUPPORTED]:
        return _scans(image, {image.digest: outcome})
    scans = {child: _start_scan(image.repository, child) for child in children}
    return _scans(image, scans or {image.digest: outcome})


def _children(image: Cached) -> tuple[str, ...]:
    """The images of an index; none of what is no index. Reading it counts as a pull, but it was pulled just now."""
    try:
        with refusals():
            answer = client("ecr").batch_get_image(
                repositoryName=image.repository,
                imageIds=[{"imageDigest": image.digest}],
                acceptedMediaTypes=list(MEDIA_TYPES),
            )
    except GoneError:
        return ()
    for failure in answer.get("failures", []):
        if failure.get("failureCode") != "ImageNotFound":
            reason = str(failure.get("failureReason", ""))
            raise PortError(str(failure.get("failureCode")), reason, "BatchGetImage")
    images = answer.get("images", [])
    return children_of(images[0]["imageManifest"]) if images else ()


def _scans(image: Cached, outcomes: Mapping[str, str]) -> dict[str, object]:
    """What was done; `scans` are {digest: "started", or why not}."""
    started = sum(outcome == STARTED for outcome in outcomes.values())
    return {
        "repository": image.repository,
        "scans": outcomes,
        "started": started,
        "not_scanned": len(outcomes) - started,
    }


def _start_scan(repository: str, digest: str) -> str:
    """ "started", or why not; raises PortError for what Lambda's next attempt may do better."""
    try:
        with refusals():
            client("ecr").start_image_scan(repositoryName=repository, imageId={"imageDigest": digest})
    except PortError as error:
        if error.code == "LimitExceededException":
            return f"{LIMITED}: {error.message}"
        if error.code in NOT_SCANNED:
            return NOT_SCANNED[error.code]
        raise
    return STARTED


################################################################################
# Findings
################################################################################


def _report(image: Scanned, event: Mapping[str, Any], settings: FindingsSettings) -> dict[str, object]:
    about = {"repository": image.repository, "digest": image.digest}
    if not counts_matter(image.counts, settings.severity):
        return {**about, "reported": 0, "reason": f"nothing at or above {settings.severity}"}
    # Inspector sends an event for each finding, and the first of an image's many reports them all: who comes after is
    # to cost little.
    if image.findings and not _news(image, settings, in_use=True):
        return {**about, "reported": 0, "reason": "it is reported already"}
    usage = usage_of(image, settings)
    if image.findings and not _news(image, settings, in_use=bool(with_inspector(usage, image.findings).user)):
        return {**about, "reported": 0, "reason": "it is reported already"}
    findings = at_or_above(_findings(image), settings.severity)
    usage = with_inspector(usage, findings)

    def publish(why: Mapping[str, str]) -> None:
        news = [finding for finding in findings if finding.identity in why]
        _publish(image, news, why, usage, event, settings)

    number = _once(image.digest, findings, settings, publish, in_use=bool(usage.user))
    return {**about, "findings": len(findings), "reported": number}


def _news(image: Scanned, settings: FindingsSettings, *, in_use: bool) -> dict[str, str]:
    """What is new about the event's own findings."""
    record = read_record(settings.bucket, image.digest)
    return record.news(image.findings, in_use=in_use, now=time.time())


def _findings(image: Scanned) -> tuple[Finding, ...]:
    """All findings of the image; those of the event alone where they cannot be read."""
    found = list(image.findings)
    try:
        with refusals():
            pages = client("ecr").get_paginator("describe_image_scan_findings")
            for page in pages.paginate(
                repositoryName=image.repository,
                imageId={"imageDigest": image.digest},
                PaginationConfig={"PageSize": PAGE_SIZE},
            ):
                found += read_findings(page.get("imageScanFindings") or {})
    except PortError as error:
        if not image.findings:
            if error.code in NOT_SCANNED:
                return ()
            raise
        log("WARNING", f"Only the event's own findings are reported: {error}", digest=image.digest)
    return tuple(found)


def _once(
    digest: str,
    findings: tuple[Finding, ...],
    settings: FindingsSettings,
    publish: Callable[[Mapping[str, str]], None],
    *,
    in_use: bool,
) -> int:
    """Publish of the findings what nobody told yet, by {identity: what is new about it}; how many they were."""
    why: dict[str, str] = {}
    begun: dict[str, Begun] = {}

    def claim(record: Record) -> Record:
        nonlocal why, begun
        # What an attempt wrote whose answer was lost is not somebody else's.
        record = record.release(begun)
        now = time.time()
        why = record.news(findings, in_use=in_use, now=now)
        begun = record.begin((each for each in findings if each.identity in why), in_use=in_use, now=now)
        return record.with_begun(begun)

    change_record(settings.bucket, digest, claim)
    if not why:
        return 0
    try:
        publish(why)
    except BaseException:
        # Lambda calls again; until then the findings are nobody's.
        _settle(settings, digest, lambda record: record.release(begun))
        raise
    _settle(settings, digest, lambda record: record.finish(begun))
    return len(why)


def _settle(settings: FindingsSettings, digest: str, change: Callable[[Record], Record]) -> None:
    """Write what became of a claim. Never raises: after a message Lambda would call again, and it would be sent twice."""
    try:
        change_record(settings.bucket, digest, change)
    except PortError as error:
        log("WARNING", f"What became of a report is not written, it may be made once more: {error}", digest=digest)


def _close(closed: Closed, settings: FindingsSettings) -> dict[str, object]:
    """Note what Inspector closed: when it comes back it is news."""
    try:
        change_record(settings.bucket, closed.digest, lambda record: record.close(closed.findings, closed.at))
    except PortError as error:
        if error.code != "Conflict":
            raise
        # Inspector closes all findings of an image that goes at once. What is lost is a message if one of them comes back.
        log("WARNING", f"A closed finding is not noted: {error}", digest=closed.digest)
        return {"digest": closed.digest, "closed": []}
    return {"digest": closed.digest, "closed": sorted(closed.findings)}


################################################################################
# The message
################################################################################


def _publish(
    image: Scanned,
    findings: list[Finding],
    why: Mapping[str, str],
    usage: Usage,
    event: Mapping[str, Any],
    settings: FindingsSettings,
) -> None:
    region = str(event.get("region") or os.environ.get("AWS_REGION", ""))
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    made = message(
        image,
        findings,
        why,
        least=settings.severity,
        registry=f"{settings.account}.dkr.ecr.{region}.{suffix}",
        environment=settings.shared.environment,
        upstream=_upstream(image, settings.shared),
        usage=usage,
    )
    with refusals():
        client("sns").publish(
            TopicArn=settings.topic_arn,
            Subject=made.subject,
            Message=made.structure(),
            MessageStructure="json",
            MessageAttributes={"severity": {"DataType": "String", "StringValue": findings[0].severity}},
        )


def _upstream(image: Scanned, settings: Settings) -> str | None:
    """What the image is called at its source, empty for an own image; None below ROOT, where ECR does not tell."""
    names = UpstreamNames(dict(settings.routes))
    if names.prefix_of(image.repository) == "":
        return None
    return reference(names.upstream_of(image.repository), image.tags, image.digest)
