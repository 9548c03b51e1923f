"""The host port: the clock, threads, and JSON lines on stdout, as a function has them."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import Any, TextIO, TypeVar

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 8


@dataclass(slots=True)
class ThreadedHost:
    """The host port: the clock, threads, and JSON lines to `output` (stdout's stream when it is None).

    `deadline` is a moment of the monotonic clock at which work must stop, None when there is none.
    """

    environment: str
    namespace: str = ""
    deadline: float | None = None
    output: TextIO | None = None
    workers: int = WORKERS
    _lock: Any = field(default_factory=Lock, init=False, repr=False)
    _stopping: bool = field(default=False, init=False)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def remaining(self) -> float:
        if self._stopping:
            return 0.0
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()

    def pause(self, most: float) -> None:
        """Wait for a random part of `most` seconds, which spreads those who met."""
        time.sleep(random.uniform(0, most))  # noqa: S311

    def log(self, level: str, message: str, **fields: object) -> None:
        self._write({"time": self.now().isoformat(), "level": level, "message": message, **fields})

    def metrics(self, values: Mapping[str, int]) -> None:
        """In CloudWatch's embedded metric format."""
        directive = {
            "Namespace": self.namespace,
            "Dimensions": [["Environment"]],
            "Metrics": [{"Name": name, "Unit": "Bytes" if "Bytes" in name else "Count"} for name in values],
        }
        timestamp = int(self.now().timestamp() * 1000)
        self._write(
            {
                "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]},
                "Environment": self.environment or "default",
                **values,
            }
        )

    def _write(self, document: Mapping[str, object]) -> None:
        line = json.dumps(document, default=str)
        with self._lock:
            print(line, file=self.output or sys.stdout, flush=True)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        waiting = iter(items)
        running: dict[Future[R], T] = {}
        with ThreadPoolExecutor(max_workers=self.workers) as pool:
            try:
                while True:
                    for item in islice(waiting, self.workers - len(running)):
                        running[pool.submit(function, item)] = item
                    if not running:
                        return
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        yield running.pop(done), done.result()
            except BaseException:
                # Ctrl-C: the pool waits for what it is at, which stops at its next look at the time.
                self._stopping = True
                raise
