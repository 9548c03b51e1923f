"""An apply that is cut off: by Ctrl-C, by kill -9 of the command, by kill -9 of everything."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]


@pytest.fixture
def slow_creation(world: World) -> Iterator[World]:
    """Creating a repository takes four seconds."""
    world.aws.request("POST", "/_orchestrator/faults", [{"operations": ["CreateRepository"], "latency_ms": 4000}])
    yield world
    world.aws.request("POST", "/_orchestrator/faults", [])


def wait_for_creation(world: World) -> None:
    """Until Terraform is creating the repository."""
    journal = world.folder / "apply.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if 'aws_ecr_repository.this[\\"small-registry\\"]: Creating' in journal.read_text():
                # Terraform says so before the provider has sent the request.
                time.sleep(1)
                return
        time.sleep(0.05)
    pytest.fail("the apply did not begin")


def terraform_of(folder: Path) -> list[psutil.Process]:
    """Processes that work in the environment's root."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(folder / "root"):
                found.append(process)
    return found


def wait_for_repository(world: World) -> None:
    """Until AWS has done what it was asked for."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if world.client("ecr").describe_repositories()["repositories"]:
            return
        time.sleep(0.2)
    pytest.fail("the repository was never created")


def test_ctrl_c_stops_cleanly_and_the_next_apply_finishes(slow_creation: World) -> None:
    process = slow_creation.start("apply", "dev", "--yes")
    wait_for_creation(slow_creation)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 130, said
    assert "asking Terraform to stop" in said
    assert "nothing is lost" in said
    assert "`orchestrator apply dev --local`" in said
    assert terraform_of(slow_creation.folder) == []

    # The request was cancelled; AWS does what it was asked for all the same, a moment later.
    wait_for_repository(slow_creation)
    again = slow_creation.run("apply", "dev", "--yes")
    assert again.code == 0, again.err
    assert '"small-registry" exists and is taken over' in again.out


def test_terraform_outlives_a_killed_command_and_the_next_one_waits(slow_creation: World) -> None:
    process = slow_creation.start("apply", "dev", "--yes")
    wait_for_creation(slow_creation)
    process.kill()
    process.communicate()

    again = slow_creation.run("apply", "dev", "--yes")

    assert again.code == 0, again.err
    assert "still finishing" in again.out
    assert "taken over" not in again.out
    assert "No changes." in again.out


def test_when_everything_was_killed_the_next_apply_takes_over_what_was_in_flight(slow_creation: World) -> None:
    process = slow_creation.start("apply", "dev", "--yes")
    wait_for_creation(slow_creation)
    process.kill()
    for one in terraform_of(slow_creation.folder):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
            break
    process.communicate()
    wait_for_repository(slow_creation)
    slow_creation.push("small-registry")

    again = slow_creation.run("apply", "dev", "--yes")

    assert again.code == 0, again.err
    assert '"small-registry" exists and is taken over' in again.out
    assert slow_creation.images("small-registry") == 1
    assert slow_creation.run("plan", "dev", "--json").json["changes"] == []
