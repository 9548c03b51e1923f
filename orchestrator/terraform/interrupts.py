"""What Ctrl-C does: the first asks every running Terraform to stop cleanly, the second kills them.

Children are in process groups of their own, so that a terminal's Ctrl-C reaches them through here only. Terraform takes
a second SIGINT as "stop at once" and may then lose state.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """A context that handles SIGINT, SIGTERM and SIGHUP for the children that `watch` names.

    `asked` is true after the first signal, `killed` after the second. Outside the main thread it changes no handler.
    """

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.asked = False
        self.killed = False
        self._tell = tell
        self._children: dict[int, subprocess.Popen[Any]] = {}
        # Reentrant: a handler runs in the main thread, which may hold it.
        self._lock = threading.RLock()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        for child in list(self._children.values()):
            kill_group(child)

    @contextlib.contextmanager
    def watch(self, child: subprocess.Popen[Any]) -> Any:
        """Pass interrupts on to `child`, the leader of its process group, while the context lasts."""
        with self._lock:
            self._children[child.pid] = child
            late = self.asked
        if late:
            _send(child, signal.SIGINT)
        try:
            yield
        finally:
            with self._lock:
                self._children.pop(child.pid, None)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        with self._lock:
            children = list(self._children.values())
        if not children:
            self.asked = True
            raise KeyboardInterrupt
        if not self.asked:
            self.asked = True
            self._tell("Interrupted: asking Terraform to stop. Press Ctrl-C again to kill it (state may be lost).")
            for child in children:
                _send(child, signal.SIGINT)
        elif not self.killed:
            self.killed = True
            self._tell("Interrupted again: killing Terraform.")
            for child in children:
                kill_group(child)


def kill_group(child: subprocess.Popen[Any]) -> None:
    """End the process group that `child` leads, providers included; nothing when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _send(child: subprocess.Popen[Any], number: int) -> None:
    # To Terraform alone: it stops its providers itself, after they finished what they are at.
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)
