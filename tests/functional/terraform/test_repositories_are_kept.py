"""Protection, adoption and the guard of images: no repository is lost or taken over silently."""

from __future__ import annotations

import pytest

from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]
NAME = "small-registry"


def test_protection_goes_on_and_off_without_touching_the_images(applied: World) -> None:
    applied.push(NAME)
    applied.write("ecr_prevent_destroy = true")

    on = applied.run("plan", "dev", "--json")
    assert on.code == 0, on.err
    assert (on.json["counts"]["create"], on.json["counts"]["destroy"], on.json["counts"]["replace"]) == (0, 0, 0)
    assert on.json["counts"]["move"] == 1
    assert applied.run("apply", "dev", "--yes").code == 0

    spared = applied.run("destroy", "dev", "--yes", "--json")
    assert spared.code == 0, spared.err
    assert spared.json["spared"] == [NAME]
    assert applied.images(NAME) == 1
    assert applied.client("ecr").describe_pull_through_cache_rules()["pullThroughCacheRules"] == []

    back = applied.run("apply", "dev", "--yes", "--json")
    assert back.code == 0, back.err
    assert back.json["counts"]["import"] == 0
    assert applied.images(NAME) == 1

    applied.write("ecr_prevent_destroy = false")
    off = applied.run("plan", "dev", "--json")
    assert (off.json["counts"]["create"], off.json["counts"]["destroy"], off.json["counts"]["replace"]) == (0, 0, 0)
    assert off.json["counts"]["move"] == 1
    assert applied.run("apply", "dev", "--yes").code == 0
    assert applied.images(NAME) == 1


def test_images_are_not_lost_by_a_plain_yes(world: World) -> None:
    world.write("force_delete = true")
    assert world.run("apply", "dev", "--yes").code == 0
    world.push(NAME)

    refused = world.run("destroy", "dev", "--yes")
    assert refused.code == 2
    assert f"--allow-destroy {NAME}" in refused.err
    assert world.images(NAME) == 1

    other = world.run("destroy", "dev", "--yes", "--allow-destroy", "another")
    assert other.code == 2

    gone = world.run("destroy", "dev", "--yes", "--allow-destroy", NAME)
    assert gone.code == 0, gone.err
    assert world.client("ecr").describe_repositories()["repositories"] == []


def test_what_aws_would_refuse_to_delete_is_refused_before_anything_is_destroyed(applied: World) -> None:
    applied.push(NAME)

    refused = applied.run("destroy", "dev", "--yes", "--allow-destroy", NAME)

    assert refused.code == 2
    assert "force_delete" in refused.err
    assert applied.client("ecr").describe_pull_through_cache_rules()["pullThroughCacheRules"] != []


def test_an_existing_repository_is_adopted_on_request_only(world: World) -> None:
    world.client("ecr").create_repository(repositoryName=NAME)
    world.push(NAME)

    refused = world.run("apply", "dev", "--yes")
    assert refused.code == 2
    assert NAME in refused.err
    assert "--adopt" in refused.err

    adopted = world.run("apply", "dev", "--yes", "--adopt", "--json")
    assert adopted.code == 0, adopted.err
    assert adopted.json["counts"]["import"] == 1
    assert world.images(NAME) == 1
    assert world.run("plan", "dev", "--json").json["changes"] == []


def test_destroy_lists_what_aws_cached(applied: World) -> None:
    applied.client("ecr").create_repository(repositoryName="quay/prometheus/prometheus")
    applied.push("quay/prometheus/prometheus")

    gone = applied.run("destroy", "dev", "--yes")

    assert gone.code == 0, gone.err
    assert "quay/prometheus/prometheus" in gone.out
    assert "bytes" in gone.out
    assert "orchestrator local down" in gone.out
    assert "aws ecr" not in gone.out, "the command would speak to the real AWS"
