"""An account of the embedded AWS with rules, cached repositories and a bucket, and the packaged function in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from orchestrator.functions.package import build_package, write_package
from orchestrator.local.controls import SeedImage, seed_images
from orchestrator.local.process import stop
from tests.functional.lifecycle.runtime import Function, running

if TYPE_CHECKING:
    from orchestrator.local import LocalAws
    from tests.conftest import ProjectFactory
    from tests.functional.lifecycle.world import World

REGION = "eu-west-1"
NOW = datetime.now(UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@dataclass(frozen=True)
class Account:
    """An account in the embedded AWS."""

    local: LocalAws
    account_id: str

    def client(self, service: str) -> Any:
        variables = self.local.variables(self.account_id, REGION)
        make: Any = boto3.client
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.local.endpoint,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    @property
    def ecr(self) -> Any:
        return self.client("ecr")

    @property
    def bucket(self) -> str:
        return f"lifecycle-{self.account_id}"

    def rule(self, prefix: str, upstream: str) -> None:
        self.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream)

    def seed(self, repository: str, *images: SeedImage) -> list[str]:
        return seed_images(self.local, self.account_id, REGION, repository, images)

    def digests(self, repository: str) -> set[str]:
        found = self.ecr.describe_images(repositoryName=repository)["imageDetails"]
        return {image["imageDigest"] for image in found}

    def tags(self, repository: str) -> set[str]:
        found = self.ecr.describe_images(repositoryName=repository)["imageDetails"]
        return {tag for image in found for tag in image.get("imageTags", [])}

    def put(self, key: str, content: object) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=json.dumps(content).encode())

    def objects(self, prefix: str) -> dict[str, bytes]:
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {entry["Key"]: s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read() for entry in listed}

    def audit(self, stage: str = "done") -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for key, content in self.objects("audit/").items()
            if f"/{stage}-" in key
            for line in content.splitlines()
        ]

    def snapshot(self, cluster: str, *images: Mapping[str, Any], taken: datetime | None = None) -> None:
        """Write one; without `images` the cluster runs something that is not cached."""
        images = images or ({"reference": "registry.example/own:1", "target": None},)
        moment = (taken or datetime.now(UTC)).isoformat()
        self.put(
            f"snapshots/{cluster}.json", {"version": 1, "cluster": cluster, "taken": moment, "images": list(images)}
        )


@pytest.fixture
def account(local_aws: LocalAws, account_id: str) -> Account:
    made = Account(local_aws, account_id)
    made.client("s3").create_bucket(Bucket=made.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return made


@pytest.fixture(scope="session")
def lifecycle_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(build_package("lifecycle_manager"), tmp_path_factory.mktemp("zip"))[0]


StartFunction = Callable[..., Function]


@pytest.fixture
def start_function(account: Account, lifecycle_zip: Path, tmp_path: Path) -> Iterator[StartFunction]:
    """Start the packaged function with the variables that the module gives it, and others in their place."""
    with ExitStack() as stack:

        def start(**variables: str) -> Function:
            folder = tmp_path / f"function-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            given = {
                **account.local.variables(account.account_id, REGION),
                "ENVIRONMENT": "dev",
                "DRY_RUN": "false",
                "RETENTION": "{}",
                "BUCKET": account.bucket,
                "MAX_EXPIRE_FRACTION_REPOSITORY": "0.5",
                "MAX_EXPIRE_FRACTION_ACCOUNT": "0.5",
                **variables,
            }
            return stack.enter_context(running(lifecycle_zip, "lifecycle_manager.handler.handle", given, folder))

        yield start


@pytest.fixture
def make_world(project: ProjectFactory, account_id: str, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make a project whose retention and other settings of the manager are given as text, and what follows it."""
    from tests.functional.lifecycle.world import World

    try:
        yield lambda retention="", more="", after="": World(project, account_id, retention, more, after)
    finally:
        stop(tmp_path / ".orchestrator" / "local-aws")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
