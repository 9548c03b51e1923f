"""Runs Terraform: both pipes drained at once, lines handed on as they come, a log without secrets, signals as failures.

Every Terraform process of the package is started here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.binary import Terraform
from orchestrator.terraform.interrupts import Interrupts, kill_group
from orchestrator.terraform.masking import Masker

# Of Terraform's own variables only these reach it. The others would change its work (TF_CLI_ARGS, TF_WORKSPACE,
# TF_DATA_DIR, TF_VAR_...) or its providers, or log secrets (TF_LOG).
PASSED_ON = ("TF_PLUGIN_CACHE_", "TF_REGISTRY_", "TF_TOKEN_", "TF_HTTP_", "TF_STATE_PERSIST_INTERVAL")
LOG_LIMIT = 4_000_000
FOLLOW_SECONDS = 0.05
# The longest that a Ctrl-C waits to be handled, in seconds.
MOMENT = 0.2
RUNNING = "running.json"
Line = Callable[[str], None]


def _ignore(_: str) -> None:
    return None


def terraform_environment(base: Mapping[str, str], workspace: str | None = None) -> dict[str, str]:
    """The environment for Terraform: `base` without variables that would change what it does, and without colours."""
    kept = {name: value for name, value in base.items() if not name.startswith("TF_") or name.startswith(PASSED_ON)}
    kept |= {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    # A fifth less CPU for a third more memory, in Terraform and in its providers; both are written in Go.
    kept.setdefault("GOGC", "200")
    return kept | ({"TF_WORKSPACE": workspace} if workspace else {})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: exit code (negative: died by that signal), output, seconds, and whether Ctrl-C was pressed."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    seconds: float
    interrupted: bool = False

    @property
    def signal_name(self) -> str:
        """Name of the signal that ended it, "" when none did."""
        if self.code >= 0:
            return ""
        with contextlib.suppress(ValueError):
            return signal.Signals(-self.code).name
        return f"signal {-self.code}"


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs `terraform` in `folder` with the whole environment `variables`; `log` gets everything, masked, mode 0600."""

    terraform: Terraform
    folder: Path
    variables: Mapping[str, str]
    masker: Masker = field(default_factory=Masker)
    log: Path | None = None
    interrupts: Interrupts = field(default_factory=Interrupts)

    def run(
        self,
        *arguments: str,
        on_line: Line = _ignore,
        on_error_line: Line = _ignore,
        timeout: float | None = None,
        extra: Mapping[str, str] | None = None,
        journal: Path | None = None,
        quiet_log: bool = False,
    ) -> Outcome:
        """Run `terraform ARGUMENTS` to its end; lines go to the callbacks from reading threads, in their order.

        With `journal` stdout goes to that file (mode 0600) and is followed there. Terraform then survives the death of
        this process and finishes what it is at. `quiet_log` keeps stdout out of the log (state and plans hold secrets).
        After `timeout` seconds it is asked to stop, ten seconds later killed. Raises OrchestratorError when it cannot
        be started or did not end in time. Its exit code is for the caller to judge.
        """
        started = time.monotonic()
        out: list[str] = []
        err: list[str] = []
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(_Log(self.log, self.masker))
            log.write(f"\n$ terraform {' '.join(arguments)}\n")
            sink: int | IO[bytes] = subprocess.PIPE
            if journal is not None:
                sink = stack.enter_context(open_private(journal))
            # After the journal: when this process is killed, Terraform must not die of a write to a broken pipe.
            error_sink: int | IO[bytes] = subprocess.PIPE
            error_file = journal.with_suffix(".stderr") if journal is not None else None
            if error_file is not None:
                error_sink = stack.enter_context(open_private(error_file))
            child = self._start(arguments, sink, error_sink, {**self.variables, **(extra or {})})
            if journal is not None:
                stack.enter_context(_announced(journal.with_name(RUNNING), child.pid))

            def collect(line: str, lines: list[str], hand_on: Line, logged: bool) -> None:
                lines.append(line)
                if logged:
                    log.write(line)
                hand_on(line.rstrip("\n"))

            def take_out(line: str) -> None:
                collect(line, out, on_line, not quiet_log)

            def take_err(line: str) -> None:
                collect(line, err, on_error_line, True)

            ended = threading.Event()
            readers = [
                threading.Thread(target=_read, args=(child.stdout, journal, take_out, ended), daemon=True),
                threading.Thread(target=_read, args=(child.stderr, error_file, take_err, ended), daemon=True),
            ]
            with self.interrupts.watch(child):
                for reader in readers:
                    reader.start()
                timed_out = _wait(child, timeout)
                if child.returncode < 0:
                    # Terraform did not end its providers: what is left of the group goes with it.
                    kill_group(child)
                ended.set()
                for reader in readers:
                    reader.join()
            log.write(f"exit code {child.returncode}, {time.monotonic() - started:.1f} s\n")
        if error_file is not None:
            error_file.unlink(missing_ok=True)
        if timed_out:
            raise OrchestratorError(
                f"terraform {arguments[0]} did not end within {timeout:.0f} s and was stopped.",
                remedy=f"Its log is {self.log}." if self.log else "",
            )
        return Outcome(
            arguments,
            child.returncode,
            "".join(out),
            "".join(err),
            time.monotonic() - started,
            self.interrupts.asked,
        )

    def _start(
        self, arguments: Sequence[str], out: int | IO[bytes], err: int | IO[bytes], variables: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                [*self.terraform.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=dict(variables),
                text=True,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            )
        except OSError as error:
            raise OrchestratorError(
                f"Terraform could not be started: {error.strerror}.", why=f"It is {self.terraform.why}."
            ) from error


def _wait(child: subprocess.Popen[str], timeout: float | None) -> bool:
    """Wait for the end; True when the time was over first."""
    # In a thread, because Python runs signal handlers between calls only. A Ctrl-C that comes just before a wait blocks
    # would be handled at the child's end.
    waiter = threading.Thread(target=child.wait, daemon=True)
    waiter.start()
    try:
        if _ended(waiter, timeout):
            return False
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)
        if not _ended(waiter, 10):
            kill_group(child)
            waiter.join()
        return True
    except BaseException:
        # The end of this process's wait must not leave Terraform behind, whatever it was.
        kill_group(child)
        waiter.join()
        raise


