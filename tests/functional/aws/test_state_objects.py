"""A renamed environment takes its state along in its bucket; what could lose one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.aws.session import AwsSession
from orchestrator.aws.state_objects import state_names
from orchestrator.checks.check import build_environment
from orchestrator.environment.model import Environment
from orchestrator.environment.tfvars import parse_tfvars
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.project import Project
from orchestrator.terraform.renaming import move_state

REGION = "eu-central-1"


def state(*resources: str) -> bytes:
    listed = [
        {"mode": "managed", "type": "aws_ecr_repository", "name": name, "instances": [{"attributes": {"id": name}}]}
        for name in resources
    ]
    return json.dumps({"version": 4, "serial": 3, "lineage": "x", "resources": listed, "outputs": {}}).encode()


class Bucket:
    """A state bucket, and the project whose environment `prod` was `dev` once."""

    def __init__(self, folder: Path, session: AwsSession) -> None:
        self.session = session
        self.name = f"state-{session.account_id}"
        self.s3 = session.client("s3")
        where: Any = {"LocationConstraint": REGION}
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=where)
        (folder / "environments").mkdir()
        self.project = Project(folder)

    def environment(self, key: str = "") -> Environment:
        named = f', key = "{key}"' if key else ""
        text = f'cluster_name = "c"\naccount_id = "{self.session.account_id}"\naws_region = "{REGION}"\n'
        text += (
            f'attach_ecr_policy = false\ncreate_vpc_endpoints = false\nstate = {{ bucket = "{self.name}"{named} }}\n'
        )
        return build_environment("prod", [parse_tfvars(text, "environments/prod.tfvars")])

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def move(self, key: str = "") -> tuple[str, int]:
        return move_state(self.project, "dev", self.environment(key), session=self.session, say=lambda _: None)


@pytest.fixture
def bucket(tmp_path: Path, session_of: Callable[..., AwsSession]) -> Bucket:
    return Bucket(tmp_path, session_of(REGION))


OLD, NEW = "orchestrator/dev/terraform.tfstate", "orchestrator/prod/terraform.tfstate"


@pytest.mark.parametrize("there", [None, state()])
def test_a_state_is_found_under_the_new_name_and_no_longer_under_the_old_one(bucket: Bucket, there: Any) -> None:
    bucket.put(OLD, state("a", "b"))
    if there:
        bucket.put(NEW, there)
    assert bucket.move() == (f"s3://{bucket.name}/{NEW}", 2)
    assert bucket.keys() == [NEW]
    assert bucket.s3.get_object(Bucket=bucket.name, Key=NEW)["Body"].read() == state("a", "b")


def test_a_move_that_was_cut_off_is_finished(bucket: Bucket) -> None:
    for key in (OLD, NEW):
        bucket.put(key, state("a"))
    bucket.move()
    assert bucket.keys() == [NEW]


def test_a_key_of_ones_own_names_the_environment_in_its_place(bucket: Bucket) -> None:
    bucket.put("team/dev/ecr.tfstate", state("a"))
    bucket.move("team/prod/ecr.tfstate")
    assert bucket.keys() == ["team/prod/ecr.tfstate"]
    with pytest.raises(RefusedInput, match="does not name the environment"):
        bucket.move("one-for-all.tfstate")


def test_what_could_lose_a_state_is_refused(bucket: Bucket) -> None:
    with pytest.raises(RefusedInput, match='"dev" has no state'):
        bucket.move()
    bucket.put(OLD, state("a"))
    bucket.put(NEW, state("b"))
    with pytest.raises(RefusedInput, match="a state of its own with 1 resources"):
        bucket.move()
    bucket.put(f"{OLD}.tflock", b"{}")
    with pytest.raises(OrchestratorError, match="is locked"):
        bucket.move()
    bucket.project.tfvars_path("dev").write_text("")
    with pytest.raises(RefusedInput, match="has its file"):
        bucket.move()
    bucket.project.tfvars_path("dev").unlink()
    journal = bucket.project.state_dir / "dev" / "apply.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text("")
    with pytest.raises(RefusedInput, match="did not end well"):
        bucket.move()
    assert sorted(bucket.keys()) == [OLD, f"{OLD}.tflock", NEW]


def test_the_states_of_a_bucket_are_named(bucket: Bucket) -> None:
    for key in (OLD, NEW, f"{NEW}.tflock", "orchestrator/a/b/terraform.tfstate", "other/x/terraform.tfstate"):
        bucket.put(key, b"{}")
    found = state_names(bucket.session, bucket.name, "orchestrator/", "/terraform.tfstate", REGION)
    assert found == ("dev", "prod")
