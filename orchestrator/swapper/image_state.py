"""Whether images are there: asked once at a time for each, and remembered for a while. It asks through what it is given.

A present image is believed longer than an absent one. A copy may come any second, an expiry comes seldom.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakSet

PRESENT_SECONDS = 300.0
ABSENT_SECONDS = 5.0
# Images that are remembered; an entry has some hundred bytes.
REMEMBERED = 16_384
# Requests that are under way at most.
THREADS = 16


class ImageState:
    """`ask` says whether a target is in the registry; it blocks, and raises when it cannot tell. Used in one event loop."""

    def __init__(
        self,
        ask: Callable[[str], bool],
        *,
        present_seconds: float = PRESENT_SECONDS,
        absent_seconds: float = ABSENT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = {True: present_seconds, False: absent_seconds}
        self._clock = clock
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[bool]] = {}
        self._outdated: WeakSet[asyncio.Task[bool]] = WeakSet()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="look")

    async def is_there(self, target: str) -> bool:
        """Is it in the registry? Raises what `ask` raises; an answer that nobody waits for any more is kept, too.

        Asked once more where something happened to the image meanwhile: an answer is as old as its question.
        """
        known = self._known.get(target)
        if known is not None and known[1] > self._clock():
            return known[0]
        while True:
            task = self._asking.get(target)
            if task is None:
                task = self._asking[target] = asyncio.create_task(self._look(target))
                task.add_done_callback(lambda done: self._asked(target, done))
            there = await asyncio.shield(task)
            if task not in self._outdated:
                return there

    async def _look(self, target: str) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, target)

    def _asked(self, target: str, done: asyncio.Task[bool]) -> None:
        self._asking.pop(target, None)
        # Looking at the error keeps asyncio from telling of one that nobody waited for.
        if not done.cancelled() and done.exception() is None and done not in self._outdated:
            self._remember(target, there=done.result())

    def _remember(self, target: str, *, there: bool) -> None:
        self._known[target] = (there, self._clock() + self._seconds[there])
        self._known.move_to_end(target)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, target: str) -> None:
        """Something happened to the image, such as a copy: whoever wants to know asks the registry."""
        self._known.pop(target, None)
        if target in self._asking:
            self._outdated.add(self._asking[target])

    def forget_in(self, repositories: Container[str]) -> None:
        """Images of these repositories (paths, without the host) were deleted: none of them is believed any more."""
        for target in [one for one in (*self._known, *self._asking) if _repository(one) in repositories]:
            self.forget(target)

    def close(self) -> None:
        """Begin no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _repository(target: str) -> str:
    # A target is the table's own print, `host/path:tag@digest`: whole parsing would cost the event loop 100 ms here.
    return target.partition("/")[2].partition("@")[0].partition(":")[0]
