"""`mirror --sync` keeps going, and `mirror --write` makes routes of what it copies."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oci.corpus import Maker, bytes_of

from .running import run
from .test_mirror_command import UBI, World, shared, source, world

__all__ = ["shared", "source", "world"]

APP = "registry.redhat.io/ubi9/app:9.5.0"


@pytest.fixture
def rounds(world: World, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "list.txt").write_text(f"{UBI}\n")
    command = [sys.executable, "-m", "orchestrator", "-C", str(world.project.root), "mirror", world.name]
    command += ["--from", str(tmp_path / "list.txt"), "--sync", "--interval", "1s", "--local"]
    command += ["--via", f"registry.redhat.io=http://{world.source.host}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines up to the one with this text. Ends with the process."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return seen
    pytest.fail("".join(seen))


def test_rounds_follow_each_other_and_read_everything_anew(
    world: World, rounds: subprocess.Popen[str], tmp_path: Path
) -> None:
    until(rounds, "1 image copied")
    until(rounds, "next round at")
    (tmp_path / "list.txt").write_text(f"{UBI}\nregistry.redhat.io/ubi9/app:none\n{APP}\n")
    until(rounds, "1 image copied, 1 unchanged, 1 failed")
    (tmp_path / "list.txt").write_text("NOT AN IMAGE\n")
    until(rounds, "error: ")
    Maker(world.source, "ubi9/ubi").image("9.4", layers=[bytes_of("new", 2000)])
    (tmp_path / "list.txt").write_text(f"{UBI}\n")
    until(rounds, "1 image copied")
    rounds.send_signal(signal.SIGTERM)
    until(rounds, "next round at")
    assert rounds.wait() == 0
    moved = world.source.repository("ubi9/ubi").tags["9.4"]
    assert world.tags("redhat/ubi9/ubi")[moved] == ["9.4"]


def test_one_round_is_for_a_cron_job(world: World) -> None:
    assert world.mirror(UBI, "--sync", "--once").code == 0
    assert world.mirror("registry.redhat.io/ubi9/ubi:none", "--sync", "--once").code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--sync",), "--interval"),
        (("--sync", "--interval", "1h", "--once"), "one of"),
        (("--sync", "--interval", "soon"), "1h30m"),
        (("--sync", "--interval", "0s"), "1h30m"),
        (("--sync", "--interval", "9" * 5000 + "d"), "1h30m"),
        (("--sync", "--cron", "0 3 * *"), "five fields"),
        (("--sync", "--cron", "0 0 30 2 *"), "no such day"),
        (("--once",), "--sync"),
        (("--sync", "--once", "--check"), "--check"),
        (("--sync", "--interval", "1h", "--from", "-"), "Standard input"),
        (("--write", "--dry-run"), "--write"),
    ],
)
def test_schedules_that_are_none_are_refused(world: World, arguments: tuple[str, ...], says: str) -> None:
    ran = world.mirror(UBI, *arguments)
    assert ran.code == 2, ran.out
    assert says in ran.err


def test_a_pull_secret_of_the_cluster_logs_in(world: World, tmp_path: Path) -> None:
    world.source.basic = ("me", "hidden")
    assert world.mirror(UBI).code == 1
    login = json.dumps({"auths": {"registry.redhat.io": {"username": "me", "password": "hidden"}}})
    data = base64.b64encode(login.encode()).decode()
    secret = tmp_path / "secret.yaml"
    secret.write_text(
        f"kind: List\nitems:\n- kind: Secret\n  metadata: {{name: pull}}\n  data: {{.dockerconfigjson: {data}}}\n"
    )
    ran = world.mirror(UBI, "--pull-secret", str(secret))
    assert ran.code == 0, ran.err
    for content in (data, f"data: {{.dockerconfigjson: {data[:8]}!}}", "[" * 300 + data):
        secret.write_text(content)
        ran = world.mirror(UBI, "--pull-secret", str(secret))
        assert ran.code == 2
        assert "kubectl get secret" in ran.err
        assert data[:8] not in ran.err


def test_what_is_copied_becomes_a_route(world: World) -> None:
    world.source.repositories["team/app"] = world.source.repository("ubi9/app")
    file = world.project.tfvars_path(world.name)
    file.chmod(0o640)
    before = file.read_text() + "# the end\n"
    file.write_text(before)
    arguments = ("quay.io/team/app:9.5.0", "--via", f"quay.io=http://{world.source.host}")
    assert world.mirror(*arguments).code == 2, "nothing takes it"
    root = str(world.project.root)
    listed = run("-C", root, "mirror", world.name, "--from", "-", "--local", stdin=b"quay.io/team/app:9.5.0\n")
    assert 'quay = { source = "quay.io" }' in listed.out
    ran = world.mirror(*arguments, "--write")
    assert ran.code == 0, ran.err
    assert 'mirrors: quay = { source = "quay.io" }' in ran.err
    assert world.tags("quay/team/app")
    after = file.read_text()
    assert after.replace('\n  quay = { source = "quay.io" }\n ', "") == before
    assert file.stat().st_mode & 0o777 == 0o640
    route = run("-C", root, "route", world.name, "quay.io/team/app:9.5.0")
    assert "/quay/team/app:9.5.0" in route.out
    assert world.mirror(*arguments, "--write").code == 0
    assert file.read_text() == after, "a second time nothing is missing"
