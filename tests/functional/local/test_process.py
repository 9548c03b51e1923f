"""Starting, sharing and stopping the server's process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.local import LocalAws, ensure_running, status, stop


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    stop(folder)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_commands_that_start_at_once_share_one_server(state_dir: Path) -> None:
    code = "import sys, pathlib; from orchestrator.local import ensure_running; print(ensure_running(pathlib.Path(sys.argv[1])).pid)"
    commands = [
        subprocess.Popen([sys.executable, "-c", code, str(state_dir)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    pids = {command.communicate(timeout=120)[0].strip() for command in commands}
    assert len(pids) == 1
    running = status(state_dir)
    assert running is not None
    assert str(running.pid) in pids, "the server outlives the command that started it"


def test_stopping_ends_the_process_and_forgets_it(state_dir: Path) -> None:
    running = ensure_running(state_dir)
    assert stop(state_dir) is True
    assert not is_running(running.pid)
    assert status(state_dir) is None
    assert not (state_dir / "server.json").exists()
    assert stop(state_dir) is False


def test_the_record_and_its_folder_are_the_users_alone(state_dir: Path) -> None:
    ensure_running(state_dir)
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((state_dir / "server.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((state_dir / "server.log").stat().st_mode) == 0o600


def test_a_server_that_was_killed_is_replaced(state_dir: Path) -> None:
    first = ensure_running(state_dir)
    psutil.Process(first.pid).kill()
    assert status(state_dir) is None
    second = ensure_running(state_dir)
    assert (second.pid, second.start_id) != (first.pid, first.start_id)


def test_a_record_that_names_somebody_elses_process_is_not_believed_nor_is_the_process_ended(state_dir: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=_answer_like_somebody_else, args=(listener,), daemon=True).start()
            state_dir.mkdir()
            port = listener.getsockname()[1]
            record = {"pid": stranger.pid, "port": port, "start_id": "x" * 32, "created": 0}
            (state_dir / "server.json").write_text(json.dumps(record))
            assert status(state_dir) is None
            assert stop(state_dir) is False
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def _answer_like_somebody_else(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1, "port": 1}'])
def test_a_broken_record_counts_as_none(state_dir: Path, content: str) -> None:
    state_dir.mkdir()
    (state_dir / "server.json").write_text(content)
    assert status(state_dir) is None


def test_deleting_the_state_directory_ends_the_server(state_dir: Path) -> None:
    running = ensure_running(state_dir)
    shutil.rmtree(state_dir)
    psutil.Process(running.pid).wait(timeout=30)
    assert not is_running(running.pid)


def test_what_the_shell_exports_does_not_disturb_the_server(state_dir: Path) -> None:
    hostile = {
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_PROFILE": "nobody",
        "MOTO_ACCOUNT_ID": "999999999999",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
    }
    code = (
        "import sys, pathlib, boto3; from orchestrator.local import ensure_running;"
        "l = ensure_running(pathlib.Path(sys.argv[1]));"
        "import os; e = l.process_environment('111122223333', 'us-east-1'); os.environ.clear(); os.environ.update(e);"
        "print(boto3.client('sts').get_caller_identity()['Account'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(state_dir)],
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.stdout.strip(), result.returncode) == ("111122223333", 0), result.stderr


def test_a_server_that_cannot_start_says_why_and_where_its_log_is(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "not a number")
    with pytest.raises(OrchestratorError, match="did not start") as caught:
        ensure_running(state_dir)
    assert "PYTHONHASHSEED" in caught.value.why
    assert str(state_dir / "server.log") in caught.value.remedy


def test_administration_needs_the_start_id(local_aws: LocalAws) -> None:
    stranger = LocalAws(local_aws.endpoint, local_aws.pid, "guess", local_aws.created, local_aws.log)
    for path in ("status", "requests"):
        with pytest.raises(OrchestratorError, match="unknown start id"):
            stranger.request("GET", f"/_orchestrator/{path}")
    with pytest.raises(OrchestratorError, match="no such path"):
        local_aws.request("GET", "/_orchestrator/nothing")


def test_the_server_listens_on_loopback_only(local_aws: LocalAws) -> None:
    listening = [c for c in psutil.Process(local_aws.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}
