"""apply, plan, drift, output and destroy against the embedded AWS, as a user runs them."""

from __future__ import annotations

import json
import stat

import pytest

from tests.functional.published_schemas import problems
from tests.functional.terraform.conftest import World

pytestmark = pytest.mark.terraform


def test_an_environment_lives_from_apply_to_destroy(world: World) -> None:
    first = world.run("apply", "dev", "--yes", "--json")
    assert first.code == 0, first.err
    assert first.json["applied"] is True
    assert first.json["counts"]["create"] > 2
    assert first.json["outputs"]["ecr_repository_name"] == "small-registry"
    assert [rule["prefix"] for rule in first.json["rules"]] == ["quay"]
    assert first.json["rules"][0]["valid"] is True

    again = world.run("apply", "dev", "--yes")
    assert again.code == 0
    assert "No changes." in again.out

    shared = world.run("plan", "dev", "--json")
    alone = world.run("plan", "dev", "--json", "--no-shared-provider")
    assert shared.code == alone.code == 0
    assert shared.json == alone.json
    assert not shared.json["changes"]
    assert problems("plan", shared.json) == []

    outputs = world.run("output", "dev", "--json")
    assert outputs.json["outputs"]["ecr_repository_url"].startswith(f"{world.account}.dkr.ecr.us-east-1.")
    assert problems("output", outputs.json) == []
    # There is no other state that could be meant.
    meant = world.run("output", "dev", "--json", local=False)
    assert meant.json == outputs.json
    assert "applied with --local" in meant.err
    url = outputs.json["outputs"]["ecr_repository_url"]
    assert outputs.json["environments"] == [{"environment": "dev", "outputs": outputs.json["outputs"]}]
    assert world.run("output", "dev", "ecr_repository_url", "--raw").out == url
    empty = world.run("output", "dev", "lifecycle_manager_function_name")
    assert (empty.code, "has no value" in empty.err, "orchestrator docs outputs" in empty.err) == (2, True, True)
    assert world.run("output", "dev", "ecr_repository_url", "--json").json == url
    assert world.run("output", "dev", "ecr_repository_url").out == f"{url}\n"
    for arguments, said in [
        (("dev", "ecr_repository_ulr"), 'Did you mean "ecr_repository_url"?'),
        (("dev", "ecr_repository_ulr", "--raw"), 'Did you mean "ecr_repository_url"?'),
        (("dev", "pull_through_cache_rules", "--raw"), "orchestrator output dev pull_through_cache_rules --json"),
    ]:
        refused = world.run("output", *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
    [listed] = world.run("list", "--json").json["environments"]
    assert listed["last_apply"].endswith("Z")
    assert listed["drift"] is None
    [elsewhere] = world.run("list", "--json", local=False).json["environments"]
    assert (elsewhere["local"], elsewhere["last_apply"]) == (True, listed["last_apply"])
    world.write('state = { bucket = "somewhere" }')
    assert world.run("output", "dev", "--json", local=False).code != 0
    world.write()

    gone = world.run("destroy", "dev", "--yes", "--quiet")
    assert gone.code == 0, gone.err
    assert gone.out == "Destroyed.\n"
    assert world.run("list", "--json").json["environments"][0]["last_apply"] is None
    assert json.loads((world.folder / "state/dev/terraform.tfstate").read_text())["resources"] == []
    assert world.client("ecr").describe_repositories()["repositories"] == []


def test_drift_names_what_changed_with_both_values(applied: World) -> None:
    clean = applied.run("drift", "dev")
    assert (clean.code, clean.out.strip()) == (0, "No drift.")

    ecr = applied.client("ecr")
    ecr.put_image_tag_mutability(repositoryName="small-registry", imageTagMutability="IMMUTABLE")
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")

    found = applied.run("drift", "dev")
    assert found.code == 3
    [listed] = applied.run("list", "--json").json["environments"]
    assert (listed["drift"]["resources"], listed["account_id"], listed["valid"]) == (2, applied.account, True)
    assert 'image_tag_mutability: "MUTABLE" -> "IMMUTABLE"' in found.out
    assert 'aws_ecr_pull_through_cache_rule.this["quay"]  was deleted' in found.out

    document = applied.run("drift", "dev", "--json", "--no-shared-provider")
    assert document.code == 3
    assert problems("drift", document.json) == []
    [changed, deleted] = sorted(document.json["drift"], key=lambda entry: entry["type"], reverse=True)
    assert changed["attributes"] == [
        {
            "path": "image_tag_mutability",
            "before": "MUTABLE",
            "after": "IMMUTABLE",
            "sensitive": False,
            "known_after_apply": False,
            "forces_replacement": False,
        }
    ]
    assert deleted["action"] == "delete"

    assert applied.run("plan", "dev", "--detailed-exitcode").code == 3
    assert applied.run("apply", "dev", "--yes").code == 0
    assert applied.run("drift", "dev").code == 0


@pytest.mark.long
def test_a_change_is_planned_the_same_with_and_without_the_shared_provider(applied: World) -> None:
    applied.write('image_tag_mutability = "IMMUTABLE"', 'tags = { team = "a" }')

    shared = applied.run("plan", "dev", "--json")
    alone = applied.run("plan", "dev", "--json", "--no-shared-provider")
    assert problems("plan", shared.json) == []

    assert shared.json == alone.json
    paths = {a["path"]: (a["before"], a["after"]) for c in shared.json["changes"] for a in c["attributes"]}
    assert paths["image_tag_mutability"] == ("MUTABLE", "IMMUTABLE")


def test_nothing_in_the_working_directory_is_open_to_others_or_holds_credentials(applied: World) -> None:
    folder = applied.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "terraform.log").stat().st_mode) == 0o600
    assert not (folder / "plan.tfplan").exists()
    assert applied.aws.access_key_for(applied.account) not in (folder / "terraform.log").read_text()


