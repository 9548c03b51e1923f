"""What the lifecycle manager asks of AWS: its ports over boto3 clients, for the function and for the commands.

Packed into the function's zip with `orchestrator.lifecycle`: standard library only, botocore is imported where a call
is made (the runtime has it). Clients are given; `function_clients` makes those of a function.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import Any, Literal, TextIO, TypeVar

from orchestrator.lifecycle.ports import CacheRule, GoneError, PortError, Refusal
from orchestrator.lifecycle.units import Image

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 8
PAGE = 1000
QUEUE_BATCH, QUEUE_BYTES = 10, 240_000
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
ABSENT = frozenset({"RepositoryNotFoundException"})
# Roles of IAM Identity Center have a path, always.
WITH_A_PATH = "AWSReservedSSO_"


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the SDK raises into PortError, GoneError for a repository that does not exist."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        code, text = str(details.get("Code", "")), str(details.get("Message", ""))
        raise (GoneError if code in ABSENT else PortError)(code, text, error.operation_name) from error
    except BotoCoreError as error:
        raise PortError(type(error).__name__, " ".join(str(error).split())) from error


@dataclass(slots=True)
class EcrRegistry:
    """The registry port. Reading a manifest counts as a pull unless the caller is excluded from that.

    `exclusion`: "ask" registers the caller as excluded before the first manifest is read, and where that is denied reads
    all the same, as a function with a role of its own may; "require" refuses to read then; `end_exclusion` takes the
    caller out again where it was not excluded before. `note` is told who was registered, and "" when that ended: who
    died in between left an exclusion behind, which the next one ends (`left_behind`).
    """

    ecr: Any
    sts: Any
    inspector: Any = None
    exclusion: Literal["ask", "require"] = "ask"
    never_exclude: frozenset[str] = frozenset()
    warn: Callable[[str], None] = lambda _: None
    note: Callable[[str], None] = lambda _: None
    left_behind: str = ""
    iam: Any = None
    _excluded: bool | None = field(default=None, init=False)
    _registered: str = field(default="", init=False)
    _lock: Any = field(default_factory=Lock, init=False, repr=False)

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
        self._exclude_caller()
        with refusals():
            answer = self.ecr.batch_get_image(
                repositoryName=repository,
                imageIds=[{"imageDigest": digest} for digest in digests],
                acceptedMediaTypes=list(MEDIA_TYPES),
            )
        return {image["imageId"]["imageDigest"]: image["imageManifest"] for image in answer["images"]}

    def _exclude_caller(self) -> None:
        with self._lock:
            if self._excluded is None:
                self._excluded, reason = self._excluded_now()
                if not self._excluded:
                    self.warn(f"Reading manifests counts as pulls here, which postpones expiry: {reason}")
            if not self._excluded and self.exclusion == "require":
                raise PortError(
                    "PullTimesWouldChange",
                    "the manifests of its indexes are not known, and reading them would count as pulls",
                    "BatchGetImage",
                )

    def _excluded_now(self) -> tuple[bool, str]:
        """(is the caller excluded from pull times, why not)."""
        try:
            with refusals():
                principal = self._principal()
                if principal in self._exclusions():
                    return True, ""
            if principal.rpartition("/")[2] in self.never_exclude:
                return False, f"{principal} is a role of nodes, whose pulls must count"
            with refusals():
                self.ecr.register_pull_time_update_exclusion(principalArn=principal)
        except PortError as error:
            return error.code == "ExclusionAlreadyExistsException", str(error)
        except (AttributeError, ValueError) as error:
            return False, f"the SDK of this runtime is too old: {error}"
        self._registered = principal
        self.note(principal)
        return True, ""

    def _principal(self) -> str:
        """The caller as ECR names it. A session's ARN lacks the path of its role, which only IAM knows."""
        caller = str(self.sts.get_caller_identity()["Arn"])
        principal = principal_of(caller)
        if self.iam is None or principal == caller:
            return principal
        try:
            with refusals():
                return str(self.iam.get_role(RoleName=principal.rpartition("/")[2])["Role"]["Arn"])
        except PortError as error:
            if principal.rpartition("/")[2].startswith(WITH_A_PATH):
                raise PortError(
                    "PrincipalNotKnown", f"the path of {principal} is not known, allow iam:GetRole: {error}"
                ) from error
            return principal

    def _exclusions(self) -> Iterator[str]:
        """The excluded principals. The SDK has no paginator for them."""
        token: dict[str, str] = {}
        while True:
            page = self.ecr.list_pull_time_update_exclusions(**token)
            yield from page.get("pullTimeUpdateExclusions", [])
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def end_exclusion(self) -> None:
        """Let the caller's pulls count again, where they did before. Raises PortError."""
        who = self._registered or self.left_behind
        if who:
            try:
                with refusals():
                    self.ecr.deregister_pull_time_update_exclusion(principalArn=who)
            except PortError as error:
                if error.code != "ExclusionNotFoundException":
                    raise
            self._registered, self._excluded = "", None
            self.note("")

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


