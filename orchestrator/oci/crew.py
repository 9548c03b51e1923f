"""Threads that do what is ready: in order, and never more of one kind than its registry's pace allows."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[], None]


class Gate(Protocol):
    """Whether more work of a kind may begin, of which `claimed` is taken: 0 for now, else seconds to wait."""

    def wait(self, claimed: int) -> float: ...


class Crew:
    """A fixed number of threads. Work may submit more work; `run` returns when none is left and none is under way."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._changed = threading.Condition()
        self._queues: dict[Gate | None, list[tuple[tuple[int, ...], int, Work]]] = {}
        self._claimed: dict[Gate | None, int] = {}
        self._count = itertools.count()
        self._pending = 0
        self._error: BaseException | None = None

    def submit(self, work: Work, *, order: tuple[int, ...] = (), gate: Gate | None = None) -> None:
        """Have `work` done; what is smaller by `order` goes first."""
        with self._changed:
            heapq.heappush(self._queues.setdefault(gate, []), (order, next(self._count), work))
            self._pending += 1
            self._changed.notify()

    def run(self) -> None:
        """Do everything that was submitted. An exception of a piece of work ends the run, and is raised here."""
        threads = [
            threading.Thread(target=self._work, name=f"oci-{number}", daemon=True) for number in range(self._threads)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                # In slices, so that Ctrl-C reaches the main thread.
                while thread.is_alive():
                    thread.join(0.5)
        except BaseException as error:
            self.stop(error)
            raise
        if self._error is not None:
            raise self._error

    def stop(self, error: BaseException) -> None:
        """Begin nothing more; `run` raises `error`."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                taken = self._take()
                if taken is None:
                    return
            gate, work = taken
            try:
                work()
            except BaseException as error:
                self.stop(error)
            with self._changed:
                self._claimed[gate] -= 1
                self._pending -= 1
                if self._pending == 0 or gate is not None:
                    self._changed.notify_all()

    def _take(self) -> tuple[Gate | None, Work] | None:
        while self._pending and self._error is None:
            best: Gate | None = None
            found, patience = False, float("inf")
            for gate, queue in self._queues.items():
                if not queue:
                    continue
                wait = gate.wait(self._claimed.get(gate, 0)) if gate is not None else 0.0
                if wait > 0:
                    patience = min(patience, wait)
                elif not found or queue[0][0] < self._queues[best][0][0]:
                    best, found = gate, True
            if found:
                self._claimed[best] = self._claimed.get(best, 0) + 1
                return best, heapq.heappop(self._queues[best])[2]
            self._changed.wait(None if patience == float("inf") else patience)
        return None


def for_each(threads: int, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of each item, side by side; the results in the order of the items."""
    results: list[Result | None] = [None] * len(items)
    crew = Crew(min(threads, len(items)))

    def one(index: int) -> None:
        results[index] = work(items[index])

    for index in range(len(items)):
        crew.submit(lambda index=index: one(index), order=(index,))  # type: ignore[misc]
    if items:
        crew.run()
    return results  # type: ignore[return-value]
