"""What is judged of the bucket of records; that of repositories is shown by applies (tests/functional/terraform)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from orchestrator.environment.function_parts import LifecycleManager
from orchestrator.environment.model import Environment
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.terraform.judge import judge, refusal
from orchestrator.terraform.losses import losses
from orchestrator.terraform.plan import Plan
from orchestrator.terraform.planner_result import ExpiredImages, HeldElsewhere, Planned
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.transitions import Adoption
from tests.unit.terraform.test_plan import change, plan_of, resource

BUCKET = "ecr-lifecycle-111122223333-eu-west-1"
ADDRESS = "module.lifecycle_manager[0].aws_s3_bucket.this[0]"
STATE = {"bucket": BUCKET, "force_destroy": False, "region": "eu-west-1"}


@dataclass
class Bucket:
    """S3 with one bucket, whose answer to ListObjectVersions is `page` or the refusal `code`."""

    environment: str = "dev"
    account_id: str = "111122223333"
    region: str = "eu-west-1"
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
    waits: bool = False

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
    for bucket in (Bucket(), Bucket(code="NoSuchBucket")):
        guarded(destroyed(), bucket)
        assert bucket.asked == [BUCKET]


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


RULE = Adoption(
    'module.pull_through_cache[0].aws_ecr_pull_through_cache_rule.this["quay"]', "t", "quay", 'the rule "quay"'
)
ROLE = Adoption('module.push_role[0].aws_iam_role.this["ci"]', "aws_iam_role", "ci", 'the role "ci"')


def asked(**found: Any) -> str:
    """What the judge says of a plan, or nothing."""
    return str(refusal(Planned("dev", Plan(), True, **found)) or "")


def test_what_exists_needs_consent_and_what_another_state_holds_cannot_be_had_by_it() -> None:
    assert asked() == ""
    one, two = asked(foreign=(ROLE,)), asked(foreign=(ROLE, RULE))
    assert 'the role "ci" exists already and is in no state' in one
    assert 'the role "ci" and the rule "quay" exist already and are in no state' in two
    assert "--adopt" in one

    renamed = asked(held=(HeldElsewhere(RULE, "old", gone=True),), local=True)
    assert 'in the state of "old", whose file is gone' in renamed
    assert "`orchestrator state mv old dev --local`" in renamed
    owned = asked(held=(HeldElsewhere(RULE, "prod", owns_registry=True),))
    assert "manage_registry = false in environments/prod.tfvars" in owned
    assert "`orchestrator apply dev prod`" in owned
    other = asked(held=(HeldElsewhere(ROLE, "prod"),), foreign=(RULE,))
    assert 'remove it from "prod" first' in other
    for text in (renamed, owned, other):
        assert "Take over with `--adopt`" not in text


def test_a_question_that_aws_did_not_answer_is_said_and_stops_an_apply() -> None:
    denied = OrchestratorError("GetRegistryPolicy was denied.", remedy="Allow ecr:GetRegistryPolicy.")
    assert "Allow ecr:GetRegistryPolicy" in asked(unseen=(denied,), foreign=(ROLE,))


def test_images_that_a_lifecycle_policy_expires_are_not_lost_by_a_plain_yes() -> None:
    planned = Planned("dev", Plan(), True, losses=(ExpiredImages("team/app", 3),))

    def judged(ask: Answers, *allowed: str) -> None:
        judge(planned, ask, allowed, question="Apply this plan?", refused="applied")

    with pytest.raises(RefusedInput) as refused:
        judged(Answers())
    assert 'the lifecycle policy of the repository "team/app" would expire 3 images' in str(refused.value)
    assert "--allow-destroy team/app" in str(refused.value)
    judged(Answers(), "team/app")
    judged(Answers("team/app"))
