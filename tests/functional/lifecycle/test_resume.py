"""A run from here that was cut short goes on where it was."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.directory_storage import DirectoryStorage
from orchestrator.local.controls import forget_requests, recorded_requests, set_faults
from tests.functional.lifecycle.test_function import old, used

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.lifecycle.world import World

REPOSITORIES = 500


def fill(world: World) -> None:
    for number in range(REPOSITORIES):
        world.aws.seed(f"quay/app-{number}", *([old("1")] if number % 50 == 0 else []), used("2"), used("3"))


def kept(world: World) -> Path:
    return world.root / ".orchestrator" / "local" / "lifecycle" / "dev" / "run"


def described(world: World) -> int:
    return sum(request["operation"] == "DescribeImages" for request in recorded_requests(world.aws.local))


def start(world: World, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "orchestrator.cli.main", "-C", str(world.root), "lifecycle", *arguments]

    def hear_interrupts() -> None:
        # Who runs the tests in the background of a shell has them ignored, and so would every child.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(command, preexec_fn=hear_interrupts, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("cut", [signal.SIGINT, signal.SIGKILL], ids=lambda cut: cut.name)
def test_pages_that_were_read_before_an_interruption_are_not_read_again(world: World, cut: signal.Signals) -> None:
    fill(world)
    set_faults(world.aws.local, {"operations": ["DescribeImages"], "latency_ms": 100})
    process = start(world, "run", "dev", "--local", "--yes", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(kept(world).glob("runs/*/planned/*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # So that it has work left, however busy this machine is.
    set_faults(world.aws.local, {"operations": ["DescribeImages"], "latency_ms": 2000})
    process.send_signal(cut)
    _, errors = process.communicate(timeout=60)
    if cut == signal.SIGINT:
        assert process.returncode == 130
        assert b"the same command goes on from here within a day" in errors
    set_faults(world.aws.local)
    forget_requests(world.aws.local)
    done = world.run("run", "dev", "--local", "--yes", "--json")
    assert (done.code, done.json["resumed"], done.json["expired"]) == (0, True, REPOSITORIES // 50), done.err
    assert done.json["repositories"] == REPOSITORIES
    assert "Continuing the run that began at" in done.err
    # Reading all would be one call a repository, before what expires is read twice more.
    assert described(world) < REPOSITORIES
    assert not kept(world).exists()


def test_a_run_by_other_settings_begins_anew(world: World) -> None:
    world.aws.seed("quay/app", old("1"), used("2"), used("3"))
    kept(world).mkdir(parents=True)
    interrupted = {"seed": "cli x", "started": "2999-01-01T00:00:00+00:00", "asked": "other settings"}
    (kept(world) / "run.json").write_text(json.dumps(interrupted))
    done = world.run("run", "dev", "--local", "--yes", "--json")
    assert (done.code, done.json["resumed"], done.json["expired"]) == (0, False, 1)


def test_two_runs_at_once_come_one_after_the_other(world: World) -> None:
    for number in range(40):
        world.aws.seed(f"quay/app-{number}", old("1"), used("2"), used("3"))
    # The first has to be at work when the second, which a busy machine starts late, asks for the lock.
    set_faults(world.aws.local, {"operations": ["DescribeImages"], "latency_ms": 4000})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    runs = [start(world, "run", "dev", "--local", "--yes", "--json", **pipes)]
    deadline = time.monotonic() + 60
    while not (kept(world) / "run.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    runs.append(start(world, "run", "dev", "--local", "--yes", "--json", **pipes))
    said = runs[1].stderr
    assert said is not None
    assert any(b"Another command is at work on this environment; waiting for it." in line for line in said)
    set_faults(world.aws.local)
    (first, _), (second, errors) = [process.communicate(timeout=120) for process in runs]
    assert [process.returncode for process in runs] == [0, 0], errors
    assert [json.loads(out)["expired"] for out in (first, second)] == [40, 0]
    assert json.loads(second)["resumed"] is False


def test_what_several_write_at_once_is_whole(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path)
    contents = [bytes([number]) * 100_000 for number in range(8)]

    def put_often(content: bytes) -> None:
        for _ in range(20):
            storage.put("runs/page.json", content)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put_often, contents))
    assert storage.get("runs/page.json") in contents
    # What was left by one that was killed is no object.
    (tmp_path / "runs" / ".page.json.x1y2").write_bytes(b"half")
    assert storage.keys("runs/") == ["runs/page.json"]


def answered(world: World, answer: bytes) -> tuple[int, str]:
    """Exit code and output of a run that is asked on a terminal."""
    parent, child = pty.openpty()
    try:
        process = start(world, "run", "dev", "--local", stdin=child, stdout=child, stderr=subprocess.STDOUT)
        os.close(child)
        output = b""
        asked = False
        with contextlib.suppress(OSError):  # the terminal is closed when the process ends
            while chunk := os.read(parent, 4096):
                output += chunk
                if b"Expire them?" in output and not asked:
                    os.write(parent, answer)
                    asked = True
        return process.wait(timeout=60), output.decode()
    finally:
        os.close(parent)


def test_who_declines_changes_nothing_and_the_next_run_looks_again(world: World) -> None:
    world.aws.seed("quay/app", old("1"), used("2"), used("3"))
    code, text = answered(world, b"n\n")
    assert code == 0
    assert "1 of 3 images would expire" in text
    assert world.aws.tags("quay/app") == {"1", "2", "3"}
    assert not kept(world).exists()
    world.aws.seed("quay/other", old("1"), used("2"), used("3"))
    code, text = answered(world, b"y\n")
    assert code == 0
    assert "2 of 6 images would expire" in text
    assert "2 images expired in 2 cached repositories" in text


def test_what_stands_in_the_way_is_said_before_the_question(world: World) -> None:
    world.aws.seed("quay/app", old("1"), used("2"), used("3"))
    # Repositories are judged beside each other: the one fault meets any of them, and one of the two stays guarded.
    world.aws.seed("quay/most", old("1"), old("2"), used("3"))
    world.aws.seed("quay/more", old("1"), old("2"), used("3"))
    denied = {"operations": ["GetLifecyclePolicy"], "code": "AccessDeniedException", "rate": 1.0, "limit": 1}
    set_faults(world.aws.local, denied)
    code, text = answered(world, b"n\n")
    assert code == 0
    before, _, after = text.partition("Expire them?")
    assert re.search("guard: quay/mo(st|re): 2 of 3 images would expire", before), before
    assert "AccessDeniedException" in before
    assert "note: no cluster is declared" in before
    assert "note:" not in after


def test_what_a_run_goes_by_is_said_before_anything_is_done(world: World) -> None:
    settings = world.root / "environments" / "dev.tfvars"
    lines = settings.read_text().splitlines()
    settings.write_text("\n".join(lines[: next(n for n, line in enumerate(lines) if "lifecycle_manager" in line)]))
    world.aws.seed("quay/app", old("1"), used("2"), used("3"), used("4"), used("5"))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = start(world, "run", "dev", "--local", "--yes", **pipes)
    out, _ = process.communicate(timeout=60)
    before, _, after = out.decode().partition("1 image expired")
    assert process.returncode == 0
    assert 'note: environment "dev" sets no lifecycle_manager: the defaults are used (not pulled for 30 days' in before
    assert "note: no cluster is declared: images are judged by their pull times alone" in before
    assert after
    assert "note:" not in after


def test_who_agrees_gets_the_native_policies_too(make_world: Callable[..., World]) -> None:
    world = make_world(more='native_policy = "untagged"')
    world.aws.seed("quay/app", old("1"), used("2"), used("3"))
    code, text = answered(world, b"y\n")
    assert (code, "1 image expired" in text) == (0, True), text
    policy = world.aws.ecr.get_lifecycle_policy(repositoryName="quay/app")["lifecyclePolicyText"]
    assert "untagged" in policy
