"""Runs the engines: short commands with a bound on their time, and servers that never outlive the tests."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.cluster.engines.build import binary

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class EngineRunError(AssertionError):
    """An engine ended with another exit code than 0; the message holds its command and what it said."""


def engine_environment(home: Path, **variables: str) -> dict[str, str]:
    """The environment of an engine: nothing of the developer's settings, a home folder of its own."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C.UTF-8", **variables}


def run_engine(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    stdin: str = "",
    timeout: float = 300,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run an engine to its end, within `timeout` seconds. A name without a slash is one of the built engines.

    Errors: `EngineRunError` unless `check` is false.
    """
    program = str(command[0])
    resolved = [program if "/" in program else str(binary(program)), *map(str, command[1:])]
    finished = subprocess.run(
        resolved, input=stdin, env=dict(environment), capture_output=True, text=True, timeout=timeout, check=False
    )
    if check and finished.returncode != 0:
        raise EngineRunError(
            f"{' '.join(map(str, command))} ended with {finished.returncode}\n{finished.stderr}{finished.stdout}"
        )
    return finished


def _die_with_parent() -> None:
    # Between fork and exec. A killed test run must leave no API server behind; the kernel sees to it.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that runs while the block does; its output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago, all different."""
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 90, pause: float = 0.1) -> None:
    """Return once `condition()` holds; an `AssertionError` that names `what` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(pause)
