"""Live progress on a terminal: done of total, what is in flight and for how long. Plain lines elsewhere come from `say`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from orchestrator.terraform.stream import Stream

SHOWN = 6
EACH_SECONDS = 0.25


class Progress:
    """Shows the streams of several environments below the lines that are printed; a context manager.

    Without a terminal it shows nothing. `write` prints a line above what is live.
    """

    def __init__(self, target: IO[str], *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._target = target
        self._wanted = live
        self._clock = clock
        self._live: Live | None = None
        self._streams: dict[str, tuple[Stream, str]] = {}
        self._totals: dict[str, int] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def write(self, line: str) -> None:
        """Print one line."""
        with self._lock:
            if self._live is not None:
                self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                self._target.write(f"{line}\n")
                self._target.flush()

    def expect(self, name: str, total: int) -> None:
        """Say how many changes the environment's apply has."""
        self._totals[name] = total

    def watch(self, name: str, stream: Stream, phase: str) -> None:
        """Take note of a stream's new state."""
        self._streams[name] = (stream, phase)
        if self._wanted and self._live is None:
            self._start()

    def forget(self, name: str) -> None:
        """The environment is through."""
        self._streams.pop(name, None)

    def pause(self) -> None:
        """Take the live part away, for a question or at the end."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with self._lock:
            if self._live is None:
                console = Console(file=self._target)
                live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)
                live.start()
                self._live = live

    def _render(self) -> Text:
        from rich.text import Text

        return Text("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """What is shown: one line for each environment, then what takes its time."""
        now = self._clock()
        out = []
        for name, (stream, phase) in sorted(self._streams.items()):
            flying = dict(stream.in_flight)
            if phase in {"apply", "destroy"}:
                done, total = len(stream.finished), self._totals.get(name, 0)
                out.append(f"{name}: {phase} {done}/{max(total, done)}")
            else:
                out.append(f"{name}: {phase}, {len(flying)} in flight" if flying else f"{name}: {phase}")
            oldest = sorted(flying.items(), key=lambda item: item[1][1])
            out += [f"  {address}  {action} {now - began:.0f} s" for address, (action, began) in oldest[:SHOWN]]
            if len(oldest) > SHOWN:
                out.append(f"  and {len(oldest) - SHOWN} more")
        return out
