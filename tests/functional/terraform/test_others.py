"""What others own in the account is seen, shown as it is -> as it would be, kept, and left by a destroy.

Each test is one life of an environment, because a run of Terraform takes seconds.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.cli.operation import Questions
from orchestrator.local.controls import forget_requests, recorded_requests
from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]
PULL_POLICY = "AmazonEC2ContainerRegistryReadOnly"
UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 9}


def statement(sid: str, account: str, world: World) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": [f"arn:aws:ecr:us-east-1:{world.account}:repository/*"],
    }


def sids(world: World) -> list[str]:
    try:
        text = world.client("ecr").get_registry_policy()["policyText"]
    except ClientError:
        return []
    return [each["Sid"] for each in json.loads(text)["Statement"]]


def put_policy(world: World, *statements: dict[str, Any]) -> None:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    world.client("ecr").put_registry_policy(policyText=json.dumps(policy))


def scans(world: World) -> tuple[str, set[str]]:
    found = world.client("ecr").get_registry_scanning_configuration()["scanningConfiguration"]
    return found["scanType"], {each["filter"] for rule in found["rules"] for each in rule["repositoryFilters"]}


def put_scans(world: World, *patterns: str, scan_type: str = "BASIC") -> None:
    filters = [{"filter": each, "filterType": "WILDCARD"} for each in patterns]
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}] if filters else []
    world.client("ecr").put_registry_scanning_configuration(scanType=scan_type, rules=rules)


def attached(world: World, role: str) -> list[str]:
    found = world.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [each["PolicyName"] for each in found]


def make_role(world: World, name: str, *policies: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    world.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    for policy in policies:
        world.client("iam").attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


def change(world: World, before: str, after: str, name: str = "dev") -> None:
    """Another value for what the small environment sets."""
    path = world.project.tfvars_path(name)
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def refused(world: World, *names: str) -> str:
    """An apply without consent: it names each of `names`, says `--adopt`, and changes nothing."""
    ran = world.run("apply", "dev", "--yes")
    assert ran.code == 2, ran.out + ran.err
    for name in (*names, "--adopt"):
        assert name in ran.err
    return ran.out


def test_what_the_registry_has_once_is_shared_with_others(world: World) -> None:
    """Statements of the policy, scanning rules, account settings and the pull policy of a role."""
    put_policy(world, statement("TeamA", "444455556666", world))
    put_scans(world, "team-a/*")
    world.client("ecr").put_account_setting(name="BASIC_SCAN_TYPE_VERSION", value="CLAIR")
    make_role(world, "acme-Worker-Role", PULL_POLICY)
    world.write(
        'platform = "rosa-classic"',
        'worker_role_prefix = "acme"',
        'registry_consumer_account_ids = ["222233334444"]',
        'registry_scanning = { scan_type = "ENHANCED", rules = [{ scan_frequency = "SCAN_ON_PUSH", '
        'repository_patterns = ["prod-*"] }] }',
        'registry_account_settings = { BASIC_SCAN_TYPE_VERSION = "AWS_NATIVE" }',
        f"registry_policy_statements = [{json.dumps(statement('Replicate', '777788889999', world))}]",
    )
    change(world, "attach_ecr_policy     = false", "attach_ecr_policy     = true")

    shown = refused(world, "the registry policy", "scanning configuration", "BASIC_SCAN_TYPE_VERSION = CLAIR")
    assert 'value: "CLAIR" -> "AWS_NATIVE"' in shown
    assert 'scan_type: "BASIC" -> "ENHANCED"' in shown
    assert 'Sid: null -> "Replicate"' in shown
    assert sids(world) == ["TeamA"]

    adopted = world.run("apply", "dev", "--yes", "--adopt")
    assert adopted.code == 0, adopted.out + adopted.err
    assert sids(world) == ["TeamA", "ConsumersImport", "Replicate"]
    assert scans(world) == ("ENHANCED", {"team-a/*", "prod-*"})
    assert attached(world, "acme-Worker-Role") == [PULL_POLICY]

    # Others go on: nothing of theirs is a change, or lost.
    put_policy(
        world,
        *json.loads(world.client("ecr").get_registry_policy()["policyText"])["Statement"],
        statement("TeamB", "555566667777", world),
    )
    put_scans(world, "team-a/*", "prod-*", "team-b/*", scan_type="ENHANCED")
    again = world.run("plan", "dev", "--json")
    assert again.code == 0, again.err
    assert again.json["changes"] == []
    assert [note for note in again.json["notes"] if "acme-Worker-Role" in note]

    gone = world.run("destroy", "dev", "--yes")
    assert gone.code == 0, gone.out + gone.err
    assert sids(world) == ["TeamA", "TeamB"]
    assert scans(world) == ("BASIC", {"team-a/*", "team-b/*"})
    assert attached(world, "acme-Worker-Role") == [PULL_POLICY]
    assert world.client("iam").list_role_policies(RoleName="acme-Worker-Role")["PolicyNames"] == []
    assert json.loads((world.folder / "state/dev/terraform.tfstate").read_text())["resources"] == []


def test_what_others_put_on_ours_is_shown_and_weighed(applied: World) -> None:
    """A lifecycle policy that would expire images, a repository policy that names others, a rule, a template and a role."""
    ecr, iam, name = applied.client("ecr"), applied.client("iam"), "team/app"
    ecr.create_repository(repositoryName=name)
    for number in (1, 2, 3):
        applied.push(name, f"v{number}")
    policy = {"Version": "2012-10-17", "Statement": [{**statement("X", "333344445555", applied)}]}
    del policy["Statement"][0]["Resource"]  # type: ignore[attr-defined]
    ecr.set_repository_policy(repositoryName=name, policyText=json.dumps(policy))
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s", upstreamRegistryUrl="registry.k8s.io")
    make_role(applied, "builder")
    applied.write(
        f'repositories = {{ "{name}" = {{ lifecycle_keep_count = 1, pull_account_ids = ["222233334444"] }} }}',
        "push_roles = { builder = { "
        f'repositories = ["{name}"], subjects = ["system:serviceaccount:ci:b"], '
        f'oidc_provider_arn = "arn:aws:iam::{applied.account}:oidc-provider/oidc.example.com/id/A" }} }}',
    )
    rule = 'quay = { upstream_registry_url = "quay.io" }'
    change(applied, rule, f'{rule}\n  k8s = {{ upstream_registry_url = "registry.k8s.io" }}')

    shown = refused(applied, f'the repository "{name}"', 'the pull-through cache rule "k8s"', 'the role "builder"')
    assert "no longer names 333344445555" in shown
    assert f'the lifecycle policy of "{name}" would expire 2 images' in shown

    plain = applied.run("apply", "dev", "--yes", "--adopt")
    assert plain.code == 2, plain.out + plain.err
    assert "would expire 2 images" in plain.err
    assert f"--allow-destroy {name}" in plain.err
    assert applied.images(name) == 3

    named = applied.run("apply", "dev", "--yes", "--adopt", "--allow-destroy", name, "--json")
    assert named.code == 0, named.err
    assert named.json["counts"]["import"] == 4
    assert iam.get_role(RoleName="builder")["Role"]["RoleName"] == "builder"
    assert applied.run("plan", "dev", "--json").json["changes"] == []


def test_a_registry_goes_from_one_environment_to_another_and_never_lacks_a_rule(applied: World) -> None:
    applied.write('ecr_repository_name = "other/name"', "manage_registry = false", name="other")
    assert applied.run("apply", "other", "--yes").code == 0
    applied.write("manage_registry = false")
    applied.write('ecr_repository_name = "other/name"', name="other")

    alone = applied.run("apply", "dev", "--yes")
    assert alone.code == 2
    assert 'the registry goes over to "other"' in alone.err
    assert "orchestrator apply other dev --local" in alone.err

    forget_requests(applied.aws)
    both = applied.run("apply", "--all", "--yes", "-j", "2")
    assert both.code == 0, both.out + both.err
    assert '"dev" hands the registry over' in both.out
    assert 'handed over to "other"' in both.out
    operations = {each["operation"] for each in recorded_requests(applied.aws)}
    assert not operations & {"DeletePullThroughCacheRule", "CreatePullThroughCacheRule"}
    assert len(applied.client("ecr").describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1
    for name, owns in (("dev", False), ("other", True)):
        assert applied.run("plan", name, "--json").json["changes"] == []
        assert applied.run("output", name, "ecr_summary", "--json").json["owns_registry"] == owns

    # And back: who was the owner once has not taken it yet.
    applied.write()
    applied.write('ecr_repository_name = "other/name"', "manage_registry = false", name="other")
    forget_requests(applied.aws)
    back = applied.run("apply", "--all", "--yes", "-j", "2")
    assert back.code == 0, back.out + back.err
    operations = {each["operation"] for each in recorded_requests(applied.aws)}
    assert not operations & {"DeletePullThroughCacheRule", "CreatePullThroughCacheRule"}
    assert applied.run("output", "dev", "ecr_summary", "--json").json["owns_registry"]

    # Now a third one, whose file claims what "other" has.
    applied.write('ecr_repository_name = "third/name"', name="third")
    third = applied.run("apply", "third", "--yes", "--adopt")
    assert third.code == 2
    assert 'in the state of "dev"' in third.err
    assert "manage_registry = false in environments/dev.tfvars" in third.err


def test_a_renamed_environment_takes_its_state_along(applied: World) -> None:
    applied.project.tfvars_path("dev").rename(applied.project.tfvars_path("prod"))

    refusal = applied.run("apply", "prod", "--yes", "--adopt")
    assert refusal.code == 2
    assert "orchestrator state mv dev prod --local" in refusal.err

    moved = applied.run("state", "mv", "dev", "prod")
    assert moved.code == 0, moved.err
    planned = applied.run("plan", "prod", "--json")
    assert planned.json["changes"] == []
    again = applied.run("state", "mv", "dev", "prod")
    assert again.code == 2
    assert '"dev" has no state' in again.err


def test_an_attachment_that_another_environment_needs_outlives_its_owner(world: World) -> None:
    rosa = ('platform = "rosa-classic"', 'worker_role_prefix = "acme"', "manage_registry = false")
    for name, more in (("dev", ""), ("prod", "attach_managed_policy = false")):
        world.write(*rosa, f'cluster_name_is = "{name}"', more, name=name)
        for before, after in (
            ("attach_ecr_policy     = false", "attach_ecr_policy     = true"),
            ("create_ecr            = true", "create_ecr            = false"),
            ('cluster_name          = "small"', f'cluster_name          = "{name}"'),
            (f'cluster_name_is = "{name}"', ""),
            ('quay = { upstream_registry_url = "quay.io" }', ""),
        ):
            change(world, before, after, name=name)
    make_role(world, "acme-Worker-Role")
    assert world.run("validate", "--all", local=False).code == 0
    both = world.run("apply", "--all", "--yes")
    assert both.code == 0, both.out + both.err
    assert attached(world, "acme-Worker-Role") == [PULL_POLICY]

    gone = world.run("destroy", "dev", "--yes")
    assert gone.code == 0, gone.out + gone.err
    assert 'environment "prod" needs it on acme-Worker-Role' in gone.out
    assert attached(world, "acme-Worker-Role") == [PULL_POLICY]
    assert world.client("iam").list_role_policies(RoleName="acme-Worker-Role")["PolicyNames"] == ["prod-ecr-pull"]


def test_what_others_write_while_a_person_looks_at_the_plan_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan that is shown says nothing of it, so that its apply would replace it."""
    make_role(world, "acme-node")
    world.write("lifecycle_policy_enabled = false")
    assert world.run("apply", "dev", "--yes").code == 0
    world.write(
        'node_role_names = ["acme-node"]',
        "attach_managed_policy = true",
        'registry_consumer_account_ids = ["222233334444"]',
        'registry_scanning = { scan_type = "BASIC", rules = [{ scan_frequency = "SCAN_ON_PUSH", '
        'repository_patterns = ["prod-*"] }] }',
        'repositories = { "team/app" = {} }',
        "scan_on_push = false",
        'tags = { team = "platform" }',
    )
    change(world, "attach_ecr_policy     = false", "attach_ecr_policy     = true")
    theirs = json.dumps({"rules": [{"rulePriority": 1, "selection": UNTAGGED, "action": {"type": "expire"}}]})

    def think(asked: Questions, environment: str, question: str) -> bool:
        put_policy(world, statement("TeamA", "444455556666", world))
        put_scans(world, "team-a/*")
        world.client("ecr").put_lifecycle_policy(repositoryName="small-registry", lifecyclePolicyText=theirs)
        world.client("ecr").create_repository(repositoryName="team/app")
        world.client("ecr").put_image_tag_mutability(repositoryName="small-registry", imageTagMutability="IMMUTABLE")
        arn = f"arn:aws:iam::aws:policy/{PULL_POLICY}"
        world.client("iam").attach_role_policy(RoleName="acme-node", PolicyArn=arn)
        return True

    monkeypatch.setattr(Questions, "confirm", think)
    late = world.run("apply", "dev")

    assert late.code == 1, late.out + late.err
    for name in (
        "statements of the registry policy",
        "scanning rules",
        'the lifecycle policy of the repository "small-registry"',
        'the repository "team/app"',
        f'the policy {PULL_POLICY} on the role "acme-node"',
        'aws_ecr_repository.this["small-registry"] (image_tag_mutability)',
        "orchestrator apply dev --local",
    ):
        assert name in late.err
    assert sids(world) == ["TeamA"]
    assert scans(world) == ("BASIC", {"team-a/*"})
    kept = world.client("ecr").get_lifecycle_policy(repositoryName="small-registry")["lifecyclePolicyText"]
    assert json.loads(kept) == json.loads(theirs)
    assert world.client("iam").list_role_policies(RoleName="acme-node")["PolicyNames"] == []

    # What ECR needs to pull from an upstream is as much another's: the security team's.
    rule = 'quay = { upstream_registry_url = "quay.io" }'
    secret = "ecr-pullthroughcache/hub"
    hub = f'hub = {{ upstream_registry_url = "registry-1.docker.io", secret_name = "{secret}" }}'
    change(world, rule, f"{rule}\n  {hub}")
    world.client("secretsmanager").create_secret(Name=secret, SecretString="{}")
    world.client("secretsmanager").delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    doctor = world.run("doctor", "dev", "--json")
    (named,) = [each for each in doctor.json["findings"] if "secret of hub" in each["check"]]
    for command in ("plan", "drift", "apply"):
        ran = world.run(command, "dev")
        assert ran.code == 2, ran.out + ran.err
        assert f"{secret} is scheduled for deletion" in ran.err
        assert named["remedy"] in " ".join(ran.err.split())
