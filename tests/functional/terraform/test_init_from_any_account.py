"""`init --from-aws` on accounts that chance has filled: taken over by a plan that creates and destroys nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import boto3
import pytest

from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]
# A seed for each region: rules and repositories belong to one.
SEEDS = {"us-east-1": 1, "eu-west-1": 2, "ap-southeast-2": 3}
PLAIN = ("quay.io", "public.ecr.aws", "registry.k8s.io")
WITH_SECRET = ("registry-1.docker.io", "ghcr.io", "registry.gitlab.com", "cgr.dev")
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def policy(chance: random.Random) -> str:
    principal = {"AWS": f"arn:aws:iam::{chance.randrange(10**11, 10**12)}:root"}
    actions = chance.choice([PULL, ["ecr:*"], PULL[:2]])
    statement = {"Sid": chance.choice(["CrossAccountPull", "Mine"]), "Effect": "Allow", "Principal": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": actions}]})


def lifecycle(chance: random.Random) -> str:
    selection: dict[str, object] = {"tagStatus": "any", "countType": "imageCountMoreThan"}
    if chance.random() < 0.5:
        selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    selection["countNumber"] = chance.randint(1, 90)
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def fill(ecr: Any, secrets: Any, chance: random.Random) -> int:
    """Rules, templates and repositories; how many rules there are."""
    upstreams = chance.sample(PLAIN + WITH_SECRET, chance.randint(2, 7))
    prefixes = chance.sample(["qq", "mirror/a", "docker-hub", "k8s.io", "a_b", "x1-y2", "ghcr", "public", "third"], 9)
    for prefix, upstream in zip(prefixes, upstreams, strict=False):
        more = {}
        if upstream in WITH_SECRET:
            name = f"ecr-pullthroughcache/{prefix.replace('/', '-')}"
            value = json.dumps({"username": "u", "accessToken": "t"})
            more = {"credentialArn": secrets.create_secret(Name=name, SecretString=value)["ARN"]}
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream, **more)
        if chance.random() < 0.6:
            template: dict[str, object] = {"imageTagMutability": chance.choice(["MUTABLE", "IMMUTABLE"])}
            template |= {"repositoryPolicy": policy(chance)} if chance.random() < 0.4 else {}
            template |= {"lifecyclePolicy": lifecycle(chance)} if chance.random() < 0.4 else {}
            ecr.create_repository_creation_template(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], **template)
        if chance.random() < 0.5:
            ecr.create_repository(repositoryName=f"{prefix}/cached/app")
    for number in range(chance.randint(3, 9)):
        name = chance.choice(["team/app", "base", "a-b/c.d", "x__y", "deep/er/and/deeper"]) + str(number)
        tags = [{"Key": "owner", "Value": chance.choice(["a team", 'of "us"', "$" + "{x}", ""])}]
        ecr.create_repository(
            repositoryName=name,
            imageTagMutability=chance.choice(["MUTABLE", "IMMUTABLE"]),
            imageScanningConfiguration={"scanOnPush": chance.random() < 0.5},
            tags=tags if chance.random() < 0.5 else [],
        )
        if chance.random() < 0.4:
            ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=lifecycle(chance))
        if chance.random() < 0.3:
            ecr.set_repository_policy(repositoryName=name, policyText=policy(chance))
    return len(upstreams)


def test_whatever_an_account_has_is_adopted_without_a_loss(world: World) -> None:
    world.project.tfvars_path("dev").unlink()
    rules = {}
    for region, seed in SEEDS.items():
        values = world.aws.variables(world.account, region)
        session = boto3.Session(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], region_name=region)
        place = values["AWS_ENDPOINT_URL"]
        clients = session.client("ecr", endpoint_url=place), session.client("secretsmanager", endpoint_url=place)
        rules[region] = fill(*clients, random.Random(seed))
        flags = ("--platform", "eks", "--region", region, "--account-id", world.account)
        ran = world.run("init", region, *flags, "--from-aws")
        assert ran.code == 0, ran.err
    assert world.run("validate", "--all", local=False).code == 0

    planned = world.run("plan", *SEEDS, "--adopt", "--json")
    assert planned.code == 0, planned.out + planned.err
    for plan in planned.json["environments"]:
        counts, region = plan["counts"], plan["environment"]
        assert (counts["create"], counts["destroy"], counts["replace"]) == (0, 0, 0), region
        assert counts["import"] > rules[region]
        changed = {each["path"].split(".")[0] for change in plan["changes"] for each in change["attributes"]}
        # AWS knows no `force_delete`: it is Terraform's own.
        assert changed <= {"tags", "tags_all", "force_delete"}, region
