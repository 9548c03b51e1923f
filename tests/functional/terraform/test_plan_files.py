"""A plan that one CI job makes and another applies."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.functional.terraform.conftest import World

pytestmark = pytest.mark.terraform


@pytest.fixture
def plan_file(world: World, tmp_path: Path) -> Path:
    """A plan of `dev` that creates everything."""
    path = tmp_path / "dev.plan"
    made = world.run("plan", "dev", "--out", str(path), "--markdown")
    assert made.code == 0, made.err
    assert made.out.startswith("<!-- orchestrator plan: dev -->\n### dev: Plan: ")
    assert "\n+ module." in made.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


def test_the_plan_of_another_job_is_applied(world: World, plan_file: Path) -> None:
    done = world.run("apply", "dev", "--plan", str(plan_file), "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["applied"] is True
    assert world.run("plan", "dev", "--json").json["changes"] == []

    stale = world.run("apply", "dev", "--plan", str(plan_file), "--yes")
    assert stale.code == 1
    assert "moved on" in stale.err


def test_a_plan_of_other_inputs_is_refused(world: World, plan_file: Path) -> None:
    world.write('image_tag_mutability = "IMMUTABLE"')

    refused = world.run("apply", "dev", "--plan", str(plan_file), "--yes")

    assert refused.code == 2
    assert "other inputs" in refused.err
    assert world.client("ecr").describe_repositories()["repositories"] == []


def test_a_plan_of_another_environment_is_refused(world: World, plan_file: Path) -> None:
    world.write(name="other")

    refused = world.run("apply", "other", "--plan", str(plan_file), "--yes")

    assert refused.code == 2
    assert 'environment "dev"' in refused.err


def test_a_file_that_is_no_plan_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "no.plan"
    path.write_text("no zip")

    refused = world.run("apply", "dev", "--plan", str(path), "--yes")

    assert refused.code == 2
    assert "is no plan file" in refused.err
