"""Two ways to an AWS that fails: the small environment with `--local`, and one that believes it is in the real AWS."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest

from orchestrator.local.controls import set_faults
from orchestrator.project import Project
from tests.functional.running import Ran, run
from tests.functional.terraform.conftest import SMALL, applied, world

if TYPE_CHECKING:
    from orchestrator.local import LocalAws

__all__ = ["applied", "world"]

SECRET = "Recognisable/Secret+Key0123456789abcdef"
SESSION_TOKEN = "RecognisableSessionToken0123456789"


@dataclass(frozen=True)
class RealWorld:
    """The environment `live`, whose state is in a bucket, used as in a real account: through the process environment."""

    project: Project
    account: str
    aws: LocalAws

    def run(self, *arguments: str) -> Ran:
        """`orchestrator ARGUMENTS` in the project."""
        return run("-C", str(self.project.root), *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "-C", str(self.project.root), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ),
        )

    def client(self, service: str) -> Any:
        """A client of the environment's account."""
        # A session of its own: the default one keeps the credentials of the first test that asked for them.
        return boto3.Session(region_name="us-east-1").client(service)  # type: ignore[call-overload]  # a service of any name

    @property
    def folder(self) -> Path:
        """The working directory of `live`."""
        return self.project.state_dir / "live"


@pytest.fixture
def real(
    project: Callable[..., Project], local_aws: LocalAws, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> RealWorld:
    """The environment `live` with its bucket, not applied yet; credentials and endpoint are in the process environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", local_aws.access_key_for(account_id))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION_TOKEN)
    made = RealWorld(project(live=SMALL.format(account=account_id)), account_id, local_aws)
    bucket = made.run("init", "live", "--state-bucket", f"state-{account_id}")
    assert bucket.code == 0, bucket.err
    return made


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Callable[..., None]]:
    """Make the embedded AWS fail (see orchestrator.local.faults); it recovers after the test."""

    def set_them(*wanted: dict[str, Any]) -> None:
        set_faults(local_aws, *wanted)

    yield set_them
    set_faults(local_aws)


def wait_until(seen: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Until it is so; the test fails when it does not become so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if seen():
                return
        time.sleep(0.05)
    pytest.fail(f"not seen: {what}")


def wait_for_creation(aws: LocalAws) -> None:
    """Until AWS was asked to create the repository; nothing but that may have a latency."""
    wait_until(lambda: bool(aws.request("GET", "/_orchestrator/status")["calls_waiting"]), "the creation")


def processes_in(folder: Path) -> list[psutil.Process]:
    """Terraform and its providers that work in the environment's root."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(folder / "root") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def kill_terraform(folder: Path) -> None:
    """kill -9 of Terraform and its providers, which are one process group."""
    for group in {os.getpgid(process.pid) for process in processes_in(folder)}:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def repositories(client: Any) -> list[str]:
    """Names of all repositories, sorted."""
    return sorted(entry["repositoryName"] for entry in client.describe_repositories()["repositories"])
