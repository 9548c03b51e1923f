"""AWS Lambda's entry point of scan findings: ECR's and Inspector's events in, scans and one message an image out.

ACCOUNT_ID     whose registry it is: events of other accounts' images are ignored
SCAN_TYPE      BASIC or ENHANCED: with BASIC scans of newly cached images are started here
SEVERITY       the least severity that is worth a message
TOPIC_ARN      where messages go
BUCKET         snapshots/ of clusters, and findings/ with what was reported
CLUSTERS       JSON list: whose snapshots must be there to say that nobody uses an image
ROUTES         JSON list of {"prefix", "source"}: names upstreams
ENVIRONMENT    for messages
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from orchestrator.aws.ecr import S3Storage, refusals
from orchestrator.lifecycle.findings import (
    SEVERITIES,
    Finding,
    Ignored,
    Scanned,
    ScanWanted,
    at_or_above,
    counts_matter,
    message,
    read_event,
    read_findings,
)
from orchestrator.lifecycle.ports import PortError
from orchestrator.lifecycle.reported import Record, dump_record, parse_record, record_key
from orchestrator.lifecycle.settings import Settings, read_settings
from orchestrator.lifecycle.units import INDEX_MEDIA_TYPES, children_of
from orchestrator.lifecycle.upstream_names import reference
from orchestrator.lifecycle.used import load_used

# Somebody else's change in between: read again, so often at most.
ATTEMPTS = 5
STARTED = "started"
# Nothing to do, and no failure: another attempt within minutes would be refused too.
NOT_SCANNED = {
    "ImageNotFoundException": "the image is gone",
    "RepositoryNotFoundException": "the repository is gone",
    "ImageArchivedException": "it is archived",
}
# ECR has one code for two limits; its own words may tell them apart.
LIMITED = (
    "ECR's limit: it was scanned within 24 hours (at its push, say), or the account's 100,000 scans of 24 hours are "
    "used up"
)
# The most that DescribeImageScanFindings takes; 100 unless said.
PAGE_SIZE = 1000


@cache
def _client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    return make(service, config=Config(connect_timeout=5, read_timeout=20, retries={"mode": "adaptive"}))


def handle(event: Mapping[str, Any], context: Any) -> dict[str, object]:  # noqa: ARG001
    """Do what the event asks; what was done. A failure raises, and Lambda calls again."""
    enhanced = os.environ.get("SCAN_TYPE", "BASIC") == "ENHANCED"
    asked = read_event(event, enhanced=enhanced, account=os.environ["ACCOUNT_ID"], severity=_severity())
    if isinstance(asked, ScanWanted):
        done = _start_scans(asked)
    elif isinstance(asked, Scanned):
        done = _report(asked, event)
    else:
        assert isinstance(asked, Ignored)
        done = {"ignored": asked.reason}
    _log("INFO", "done", event=event.get("id"), **done)
    return done


def _severity() -> str:
    severity = os.environ.get("SEVERITY", "HIGH")
    if severity not in SEVERITIES:
        raise ValueError(f'SEVERITY is "{severity}", not one of {", ".join(SEVERITIES)}')
    return severity


def _log(level: str, text: str, **fields: object) -> None:
    print(json.dumps({"level": level, "message": text, **fields}, default=str), flush=True)


def _start_scans(image: ScanWanted) -> dict[str, object]:
    """Start a scan of the image, of an index those of its images: ECR scans no index."""
    outcome = _start_scan(image.repository, image.digest)
    if outcome != "UnsupportedImageTypeException":
        return _scans(image, {image.digest: outcome})
    with refusals():
        answer = _client("ecr").batch_get_image(
            repositoryName=image.repository,
            imageIds=[{"imageDigest": image.digest}],
            acceptedMediaTypes=sorted(INDEX_MEDIA_TYPES),
        )
    images = answer.get("images", [])
    children = children_of(images[0]["imageManifest"]) if images else ()
    return _scans(image, {child: _start_scan(image.repository, child) for child in children})


def _scans(image: ScanWanted, outcomes: Mapping[str, str]) -> dict[str, object]:
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
            _client("ecr").start_image_scan(repositoryName=repository, imageId={"imageDigest": digest})
    except PortError as error:
        if error.code == "UnsupportedImageTypeException":
            return error.code
        if error.code == "LimitExceededException":
            return f"{LIMITED}: {error.message}"
        if error.code in NOT_SCANNED:
            return NOT_SCANNED[error.code]
        raise
    return STARTED


def _report(image: Scanned, event: Mapping[str, Any]) -> dict[str, object]:
    severity = _severity()
    about = {"repository": image.repository, "digest": image.digest}
    if not counts_matter(image.counts, severity):
        return {**about, "reported": 0, "reason": f"nothing at or above {severity}"}
    if image.findings and not _fresh(image):
        return {**about, "reported": 0, "reason": "it is reported already"}
    findings = at_or_above(_findings(image), severity)
    number = _once(image.digest, findings, lambda fresh: _publish(image, fresh, event))
    return {**about, "findings": len(findings), "reported": number}


def _fresh(image: Scanned) -> bool:
    """Is one of the event's own findings news? The first of an image's many events reports them all."""
    record, _ = _read(record_key(image.digest))
    return bool(record.fresh((finding.identity for finding in image.findings), time.time()))


def _findings(image: Scanned) -> tuple[Finding, ...]:
    """All findings of the image; those of the event alone where they cannot be read."""
    found = list(image.findings)
    try:
        with refusals():
            pages = _client("ecr").get_paginator("describe_image_scan_findings")
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
        _log("WARNING", f"Only the event's own findings are reported: {error}", digest=image.digest)
    return tuple(found)


def _once(digest: str, findings: tuple[Finding, ...], publish: Callable[[tuple[Finding, ...]], None]) -> int:
    """Publish the findings that nobody reported of this image yet; how many they were."""
    key = record_key(digest)
    mine: frozenset[str] = frozenset()

    def claim(record: Record) -> Record:
        nonlocal mine
        now = time.time()
        mine = record.fresh((finding.identity for finding in findings), now)
        return record.begin(mine, now)

    _change(key, claim)
    if not mine:
        return 0
    try:
        publish(tuple(finding for finding in findings if finding.identity in mine))
    except BaseException:
        # Lambda calls again; until then the findings are nobody's.
        _change(key, lambda record: record.release(mine))
        raise
    _change(key, lambda record: record.finish(mine))
    return len(mine)


def _change(key: str, change: Callable[[Record], Record]) -> None:
    """Put what `change` makes of the record, which is read again when somebody else wrote in between."""
    for _ in range(ATTEMPTS):
        record, version = _read(key)
        changed = change(record)
        if changed == record or _write(key, changed, version):
            return
    raise PortError("Conflict", f"{key} changed {ATTEMPTS} times while it was to be written")


def _read(key: str) -> tuple[Record, str | None]:
    """(record, its version); no version where there is none yet."""
    try:
        with refusals():
            answer = _client("s3").get_object(Bucket=os.environ["BUCKET"], Key=key)
            return parse_record(answer["Body"].read()), str(answer["ETag"])
    except PortError as error:
        if error.code != "NoSuchKey":
            raise
        return Record(), None


def _write(key: str, record: Record, version: str | None) -> bool:
    """Write the record; False when somebody else wrote since `version` was read."""
    condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
    try:
        with refusals():
            _client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=dump_record(record), **condition)
    except PortError as error:
        if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
            return False
        raise
    return True


def _publish(image: Scanned, findings: tuple[Finding, ...], event: Mapping[str, Any]) -> None:
    settings = read_settings({name: os.environ.get(name, "") for name in ("CLUSTERS", "ENVIRONMENT", "ROUTES")})
    region = str(event.get("region") or os.environ.get("AWS_REGION", ""))
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    made = message(
        image,
        findings,
        registry=f"{os.environ['ACCOUNT_ID']}.dkr.ecr.{region}.{suffix}",
        environment=settings.environment,
        upstream=_upstream(image, settings),
        used_by=_used_by(image, settings),
    )
    with refusals():
        _client("sns").publish(
            TopicArn=os.environ["TOPIC_ARN"],
            Subject=made.subject,
            Message=made.structure(),
            MessageStructure="json",
            MessageAttributes={"severity": {"DataType": "String", "StringValue": findings[0].severity}},
        )


def _upstream(image: Scanned, settings: Settings) -> str | None:
    """What the image is called at its source, empty for an own image; None below ROOT, where ECR does not tell."""
    below = [
        (prefix, source) for prefix, source in settings.routes if prefix and image.repository.startswith(f"{prefix}/")
    ]
    if not below:
        return None if any(not prefix for prefix, _ in settings.routes) else ""
    prefix, source = max(below, key=lambda route: len(route[0]))
    return reference(f"{source}/{image.repository[len(prefix) + 1 :]}", image.tags, image.digest)


def _used_by(image: Scanned, settings: Settings) -> str | None:
    used = load_used(S3Storage(_client("s3"), os.environ["BUCKET"]), settings, datetime.now(UTC))
    user = used.in_use.user_of(image.repository, image.digest, image.tags)
    if user:
        return user
    # Without a usable snapshot of every cluster, "nobody" would be a guess.
    return None if used.problems or not settings.clusters else ""
