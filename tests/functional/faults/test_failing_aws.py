"""AWS and processes that fail in the middle of the work: nothing is lost, and the message says what to do."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil
import pytest

from orchestrator.local import ensure_running, stop
from orchestrator.local.controls import recorded_requests
from tests.functional.faults.conftest import (
    kill_terraform,
    processes_in,
    repositories,
    wait_for_creation,
    wait_until,
)
from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]

Faults = Callable[..., None]
SLOW_CREATION = {"operations": ["CreateRepository"], "latency_ms": 4000}


def test_throttling_and_server_errors_on_a_fifth_of_the_calls_are_survived(world: World, faults: Faults) -> None:
    faults(
        {"rate": 0.12, "seed": 5},
        {"rate": 0.12, "seed": 6, "code": "InternalFailure", "status": 500, "message": "try again"},
    )

    applied = world.run("apply", "dev", "--yes")

    assert applied.code == 0, applied.err
    hit = [entry for entry in recorded_requests(world.aws) if entry["fault"] and entry["account_id"] == world.account]
    assert {400, 500} == {entry["status"] for entry in hit}
    assert repositories(world.client("ecr")) == ["small-registry"]
    faults()
    assert world.run("plan", "dev", "--json").json["changes"] == []


def test_a_terraform_that_is_killed_is_no_success_and_the_next_apply_finishes(world: World, faults: Faults) -> None:
    faults(SLOW_CREATION)
    process = world.start("apply", "dev", "--yes")
    wait_for_creation(world.aws)
    kill_terraform(world.folder)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1, said
    assert "ended by SIGKILL" in said
    assert "`orchestrator apply dev --local`" in said
    wait_until(lambda: repositories(world.client("ecr")) == ["small-registry"], "what AWS was asked for")
    faults()
    again = world.run("apply", "dev", "--yes")
    assert again.code == 0, again.err
    assert '"small-registry" exists and is taken over' in again.out


def test_a_second_ctrl_c_kills_and_the_next_apply_finishes(world: World, faults: Faults) -> None:
    faults(SLOW_CREATION)
    process = world.start("apply", "dev", "--yes")
    wait_for_creation(world.aws)
    # A Terraform that does not obey.
    for one in processes_in(world.folder):
        one.suspend()
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "asking Terraform to stop" in said
    assert "killed (SIGKILL) in the middle of an apply" in said
    assert "`orchestrator apply dev --local`" in said
    assert processes_in(world.folder) == []
    wait_until(lambda: repositories(world.client("ecr")) == ["small-registry"], "what AWS was asked for")
    faults()
    again = world.run("apply", "dev", "--yes")
    assert again.code == 0, again.err
    assert '"small-registry" exists and is taken over' in again.out


def test_a_shared_provider_that_is_killed_in_the_middle_of_a_plan_is_replaced(applied: World, faults: Faults) -> None:
    faults({"operations": ["DescribePullThroughCacheRules"], "latency_ms": 3000})
    process = applied.start("plan", "dev")
    providers: list[psutil.Process] = []

    def begun() -> bool:
        busy = [entry for entry in psutil.Process(process.pid).children(recursive=True) if "provider" in entry.name()]
        providers[:] = [one for one in busy if "-debug" in one.cmdline()]
        return bool(providers) and bool(processes_in(applied.folder))

    wait_until(begun, "the shared provider")
    wait_until(
        lambda: any(
            "refresh_start" in line for line in (applied.folder / "terraform.log").read_text().split("\n$ ")[-1:]
        ),
        "the refresh",
    )
    for one in providers:
        one.kill()
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 0, said
    assert "planning again without it" in said
    assert "No changes." in said


def test_an_embedded_aws_that_dies_is_said_and_the_next_apply_starts_over(world: World) -> None:
    (world.project.local_aws_dir / "server.json").unlink()
    try:
        mine = ensure_running(world.project.local_aws_dir)
        own = World(world.project, world.account, mine)
        mine.request("POST", "/_orchestrator/faults", [SLOW_CREATION])
        process = own.start("apply", "dev", "--yes")
        wait_for_creation(mine)
        psutil.Process(mine.pid).kill()
        said, _ = process.communicate(timeout=300)

        assert process.returncode == 1, said
        assert "the embedded AWS has ended in the middle" in said

        again = own.run("apply", "dev", "--yes")
        assert again.code == 0, again.err
        after = World(world.project, world.account, ensure_running(world.project.local_aws_dir))
        assert repositories(after.client("ecr")) == ["small-registry"]
    finally:
        stop(world.project.local_aws_dir)