def _ended(waiter: threading.Thread, timeout: float | None) -> bool:
    """Did the child end within `timeout` seconds? Signal handlers run meanwhile."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while waiter.is_alive():
        left = MOMENT if deadline is None else min(MOMENT, deadline - time.monotonic())
        if left <= 0:
            return False
        waiter.join(left)
    return True


def _read(stream: IO[str] | None, file: Path | None, take: Line, ended: threading.Event) -> None:
    if stream is not None:
        with stream:
            for line in stream:
                take(line)
    elif file is not None:
        _follow(file, take, ended)


def _follow(file: Path, take: Line, ended: threading.Event) -> None:
    """Hand on the lines of a file that grows, until `ended` and its end."""
    rest = ""
    with file.open(encoding="utf-8", errors="replace") as source:
        while True:
            last = ended.is_set()
            text = source.read()
            if text:
                *lines, rest = (rest + text).split("\n")
                for line in lines:
                    take(line + "\n")
            elif last:
                break
            else:
                ended.wait(FOLLOW_SECONDS)
    if rest:
        take(rest + "\n")


@contextlib.contextmanager
def _announced(path: Path, pid: int) -> Iterator[None]:
    """Leave word which process is at work, for the command that comes after this one was killed."""
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        path.write_text(json.dumps({"pid": pid, "created": psutil.Process(pid).create_time()}), "utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def open_private(path: Path) -> IO[bytes]:
    """A new file that only this user can read; what was there is gone."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)


class _Log:
    """The log of a working directory: appended to, masked, kept to a size. A full disk does not stop Terraform."""

    def __init__(self, path: Path | None, masker: Masker) -> None:
        self._path = path
        self._masker = masker
        self._file: IO[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> _Log:
        if self._path is not None:
            with contextlib.suppress(OSError):
                if self._path.exists() and self._path.stat().st_size > LOG_LIMIT:
                    self._path.replace(self._path.with_suffix(".log.1"))
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                os.fchmod(descriptor, 0o600)
                self._file = os.fdopen(descriptor, "a", encoding="utf-8", errors="replace", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def write(self, text: str) -> None:
        if self._file is None:
            return
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._file.write(self._masker(text))
