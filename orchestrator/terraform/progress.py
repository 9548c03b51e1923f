"""Live progress on a terminal: done of total, what is in flight and for how long. Plain lines elsewhere come from `say`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Self

from orchestrator.plain_text import drawn_on, plain
from orchestrator.terraform.stream import REFRESH, Began, Ended, Event

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Underway:
    """How far one run of Terraform is: changes done, and {address: (action, since when)} of what is in flight."""

    phase: str
    done: int = 0
    in_flight: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    def after(self, event: Event, now: float) -> Underway:
        """The run with one more event taken in."""
        match event:
            case Began(address, action):
                return replace(self, in_flight={**self.in_flight, address: (action, now)})
            case Ended(address, action):
                others = {name: entry for name, entry in self.in_flight.items() if name != address}
                finished = action != REFRESH and not event.failed
                return replace(self, done=self.done + finished, in_flight=others)
        return self

    def lines(self, name: str, total: int, now: float) -> list[str]:
        """One line for the environment, then what takes its time."""
        flying = len(self.in_flight)
        if self.phase in {"apply", "destroy"}:
            out = [f"{name}: {self.phase} {self.done}/{max(total, self.done)}"]
        else:
            out = [f"{name}: {self.phase}, {flying} in flight" if flying else f"{name}: {self.phase}"]
        oldest = sorted(self.in_flight.items(), key=lambda item: item[1][1])
        out += [f"  {address}  {action} {now - began:.0f} s" for address, (action, began) in oldest[:SHOWN]]
        if flying > SHOWN:
            out.append(f"  and {flying - SHOWN} more")
        return out


class Progress:
    """Shows the runs of several environments below the lines that are printed; a context manager.

    Without a terminal it shows nothing. `write` prints a line above what is live.
    """

    def __init__(self, target: IO[str], *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._target = target
        self._wanted = live
        self._clock = clock
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._runs: dict[str, Underway] = {}
        self._totals: dict[str, int] = {}
        # One of its own: what is live is drawn by a thread that stopping it waits for.
        self._counting = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def write(self, line: str) -> None:
        """Print one line."""
        line = plain(line)
        with self._lock:
            if self._live is not None:
                self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                self._target.write(f"{line}\n")
                self._target.flush()

    def expect(self, name: str, total: int) -> None:
        """Say how many changes the environment's apply has."""
        with self._counting:
            self._totals[name] = total

    def follow(self, name: str, phase: str) -> Callable[[Event], None]:
        """A run of the environment begins; give its events to what is returned."""
        with self._counting:
            self._runs[name] = Underway(phase)

        def take(event: Event) -> None:
            with self._counting:
                if name in self._runs:
                    self._runs[name] = self._runs[name].after(event, self._clock())
            if self._wanted and self._live is None:
                self._start()

        return take

    def forget(self, name: str) -> None:
        """The environment is through."""
        with self._counting:
            self._runs.pop(name, None)

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
                console = Console(file=drawn_on(self._target))
                live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)
                live.start()
                self._live = live

    def _render(self) -> Text:
        from rich.text import Text

        return Text(plain("\n".join(self.lines())))

    def lines(self) -> list[str]:
        """What is shown, for each environment."""
        with self._counting:
            runs, totals = sorted(self._runs.items()), dict(self._totals)
        now = self._clock()
        return [line for name, run in runs for line in run.lines(name, totals.get(name, 0), now)]
