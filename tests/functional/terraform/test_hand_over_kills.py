"""A registry is handed over while everything is killed between its steps: the next apply goes on, and no rule is lost."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from orchestrator.local.controls import forget_requests, recorded_requests
from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]
OTHER = 'ecr_repository_name = "other/name"'
USER = "manage_registry = false"


def killed_at(world: World, step: str) -> int:
    """`apply --all`, killed at `step`; its exit code."""
    module = "tests.functional.terraform.killed_at"
    command = ("-C", str(world.project.root), "apply", "--all", "--yes", "-j", "1", "--local")
    done = subprocess.run(
        [sys.executable, "-m", module, step, *command], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return done.returncode


def rules(world: World) -> list[str]:
    found = world.client("ecr").describe_pull_through_cache_rules()["pullThroughCacheRules"]
    return [each["ecrRepositoryPrefix"] for each in found]


def test_a_hand_over_that_is_killed_twice_between_its_steps_goes_on(applied: World) -> None:
    applied.write(OTHER, USER, name="other")
    assert applied.run("apply", "other", "--yes").code == 0
    applied.write(USER)
    applied.write(OTHER, name="other")
    forget_requests(applied.aws)

    # The new owner has taken the rules, and the former one has them, too; then the former one has forgotten them.
    for step in ("after apply", "after state rm"):
        assert killed_at(applied, step) == -signal.SIGKILL
        assert rules(applied) == ["quay"]
    done = applied.run("apply", "--all", "--yes", "-j", "1")

    assert done.code == 0, done.out + done.err
    asked = {each["operation"] for each in recorded_requests(applied.aws)}
    assert not asked & {"DeletePullThroughCacheRule", "CreatePullThroughCacheRule"}
    for name in ("dev", "other"):
        assert applied.run("plan", name, "--json").json["changes"] == []
        summary = applied.run("output", name, "ecr_summary", "--json").json
        assert summary["owns_registry"] == (name == "other")
