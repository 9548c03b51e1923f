"""Ends requests whose body does not come in time. One look at all of them replaces a timer for each."""

from __future__ import annotations

import asyncio
from typing import Any

# How many looks a body outlives.
_LOOKS = 10


class SlowBodies:
    """A context of each request that reads its body, for `seconds` and a tenth of them at most. Used in one event loop.

    A request that is too slow gets TimeoutError. A timer for each would cost as much as reading a small body does.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # {request: the number of looks before it}
        self._reading: dict[asyncio.Task[Any] | None, int] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._looks = 0
        self._looking = False

    def __enter__(self) -> None:
        self._reading[asyncio.current_task()] = self._looks
        if not self._looking:
            self._looking = True
            self._look_later(asyncio.get_running_loop())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task = asyncio.current_task()
        del self._reading[task]
        if self._late and task in self._late:
            self._late.discard(task)
            # Somebody else may have cancelled it, too: that end is not ours to swallow.
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(self._seconds / _LOOKS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looks += 1
        for task, before in self._reading.items():
            if self._looks - before > _LOOKS and task is not None and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._looking = bool(self._reading)
        if self._looking:
            self._look_later(loop)
