"""Progress of a copy: bars on a terminal, plain lines in a pipe. Both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from orchestrator.cli.mirror.words import size
from orchestrator.oci.copy_events import BlobDone, Event, ManifestDone, Moved, Retried, SourceRead, Waiting
from orchestrator.oci.ports import Place
from orchestrator.plain_text import drawn_on, plain

# Between two lines in a pipe.
QUIET_SECONDS = 5.0
# Bars of single images at once, under the one for everything; a hundred would scroll.
BARS = 8
_LABEL = 48


class CopyProgress:
    """Hears the copier's events, one at a time."""

    def __init__(self, terminal: Any = None) -> None:
        """`terminal` is a rich Console; None for standard error where that is a terminal."""
        self._terminal = terminal
        self._left: dict[Place, int] = {}
        self._planned: Mapping[Place, tuple[str, int]] = {}
        self._images: dict[Place, Any] = {}
        self._bar: Any = None
        self._task: Any = None
        self._plan_bytes = 0
        self._moved = 0
        self._manifests = 0
        self._total = 0
        self._told = time.monotonic()
        self._quiet = True
        self._waited: dict[str, float] = {}

    def begin(
        self,
        planned: int,
        manifests: int = 0,
        *,
        quiet: bool,
        images: Mapping[Place, tuple[str, int]] | None = None,
    ) -> None:
        """The moving of `planned` bytes and the putting of manifests begin; nothing is shown with `quiet`.

        `images` are what each target gets: its name for people, and bytes that are sent to it.
        """
        self._planned = images or {}
        self._left = {place: count for place, (_, count) in self._planned.items()}
        self._quiet = quiet
        self._plan_bytes = planned
        self._total = manifests
        if quiet or not (planned or manifests) or not (self._terminal or sys.stderr.isatty()):
            return
        # Only here: rich costs a tenth of a second that no pipe needs.
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        terminal = self._terminal or Console(file=drawn_on(sys.stderr))
        self._bar = Bars(*columns, TimeRemainingColumn(), console=terminal, transient=True)
        self._task = self._bar.add_task(self._count(), total=self._plan_bytes or 1)
        self._bar.start()

    def heard(self, event: Event) -> None:
        """One event."""
        match event:
            case Moved(place, _, count):
                self._moved += count
                self._image(place, count)
            case ManifestDone():
                self._manifests += 1
            case Waiting(registry, seconds, why):
                self._wait(registry, seconds, why)
            case Retried(what, why):
                self._line(f"again: {what}: {why}")
            case BlobDone() | SourceRead():
                return
        if self._bar is not None:
            self._bar.update(self._task, completed=self._moved, description=self._count())
        elif not self._quiet and time.monotonic() - self._told >= QUIET_SECONDS:
            manifests = f", {self._count()}" if self._total else ""
            self._line(f"{size(self._moved)} of {size(self._plan_bytes)} moved{manifests}")

    def _image(self, place: Place, count: int) -> None:
        """More bytes of one image. It has a bar while it moves and there is room."""
        if self._bar is None or place not in self._left:
            return
        self._left[place] -= count
        task = self._images.get(place)
        if self._left[place] <= 0:
            if task is not None:
                self._bar.remove_task(self._images.pop(place))
            return
        if task is None:
            if len(self._images) >= BARS:
                return
            name, total = self._planned[place]
            task = self._images[place] = self._bar.add_task(plain(_shortened(name)), total=total)
        self._bar.update(task, completed=self._planned[place][1] - self._left[place])

    def _count(self) -> str:
        return f"{self._manifests} of {self._total} manifests" if self._total else "layers"

    def _wait(self, registry: str, seconds: float, why: str) -> None:
        now = time.monotonic()
        if seconds < 1 or self._waited.get(registry, 0.0) > now:
            return
        self._waited[registry] = now + seconds
        self._line(f"waits {seconds:.0f} s for {registry}: {why}")

    def _line(self, text: str) -> None:
        if self._quiet:
            return
        self._told, text = time.monotonic(), plain(text)
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _shortened(name: str) -> str:
    """The end of a name tells images apart. Square brackets would be read as colours."""
    text = name if len(name) <= _LABEL else "…" + name[1 - _LABEL :]
    return text.replace("[", "\\[")
