"""Ends requests whose body does not come in time. One look at all of them replaces a timer for each."""

from __future__ import annotations

import asyncio
from typing import Any

# How often is looked, as a part of the time that a body may take.
_PART = 0.1


class SlowBodies:
    """A context of each request that reads its body, for `seconds` and a tenth of them at most. Used in one event loop.

    A request that is too slow gets TimeoutError. A timer for each would cost as much as reading a small body does.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._looking = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._reading[task] = loop.time() + self._seconds
        if not self._looking:
            self._looking = True
            loop.call_later(self._seconds * _PART, self._look, loop)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        del self._reading[task]
        if task in self._late:
            self._late.discard(task)
            # Somebody else may have cancelled it, too: that end is not ours to swallow.
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, ends in self._reading.items():
            if ends <= now and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._looking = bool(self._reading)
        if self._looking:
            loop.call_later(self._seconds * _PART, self._look, loop)
