"""`orchestrator local up | status | down`, as a user runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from orchestrator.local import stop
from tests.conftest import ProjectFactory
from tests.functional.running import run


@pytest.fixture
def root(project: ProjectFactory) -> Iterator[Path]:
    """A project's folder, without a server afterwards."""
    found = project(dev='cluster_name = "dev"')
    yield found.root
    stop(found.state_dir / "local-aws")


def test_up_status_and_down(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert run("-C", str(root), "local", "status").code == 1
    up = run("-C", str(root), "local", "up", "--json", "--account", "444455556666", "--region", "eu-west-1")
    assert up.code == 0, up.err
    variables = up.json["environment"]
    client = boto3.client(
        "sts",
        region_name=variables["AWS_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    assert client.get_caller_identity()["Account"] == "444455556666"
    client.close()
    again = run("-C", str(root), "local", "up", "--json", "--upstream", "quay.io=https://quay.example.com")
    assert again.json["pid"] == up.json["pid"]
    assert (up.json["upstreams"], again.json["upstreams"]) == ({}, {"quay.io": "https://quay.example.com"})
    status = run("-C", str(root), "local", "status")
    assert status.code == 0
    assert "Accounts in use: 444455556666" in status.out
    assert "Rules of quay.io fetch from https://quay.example.com\n" in status.out
    assert f"export AWS_ENDPOINT_URL={variables['AWS_ENDPOINT_URL']}" in status.out
    other = tmp_path_factory.mktemp("other")
    (other / "environments").mkdir()
    from_there = run("-C", str(other), "local", "status")
    assert from_there.code == 1
    assert f"Another runs for {root}: {variables['AWS_ENDPOINT_URL']}" in from_there.out
    assert f"orchestrator -C {root} local status" in from_there.out
    assert str(root) in [
        entry["project"] for entry in run("-C", str(other), "local", "status", "--json").json["others"]
    ]
    assert f"Another runs for {root}" not in status.out
    assert run("-C", str(root), "local", "down", "--json").json == {"stopped": True}
    down = run("-C", str(root), "local", "down")
    assert (down.code, down.out) == (0, "The embedded AWS does not run.\n")
    # Servers of other folders may run on this machine.
    assert run("-C", str(root), "local", "status", "--json").json["running"] is False


@pytest.mark.parametrize("account", ["1234", "12345678901a", "１２３４５６７８９０１２"])
def test_an_account_that_is_none_is_refused_before_anything_starts(root: Path, account: str) -> None:
    ran = run("-C", str(root), "local", "up", "--account", account)
    assert ran.code == 2
    assert "twelve digits" in ran.err
    assert not (root / ".orchestrator" / "local-aws" / "server.json").exists()
