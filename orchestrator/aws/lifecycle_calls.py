"""What the lifecycle commands ask of AWS beyond the manager's ports: the bucket, previews by AWS, calling the function."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from orchestrator.aws.ports import CallerExclusion, EcrRegistry, S3Storage
from orchestrator.aws.translation import error_code, explained
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.own_folders import make_own

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession

# The longest that AWS lets a function run, and its answer's way.
INVOKE_SECONDS = 930
PREVIEW_SECONDS = 60.0


def registry_of(session: AwsSession, *, node_roles: Sequence[str], noted: Path, inspector: bool = False) -> EcrRegistry:
    """The manager's registry for a person's credentials.

    Reading manifests must not count as pulls. The caller is excluded while it lasts, unless it is a role of nodes. The
    file `noted` says who is, so that a killed command does not leave its caller excluded for ever.
    """

    def note(principal: str) -> None:
        if principal:
            make_own(noted.parent)
            noted.write_text(principal, "utf-8")
        else:
            noted.unlink(missing_ok=True)

    client: Any = session.client
    exclusion = CallerExclusion(
        session.client("ecr"),
        session.client("sts"),
        mode="require",
        never_exclude=frozenset(node_roles),
        note=note,
        left_behind=noted.read_text("utf-8", "replace").strip() if noted.is_file() else "",
        iam=session.client("iam"),
    )
    return EcrRegistry(session.client("ecr"), exclusion, client("inspector2") if inspector else None)


def bucket_storage(session: AwsSession, bucket: str) -> S3Storage | None:
    """The bucket when it exists. Raises OrchestratorError when AWS does not let us tell."""
    s3 = session.client("s3")
    with explained(session, "s3"):
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket"):
                return None
            raise
    return S3Storage(s3, bucket)


def read_audit(session: AwsSession, source: str) -> list[tuple[str, bytes]]:
    """[(where, text)] of an audit: a file, every `.jsonl` of a folder, or the same in `s3://BUCKET/KEY`."""
    shape = "A run says where its audit is: s3://BUCKET/audit/YEAR/MONTH/DAY/RUN/, or a folder or file of it."
    if source.startswith("s3://"):
        bucket, _, key = source.removeprefix("s3://").partition("/")
        if not bucket:
            raise RefusedInput(f'"{source}" names no bucket.', remedy=shape)
        texts = _read_objects(session, bucket, key)
    else:
        path = Path(source)
        files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        try:
            texts = [(str(file), file.read_bytes()) for file in files]
        except OSError as error:
            raise RefusedInput(f"{source} cannot be read.", why=f"{error.strerror}.", remedy=shape) from error
    if not texts:
        raise RefusedInput(f"There is no audit at {source}.", remedy=shape)
    return texts


def _read_objects(session: AwsSession, bucket: str, key: str) -> list[tuple[str, bytes]]:
    storage = S3Storage(session.client("s3"), bucket)
    with explained(session, "s3"):
        content = storage.get(key) if key and not key.endswith("/") else None
        if content is not None:
            return [(f"s3://{bucket}/{key}", content)]
        keys = [each for each in storage.keys(key) if each.endswith(".jsonl")]
        found = [(f"s3://{bucket}/{each}", storage.get(each)) for each in keys]
        return [(where, text) for where, text in found if text is not None]


@dataclass(frozen=True, slots=True)
class EnginePreview:
    """How many images a policy would expire or archive by AWS's answer, or why it gave none.

    `expiring` are those that would be expired.
    """

    images: int | None
    expiring: int | None = None
    problem: str = ""


def preview_policy(session: AwsSession, repository: str, text: str | None) -> EnginePreview:
    """Ask AWS's own engine, without a text about the policy that is there; it takes seconds and changes nothing.

    Raises OrchestratorError where AWS refuses the question.
    """
    ecr = session.client("ecr")
    deadline = time.monotonic() + PREVIEW_SECONDS
    with explained(session, "ecr"):
        if text is None:
            ecr.start_lifecycle_policy_preview(repositoryName=repository)
        else:
            ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
        while True:
            answer = ecr.get_lifecycle_policy_preview(repositoryName=repository)
            if answer["status"] == "COMPLETE":
                summary = answer.get("summary", {})
                moved = sum(count["imageTotalCount"] for count in summary.get("transitioningImageTotalCounts") or ())
                gone = int(summary.get("expiringImageTotalCount", 0))
                return EnginePreview(gone + moved, gone)
            if answer["status"] != "IN_PROGRESS" or time.monotonic() > deadline:
                return EnginePreview(None, problem=f"AWS answers {answer['status']}")
            time.sleep(1)


def invoke_function(session: AwsSession, name: str, payload: Mapping[str, object]) -> dict[str, Any]:
    """Call a function once and wait for its answer. Raises OrchestratorError when the function failed."""
    make: Any = session._boto.client
    with explained(session, "lambda"):
        client = make(
            "lambda",
            region_name=session.region,
            endpoint_url=session.endpoint,
            verify=session._verify,
            # Tried again after a lost answer it would run twice.
            config=Config(read_timeout=INVOKE_SECONDS, retries={"total_max_attempts": 1}),
        )
        try:
            answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise OrchestratorError(
                f"There is no function {name} in {session.region} of account {session.account_id}.",
                remedy=f"`orchestrator apply {session.environment}{session.flag}` makes it.",
            ) from error
    content = answer["Payload"].read()
    try:
        document = json.loads(content or b"null")
    except ValueError:
        document = None
    if answer.get("FunctionError") or not isinstance(document, dict):
        text = document.get("errorMessage") if isinstance(document, dict) else content[:500].decode("utf-8", "replace")
        raise OrchestratorError(
            f"The function {name} failed.", why=f"It says: {text}.", remedy=f"Its log group is /aws/lambda/{name}."
        )
    return document
