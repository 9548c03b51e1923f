"""A full disk below the webhook's state: it begins, answers, copies, and says so."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.copy_queue import CopyQueue
from tests.functional.swapper.serving_webhook import served
from tests.references_table import tfvars
from tests.unit.swapper.reviews import containers, patched, pod, review


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 256 KiB."""
    folder = tmp_path / "state"
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "orchestrator-test", str(folder)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        if os.environ.get("CI"):
            pytest.fail("a CI machine must be able to mount a tmpfs")
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(folder: Path) -> Path:
    """A file that leaves nothing of the disk."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 512)
    return path


def test_the_webhook_serves_with_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    fill(small_disk)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "standard.tfvars").write_text(tfvars("standard"))
    with served(tmp_path, tmp_path / "tls", "standard", "--state-dir", str(small_disk)) as running:
        running.logged("the queue is kept in memory: what waits at the end of this process is forgotten")
        asked = review(pod(containers=containers("nginx")))
        (image,) = (one["image"] for one in patched(asked, running.review(asked))["spec"]["containers"])
        assert image.endswith("/docker-hub/library/nginx")


def test_a_disk_that_fills_up_holds_up_no_copy(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    copied: list[str] = []
    heard = threading.Semaphore(0)

    def ended(target: str, error: OrchestratorError | None) -> None:
        assert error is None
        copied.append(target)
        heard.release()

    path = small_disk / "queue.sqlite"
    queue = CopyQueue(path, lambda *_: None, ended, threads=1)
    filler = fill(small_disk)
    for number in range(20):
        assert queue.add("s" * 2000, f"x/{number}")
        assert heard.acquire(timeout=10)
    assert copied == [f"x/{number}" for number in range(20)]
    assert "the queue's file cannot be written" in caplog.text
    filler.unlink()
    caplog.clear()
    assert queue.add("s", "x/with-room")
    assert heard.acquire(timeout=10)
    assert caplog.text == ""
    queue.close()