def principal_of(caller: str) -> str:
    """The IAM principal of a caller's ARN: the role of a role session, anything else as it is.

    The path of a role is not part of its sessions' ARNs; a role with a path must be excluded by somebody else.
    """
    parts = caller.split(":", 5)
    if len(parts) == 6 and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return caller


@dataclass(frozen=True, slots=True)
class S3Storage:
    """The storage port over one bucket."""

    s3: Any
    bucket: str

    def get(self, key: str) -> bytes | None:
        try:
            with refusals():
                body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
                return body
        except PortError as error:
            if error.code != "NoSuchKey":
                raise
            return None

    def put(self, key: str, content: bytes) -> None:
        with refusals():
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def keys(self, prefix: str) -> Iterable[str]:
        with refusals():
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """The queue port."""

    sqs: Any
    url: str

    def send(self, messages: Sequence[str], *, delay: int = 0) -> None:
        for batch in _batches(messages):
            entries = [
                {"Id": str(index), "MessageBody": body, "DelaySeconds": delay} for index, body in enumerate(batch)
            ]
            with refusals():
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                failure = answer["Failed"][0]
                raise PortError(failure.get("Code", ""), failure.get("Message", ""), "SendMessageBatch")


def _batches(messages: Sequence[str]) -> Iterator[list[str]]:
    """Messages as SendMessageBatch takes them: ten, and no more bytes than one message may have."""
    batch: list[str] = []
    size = 0
    for message in messages:
        length = len(message.encode())
        if batch and (len(batch) == QUEUE_BATCH or size + length > QUEUE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


@dataclass(slots=True)
class ThreadedHost:
    """The host port: the clock, threads, and JSON lines to `output` (stdout's stream when it is None).

    `deadline` is a moment of the monotonic clock at which work must stop, None when there is none.
    """

    environment: str
    namespace: str
    deadline: float | None = None
    output: TextIO | None = None
    workers: int = WORKERS
    _lock: Any = field(default_factory=Lock, init=False, repr=False)
    _stopping: bool = field(default=False, init=False)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def remaining(self) -> float:
        if self._stopping:
            return 0.0
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()

    def log(self, level: str, message: str, **fields: object) -> None:
        self._write({"time": self.now().isoformat(), "level": level, "message": message, **fields})

    def metrics(self, values: Mapping[str, int]) -> None:
        """In CloudWatch's embedded metric format."""
        directive = {
            "Namespace": self.namespace,
            "Dimensions": [["Environment"]],
            "Metrics": [{"Name": name, "Unit": "Bytes" if "Bytes" in name else "Count"} for name in values],
        }
        timestamp = int(self.now().timestamp() * 1000)
        self._write(
            {
                "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]},
                "Environment": self.environment or "default",
                **values,
            }
        )

    def _write(self, document: Mapping[str, object]) -> None:
        line = json.dumps(document, default=str)
        with self._lock:
            print(line, file=self.output or sys.stdout, flush=True)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        waiting = iter(items)
        running: dict[Future[R], T] = {}
        with ThreadPoolExecutor(max_workers=self.workers) as pool:
            try:
                while True:
                    for item in islice(waiting, self.workers - len(running)):
                        running[pool.submit(function, item)] = item
                    if not running:
                        return
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        yield running.pop(done), done.result()
            except BaseException:
                # Ctrl-C: the pool waits for what it is at, which stops at its next look at the time.
                self._stopping = True
                raise


@dataclass(frozen=True, slots=True)
class FunctionClients:
    """The clients of a function, made once for all its invocations."""

    ecr: Any
    s3: Any
    sqs: Any
    sts: Any
    inspector: Any


def function_clients(*, inspector: bool = False) -> FunctionClients:
    """Clients with the runtime's own region and credentials, which slow down when AWS throttles."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        # While AWS throttles, one call may take all of its attempts, and the function's end does not wait for it.
        retries={"mode": "adaptive", "total_max_attempts": 6},
        max_pool_connections=WORKERS + 2,
        user_agent_extra="orchestrator-lifecycle",
    )
    make: Any = boto3.client
    return FunctionClients(
        ecr=make("ecr", config=config),
        s3=make("s3", config=config),
        sqs=make("sqs", config=config),
        sts=make("sts", config=config),
        inspector=make("inspector2", config=config) if inspector else None,
    )
