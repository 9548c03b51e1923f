"""`init --from-aws`: what an account has becomes a file that `plan --adopt` finds nothing to change in."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from orchestrator.project import Project
from orchestrator.terraform.binary import find_terraform
from tests.functional.running import Ran
from tests.functional.terraform.conftest import World

pytestmark = pytest.mark.terraform
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
UNTAGGED = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 9},
    "action": {"type": "expire"},
}


def policy(sid: str, account: str, actions: list[str]) -> str:
    principal = {"AWS": [f"arn:aws:iam::{account}:root"]}
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def fill(world: World) -> None:
    """An account that somebody has used for years."""
    ecr = world.client("ecr")
    secret = world.client("secretsmanager").create_secret(
        Name="ecr-pullthroughcache/hub", SecretString=json.dumps({"username": "u", "accessToken": "t"})
    )["ARN"]
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay-old", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret
    )
    ecr.create_repository_creation_template(
        prefix="quay",
        description='of "Quay"',
        appliedFor=["PULL_THROUGH_CACHE"],
        imageTagMutability="MUTABLE",
        repositoryPolicy=policy("CrossAccountPull", "444455556666", PULL),
    )
    ecr.create_repository_creation_template(prefix="ROOT", appliedFor=["PULL_THROUGH_CACHE"])
    ecr.create_repository_creation_template(prefix="hub", appliedFor=["REPLICATION"])
    ecr.create_repository_creation_template(prefix="nowhere", appliedFor=["PULL_THROUGH_CACHE"])
    ecr.create_repository(repositoryName="quay/prometheus/node-exporter")
    ecr.create_repository(
        repositoryName="team/app",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=[{"Key": "team:name", "Value": "blue/50 @x"}, {"Key": "a", "Value": "1"}],
    )
    ecr.put_lifecycle_policy(repositoryName="team/app", lifecyclePolicyText=json.dumps({"rules": [UNTAGGED]}))
    ecr.set_repository_policy(
        repositoryName="team/app", policyText=policy("PullFromOtherAccounts", "444455556666", PULL)
    )
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    ecr.create_repository(repositoryName="base", encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key})
    ecr.set_repository_policy(repositoryName="base", policyText=policy("Mine", "777788889999", ["ecr:*"]))
    ecr.create_repository(
        repositoryName="releases",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest"}],
    )
    ecr.put_registry_scanning_configuration(
        scanType="BASIC",
        rules=[
            {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "team/*", "filterType": "WILDCARD"}]}
        ],
    )
    statement = json.loads(policy("Replicate", "444455556666", ["ecr:ReplicateImage"]))["Statement"][0]
    statement["Resource"] = [f"arn:aws:ecr:us-east-1:{world.account}:repository/*"]
    ecr.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def init(world: World, *arguments: str) -> Ran:
    flags = ("--platform", "eks", "--region", "us-east-1", "--account-id", world.account)
    return world.run("init", "taken", *flags, "--from-aws", *arguments)


@pytest.fixture
def used(world: World) -> World:
    """An account in use, without an environment."""
    world.project.tfvars_path("dev").unlink()
    fill(world)
    return world


def said(world: World) -> dict[str, Any]:
    return Project(world.project.root).load("taken").model_dump(mode="json")


def test_what_an_account_has_is_written_and_the_rest_is_named(used: World) -> None:
    ran = init(used, "--json")
    assert ran.code == 0, ran.err
    validated = used.run("validate", "taken", local=False)
    assert validated.code == 0, validated.out + validated.err

    values = said(used)
    assert list(values["pull_through_cache_rules"]) == ["hub", "quay"]
    assert ":secret:ecr-pullthroughcache/hub" in values["pull_through_cache_rules"]["hub"]["credential_arn"]
    template = values["pull_through_cache_rules"]["quay"]["template"]
    assert (template["description"], template["pull_account_ids"]) == ('of "Quay"', ["444455556666"])
    assert values["root_template"]["image_tag_mutability"] == "MUTABLE"
    assert values["registry_scanning"]["rules"] == [
        {"scan_frequency": "SCAN_ON_PUSH", "repository_patterns": ["team/*"]}
    ]
    assert list(values["repositories"]) == ["base", "team/app"]
    app, base = values["repositories"]["team/app"], values["repositories"]["base"]
    assert (app["image_tag_mutability"], app["scan_on_push"], app["pull_account_ids"]) == (
        "IMMUTABLE",
        True,
        ["444455556666"],
    )
    assert app["tags"] == {"team:name": "blue/50 @x", "a": "1"}
    assert json.loads(app["lifecycle_policy"])["rules"][0]["selection"]["countNumber"] == 9
    assert (base["lifecycle_policy_enabled"], base["scan_on_push"]) == (False, False)
    # Written although it is empty: common.tfvars may give all repositories to others.
    assert base["pull_account_ids"] == []
    assert ":key/" in base["kms_key_arn"]

    text = used.project.tfvars_path("taken").read_text("utf-8")
    for part in (
        "quay-old is left out",
        "template hub is left as it is: it applies to REPLICATION",
        "template nowhere is left as it is: no rule has its prefix",
        "policy of the repository base is left as it is",
        "releases is left out: its mutability is IMMUTABLE_WITH_EXCLUSION",
        "statements of others: Replicate",
        "the cache of quay",
    ):
        assert any(part in each for each in ran.json["left_alone"]), ran.json["left_alone"]
        assert part in text
        assert part in " ".join(ran.err.split())
    folder = str(used.project.environments_dir)
    done = subprocess.run([*find_terraform().command, "fmt", "-check", "-diff", folder], capture_output=True, text=True)
    assert done.stdout == ""

    again = init(used)
    assert again.code == 2
    assert "exists already" in again.err
    assert used.project.tfvars_path("taken").read_text("utf-8") == text


def test_an_empty_account_and_a_rule_of_ones_own_are_answered(world: World) -> None:
    refused = init(world, "--upstream", "quay")
    assert refused.code == 2
    assert "--upstream and --from-aws" in refused.err
    world.client("ecr").create_repository(repositoryName="team/app")
    world.client("ecr").create_repository(repositoryName="small-registry")
    ran = init(world)
    assert ran.code == 0, ran.err
    # `dev` owns the registry, its rule and one of the repositories.
    values = said(world)
    assert (values["manage_registry"], list(values["repositories"])) == (False, ["team/app"])
    assert world.run("validate", "--all", local=False).code == 0
    world.project.tfvars_path("dev").unlink()
    world.project.tfvars_path("taken").unlink()
    assert init(world).code == 0
    assert said(world)["pull_through_cache_rules"] == {}
    assert "the account has none in us-east-1" in world.project.tfvars_path("taken").read_text("utf-8")


def test_a_region_without_rules_gets_no_proposals_and_no_file_a_second_look(world: World) -> None:
    world.project.tfvars_path("dev").unlink()
    flags = ("--platform", "eks", "--region", "us-gov-west-1", "--account-id", world.account, "--from-aws")
    ran = world.run("init", "gov", *flags)
    assert ran.code == 0, ran.err
    gov = Project(world.project.root).load("gov")
    assert (dict(gov.pull_through_cache_rules), dict(gov.mirrors), dict(gov.repositories)) == ({}, {}, {})
    again = world.run("init", "gov", *flags, "--state-bucket", "my-state")
    assert again.code == 2
    assert "exists already" in again.err


@pytest.mark.long
def test_its_plan_adopts_and_changes_nothing_but_tags(used: World) -> None:
    assert init(used).code == 0
    ran = used.run("plan", "taken", "--adopt", "--json")
    assert ran.code == 0, ran.out + ran.err
    counts = ran.json["counts"]
    assert (counts["create"], counts["destroy"], counts["replace"]) == (0, 0, 0)
    # Two rules, two templates, scanning; two repositories with a lifecycle policy and a policy.
    assert counts["import"] == 9
    changed = {each["path"].split(".")[0] for change in ran.json["changes"] for each in change["attributes"]}
    # AWS knows no `force_delete`: it is Terraform's own.
    assert changed <= {"tags", "tags_all", "force_delete"}
