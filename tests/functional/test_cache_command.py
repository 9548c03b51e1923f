"""`cache reconcile` on the embedded AWS: what differs is shown, what can be set is set, what is others' stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest

from orchestrator.aws.session import AwsSession, open_session
from orchestrator.environment.model import Environment
from orchestrator.project import Project
from orchestrator.terraform.reconciliations import reconciliation_notes
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.workdir import Workdir
from tests.functional.running import Ran, run
from tests.unit.mirroring.test_reconciliation import THEIRS, policy, pulls

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

TEXT = """
cluster_name         = "c"
account_id           = "{account}"
aws_region           = "us-east-1"
create_vpc_endpoints = false
attach_ecr_policy    = false
repositories         = {{ "quay/own" = {{}} }}
pull_through_cache_rules = {{
  quay = {{
    upstream_registry_url = "quay.io"
    template = {{
      pull_account_ids = ["222233334444"]
      resource_tags    = {{ team = "a" }}
      custom_role_arn  = "arn:aws:iam::{account}:role/r"
      kms_key_arn      = "arn:aws:kms:us-east-1:{account}:key/11111111-2222-3333-4444-555555555555"
    }}
  }}
  k8s = {{ upstream_registry_url = "registry.k8s.io" }}
}}
mirrors = {{ redhat = {{ source = "registry.access.redhat.com", template = {{}} }} }}
"""


class Cache:
    """An environment, and its registry with repositories that stand as an earlier template made them."""

    def __init__(self, project: Project, aws: LocalAws, account: str) -> None:
        self.project = project
        values = aws.variables(account, "us-east-1")
        self.ecr: Any = boto3.client(
            "ecr",
            endpoint_url=values["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )

    def make(self, name: str, statements: list[dict[str, Any]] | None = None, **more: Any) -> None:
        self.ecr.create_repository(repositoryName=name, **more)
        if statements:
            self.ecr.set_repository_policy(repositoryName=name, policyText=policy(*statements))

    def reconcile(self, *arguments: str) -> Ran:
        return run("-C", str(self.project.root), "cache", "reconcile", "dev", *arguments, "--local")

    def tags(self, name: str) -> dict[str, str]:
        arn = self.ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
        return {each["Key"]: each["Value"] for each in self.ecr.list_tags_for_resource(resourceArn=arn)["tags"]}

    def statements(self, name: str) -> list[str]:
        found = json.loads(self.ecr.get_repository_policy(repositoryName=name)["policyText"])["Statement"]
        return [each["Sid"] for each in found]


@pytest.fixture
def cache(
    project: Callable[..., Project],
    local_aws: LocalAws,
    with_local_aws: Callable[[Project], Project],
    account_id: str,
) -> Cache:
    made = project(dev=TEXT.format(account=account_id))
    return Cache(with_local_aws(made), local_aws, account_id)


def test_repositories_get_the_settings_that_their_template_has_now(cache: Cache) -> None:
    cache.make(
        "quay/old", [THEIRS, pulls("555566667777")], imageTagMutability="IMMUTABLE", tags=[{"Key": "x", "Value": "y"}]
    )
    cache.make("redhat/ubi9", imageScanningConfiguration={"scanOnPush": False})
    # No template says anything of these; the last is Terraform's.
    for name in ("k8s/pause", "elsewhere/app", "quay/own"):
        cache.make(name, imageTagMutability="IMMUTABLE")

    looked = cache.reconcile("--check", "--json")
    assert looked.code == 3, looked.err
    assert {
        each["repository"]: [d["setting"] for d in each["differences"]] for each in looked.json["repositories"]
    } == {
        "quay/old": ["mutability", "policy", "tags", "encryption"],
        "redhat/ubi9": ["scanning"],
    }
    assert looked.json["set"] == []
    assert cache.statements("quay/old") == ["Partner", "CrossAccountPull"]
    unasked = cache.reconcile()
    assert unasked.code == 2
    assert "--yes sets without asking" in unasked.err
    assert "encryption: AES256 -> arn:aws:kms" in unasked.out
    assert "cannot be set: only a new repository gets it" in unasked.out

    done = cache.reconcile("--yes")
    assert done.code == 0, done.err
    assert "2 repositories set." in done.out
    assert cache.statements("quay/old") == ["Partner", "CrossAccountPull"]
    assert cache.tags("quay/old") == {"x": "y", "team": "a"}
    found = {each["repositoryName"]: each for each in cache.ecr.describe_repositories()["repositories"]}
    assert found["quay/old"]["imageTagMutability"] == "MUTABLE"
    assert found["redhat/ubi9"]["imageScanningConfiguration"] == {"scanOnPush": True}
    assert {found[name]["imageTagMutability"] for name in ("k8s/pause", "elsewhere/app", "quay/own")} == {"IMMUTABLE"}

    again = cache.reconcile("--check", "--json")
    assert [d["setting"] for each in again.json["repositories"] for d in each["differences"]] == ["encryption"]


@dataclass(frozen=True)
class FakeStack:
    """As much of a stack as the notes of a plan ask for."""

    cache: Cache
    session: Callable[[], AwsSession]
    environment: Environment
    name: str = "dev"

    def neighbours(self) -> dict[str, Environment]:
        return self.cache.project.neighbours(self.environment)

    @property
    def workdir(self) -> Workdir:
        return Workdir(self.cache.project.state_dir / "local/dev", "dev", True, "")


def test_plan_and_doctor_name_them(cache: Cache, local_aws: LocalAws) -> None:
    environment = cache.project.load("dev")
    session = open_session(environment, local=local_aws)
    stack = cast(Stack, FakeStack(cache, lambda: session, environment))
    cache.make("quay/own", imageTagMutability="IMMUTABLE")
    assert list(reconciliation_notes(stack)) == []
    for number in range(7):
        cache.make(f"quay/{number}")

    (note,) = reconciliation_notes(stack)
    assert "quay/0 (policy, tags, encryption), quay/1" in note
    assert "quay/4 (policy, tags, encryption), 2 more. `orchestrator cache reconcile dev --local` sets" in note
    found = run("-C", str(cache.project.root), "doctor", "dev", "--local", "--json")
    (said,) = [each for each in found.json["findings"] if each["check"] == "cached repositories"]
    assert said["status"] == "note"
    assert said["what"] == "7 of 7 repositories differ from their template, such as quay/0 (policy, tags, encryption)"


def test_one_repository_can_be_named_and_a_failure_does_not_stop_the_others(cache: Cache) -> None:
    for name in ("quay/a", "quay/b", "quay/c"):
        cache.make(name)
    named = cache.reconcile("--yes", "--json", "--repository", "quay/b")
    assert (named.code, named.json["set"]) == (0, ["quay/b"])
    assert cache.tags("quay/a") == {}
    # As many tags as AWS allows.
    arn = cache.ecr.describe_repositories(repositoryNames=["quay/a"])["repositories"][0]["repositoryArn"]
    cache.ecr.tag_resource(resourceArn=arn, tags=[{"Key": f"k{n}", "Value": "v"} for n in range(50)])
    rest = cache.reconcile("--yes", "--json")
    assert rest.code == 1
    assert (rest.json["set"], list(rest.json["failed"])) == (["quay/c"], ["quay/a"])


def test_who_does_not_own_the_registry_sets_nothing_there(cache: Cache) -> None:
    path = cache.project.tfvars_path("dev")
    path.write_text(path.read_text() + "manage_registry = false\n")
    refused = cache.reconcile("--check")
    assert refused.code == 2
    assert "the registry is another environment's" in refused.err
    both = cache.reconcile("--check", "--yes")
    assert both.code == 2
