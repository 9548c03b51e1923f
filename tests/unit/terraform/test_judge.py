"""What is judged of the bucket of records; that of repositories is shown by applies (tests/functional/terraform)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from orchestrator.environment.model import Environment
from orchestrator.environment.parts import LifecycleManager
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.terraform.judge import judge
from orchestrator.terraform.plan import Plan
from orchestrator.terraform.planned import Planned
from orchestrator.terraform.planner import losses
from orchestrator.terraform.stack import Stack
from tests.unit.terraform.test_plan import change, plan_of, resource

BUCKET = "ecr-lifecycle-111122223333-eu-west-1"
ADDRESS = "module.lifecycle_manager[0].aws_s3_bucket.this[0]"
STATE = {"bucket": BUCKET, "force_destroy": False, "region": "eu-west-1"}


@dataclass
class Bucket:
    """S3 with one bucket, whose answer to ListObjectVersions is `page` or the refusal `code`."""

    environment: str = "dev"
    page: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    asked: list[str] = field(default_factory=list)

    def client(self, service: str) -> Bucket:
        assert service == "s3"
        return self

    def list_object_versions(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments["Bucket"])
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": self.code}}, "ListObjectVersions")
        return self.page


@dataclass
class FakeStack:
    bucket: Bucket
    environment: Environment
    name: str = "dev"

    def session(self) -> Bucket:
        return self.bucket


@dataclass
class Answers:
    typed: str | None = None
    questions: list[str] = field(default_factory=list)

    @property
    def interactive(self) -> bool:
        return self.typed is not None

    def confirm(self, environment: str, question: str) -> bool:
        return True

    def name(self, environment: str, question: str) -> str:
        self.questions.append(question)
        return self.typed or ""


FULL: dict[str, Any] = {"Versions": [{"Key": "audit/1"}]}


def destroyed(**state: Any) -> Plan:
    return plan_of(resource(ADDRESS, change(["delete"], {**STATE, **state}, None), type="aws_s3_bucket"))


def guarded(plan: Plan, bucket: Bucket, ask: Answers | None = None, *allowed: str, force: bool = False) -> None:
    manager = LifecycleManager(force_destroy_records=force)
    environment = Environment(
        name="dev",
        cluster_name="dev",
        account_id="111122223333",
        aws_region="eu-west-1",
        lifecycle_manager=manager,
    )
    lost = losses(cast(Stack, FakeStack(bucket, environment)), plan)
    planned = Planned("dev", plan, True, losses=lost)
    judge(planned, ask or Answers(), allowed, question="Apply this plan?", refused="applied")


@pytest.mark.parametrize("page", [FULL, {"DeleteMarkers": [{"Key": "audit/1"}]}])
def test_a_bucket_with_records_is_not_destroyed_with_the_manager(page: dict[str, Any]) -> None:
    bucket = Bucket(page=page)
    with pytest.raises(RefusedInput) as refused:
        guarded(destroyed(), bucket, None, BUCKET)
    for part in (f'the bucket "{BUCKET}" would be destroyed', "keep_records = true", "force_destroy_records = true"):
        assert part in str(refused.value)
    assert bucket.asked == [BUCKET]


def test_where_it_may_be_emptied_it_still_needs_its_name() -> None:
    plan = destroyed(force_destroy=True)
    with pytest.raises(RefusedInput) as refused:
        guarded(plan, Bucket(page=FULL))
    for part in ("keep_records = true", f"--allow-destroy {BUCKET}", "audit log"):
        assert part in str(refused.value)
    guarded(plan, Bucket(page=FULL), None, BUCKET)
    asked = Answers(BUCKET)
    guarded(plan, Bucket(page=FULL), asked)
    assert asked.questions[0].startswith(f'The bucket "{BUCKET}" would be destroyed')
    with pytest.raises(RefusedInput):
        guarded(plan, Bucket(page=FULL), Answers("yes"))


def test_a_replacement_loses_the_records_too() -> None:
    plan = plan_of(
        resource(ADDRESS, change(["delete", "create"], STATE, {**STATE, "bucket": "other"}), type="aws_s3_bucket")
    )
    with pytest.raises(RefusedInput) as refused:
        guarded(plan, Bucket(page=FULL))
    assert "replaced, without what it holds" in str(refused.value)
    guarded(plan, Bucket(page=FULL), None, BUCKET, force=True)


def test_an_empty_bucket_and_one_that_is_gone_may_go() -> None:
    guarded(destroyed(), Bucket())
    guarded(destroyed(), Bucket(code="NoSuchBucket"))


def test_where_aws_does_not_tell_nothing_is_destroyed() -> None:
    with pytest.raises(OrchestratorError) as refused:
        guarded(destroyed(), Bucket(code="AccessDenied"))
    assert "s3:ListBucketVersions" in str(refused.value)


def test_a_change_of_the_bucket_asks_nothing() -> None:
    bucket = Bucket(page=FULL)
    guarded(
        plan_of(resource(ADDRESS, change(["update"], STATE, {**STATE, "force_destroy": True}), type="aws_s3_bucket")),
        bucket,
    )
    assert bucket.asked == []