def test_without_a_terminal_and_yes_nothing_is_applied(world: World) -> None:
    refused = world.run("apply", "dev")

    assert refused.code == 2
    assert "--yes" in refused.err
    assert world.client("ecr").describe_repositories()["repositories"] == []


def test_a_broken_working_directory_heals(applied: World) -> None:
    root = applied.folder / "root"
    (root / ".terraform/terraform.tfstate").write_text("{")
    (root / ".terraform.lock.hcl").write_text("provider ")
    (root / "main.tf").write_text("resource")
    (root / "stray.tf").write_text("nonsense")
    (applied.folder / "init.json").write_text("")

    healed = applied.run("plan", "dev")

    assert healed.code == 0, healed.err
    assert "No changes." in healed.out


@pytest.mark.long
def test_one_environment_that_fails_lets_the_others_finish(world: World) -> None:
    world.write('ecr_repository_name = "other/name"', "manage_registry = false", name="other")
    world.client("ecr").create_repository(repositoryName="small-registry")

    done = world.run("apply", "--all", "--yes", "-j", "2")

    assert done.code == 1, done.out + done.err
    assert "other | Applied." in done.out
    assert "dev | error:" in done.out
    assert "--adopt" in done.out


@pytest.mark.long
def test_a_plan_names_a_secret_that_is_scheduled_for_deletion(world: World) -> None:
    name = "ecr-pullthroughcache/docker-hub"
    secrets = world.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString='{"username": "me", "accessToken": "token"}')
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    path = world.project.tfvars_path("dev")
    rule = f'docker-hub = {{ upstream_registry_url = "registry-1.docker.io", secret_name = "{name}" }}'
    path.write_text(
        path.read_text("utf-8").replace("pull_through_cache_rules = {", f"pull_through_cache_rules = {{\n{rule}")
    )

    planned = world.run("plan", "dev")

    assert planned.code == 2
    assert f"the secret of the rule docker-hub: {name} is scheduled for deletion." in planned.err
    assert "restore-secret" in planned.err


@pytest.mark.long
def test_a_target_is_applied_alone_and_the_rest_stays_to_be_done(world: World) -> None:
    world.write('repositories = { "a/web" = {}, "a/api" = {} }')
    for wrong, said in [
        (("plan", "dev", "--target", "a/wbe"), "orchestrator plan dev --target a/web"),
        (("plan", "dev", "--target", "a/web", "--out", "x.plan"), "--out and --target exclude each other"),
        (("apply", "dev", "--yes", "--target", "a/web", "--plan", "x.plan"), "--plan and --target exclude each other"),
    ]:
        refused = world.run(*wrong)
        assert (refused.code, said in refused.err) == (2, True), refused.err
    done = world.run("apply", "dev", "--yes", "--json", "--target", "a/web")
    assert done.code == 0, done.err
    assert "Resource targeting is in effect" in done.err
    assert any("only what --target names" in note for note in done.json["notes"])
    made = world.client("ecr").describe_repositories()["repositories"]
    assert [repository["repositoryName"] for repository in made] == ["a/web"]
    assert world.run("list", "--json").json["environments"][0]["last_apply"] is None
    rest = world.run("plan", "dev", "--json").json["changes"]
    addresses = [change["address"] for change in rest if change["action"] == "create"]
    assert any('"a/api"' in address for address in addresses)
    assert not any('"a/web"' in address for address in addresses)
