"""The functions as `orchestrator apply --local` deploys them: packed, wired, called; nothing changes without new code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.checks.function_variables import function_variables
from orchestrator.functions.package import build_package
from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import SeedImage, seed_images
from orchestrator.project import Project
from tests.functional.running import Ran, run

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

pytestmark = [pytest.mark.terraform, pytest.mark.long]

ACCOUNT, REGION = "444444444444", "eu-west-1"
REPOSITORY = "quay/team/app"
BUCKET = f"ecr-lifecycle-{ACCOUNT}-{REGION}"
TEXT = f"""
cluster_name             = "prod"
account_id               = "{ACCOUNT}"
aws_region               = "{REGION}"
create_vpc_endpoints     = false
force_delete             = true
pull_through_cache_rules = {{ quay = {{ upstream_registry_url = "quay.io" }} }}
registry_scanning        = {{ scan_type = "BASIC" }}

lifecycle_manager = {{
  enabled                        = true
  clusters                       = ["prod"]
  usage                          = {{ pod_identity = true }}
  max_expire_fraction_repository = 1
  max_expire_fraction_account    = 1
  force_destroy_records          = true
  retention                      = {{ expire_unpulled_days = 30, keep_at_least = 0 }}
}}
scan_findings = {{ enabled = true }}
monitoring    = {{ enabled = true }}
"""


@dataclass(frozen=True)
class Deployed:
    root: Path
    aws: LocalAws

    def orchestrator(self, *arguments: str) -> Ran:
        return run("-C", str(self.root), *arguments, "--local")

    def client(self, service: str) -> Any:
        make: Any = boto3.Session().client
        keys = {"aws_access_key_id": self.aws.access_key_for(ACCOUNT), "aws_secret_access_key": "local"}
        return make(service, region_name=REGION, endpoint_url=self.aws.endpoint, **keys)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    root = tmp_path_factory.mktemp("deployed")
    (root / "environments").mkdir()
    (root / "environments" / "prod.tfvars").write_text(TEXT)
    state_dir = root / ".orchestrator" / "local-aws"
    made = Deployed(root, ensure_running(state_dir))
    try:
        ran = made.orchestrator("apply", "prod", "--yes")
        assert ran.code == 0, ran.out[-2000:] + ran.err[-2000:]
        yield made
    finally:
        stop(state_dir)


def test_the_functions_carry_the_packages_of_this_code(deployed: Deployed) -> None:
    client = deployed.client("lambda")
    for name, function in (("lifecycle_manager", "ecr-lifecycle-manager"), ("scan_findings", "ecr-scan-findings")):
        configuration = client.get_function(FunctionName=function)["Configuration"]
        assert configuration["CodeSha256"] == build_package(name).sha256
        assert configuration["Handler"] == f"{name}.handler.handle"
        assert configuration["Architectures"] == ["arm64"]


def test_the_settings_that_validate_measures_are_those_that_are_deployed(deployed: Deployed) -> None:
    environment = Project(deployed.root).load("prod")
    assert environment.lifecycle_manager is not None
    configuration = deployed.client("lambda").get_function(FunctionName="ecr-lifecycle-manager")["Configuration"]
    variables = dict(configuration["Environment"]["Variables"])
    del variables["QUEUE_URL"]
    measured = function_variables(environment, environment.lifecycle_manager)
    assert variables == measured


def test_a_second_plan_changes_nothing(deployed: Deployed) -> None:
    ran = deployed.orchestrator("plan", "prod", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["changes"] == []


def test_without_a_snapshot_nothing_expires_and_with_one_what_runs_is_kept(deployed: Deployed) -> None:
    old = datetime.now(UTC) - timedelta(days=90)
    images = [SeedImage(tags=[tag], name=tag, pushed_at=old, pulled_at=old) for tag in ("runs", "idle")]
    runs, idle = seed_images(deployed.aws, ACCOUNT, REGION, REPOSITORY, images)
    ecr = deployed.client("ecr")

    def held() -> set[str]:
        return {image["imageDigest"] for image in ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]}

    assert deployed.orchestrator("lifecycle", "invoke", "prod").code in (0, 1)
    assert held() == {runs, idle}

    host = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    used = UsedImage("quay.io/team/app:runs", f"{host}/{REPOSITORY}:runs", (), ("Deployment/shop/web",))
    text = dump_snapshot(Snapshot("prod", datetime.now(UTC), (used,)))
    deployed.client("s3").put_object(Bucket=BUCKET, Key="snapshots/prod.json", Body=text.encode())

    # Its answer is the function's own, which a published schema describes.
    ran = deployed.orchestrator("lifecycle", "invoke", "prod", "--json")

    assert ran.code == 0, ran.out + ran.err
    assert held() == {runs}
    audit = deployed.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="audit/")["Contents"]
    assert audit


def test_everything_goes_at_a_destroy(deployed: Deployed) -> None:
    ran = deployed.orchestrator("destroy", "prod", "--yes", "--allow-destroy", BUCKET)
    assert ran.code == 0, ran.out[-2000:] + ran.err[-2000:]
    assert deployed.client("lambda").list_functions()["Functions"] == []
    assert deployed.client("sqs").list_queues().get("QueueUrls", []) == []
    assert deployed.client("s3").list_buckets()["Buckets"] == []
