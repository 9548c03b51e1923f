"""Faults on demand and a record of what was asked, for tests of everything that talks to AWS."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from orchestrator.local.calls import Call

KEPT_REQUESTS = 100_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Which share of calls fails, and how.

    `rate` from 0 to 1; `code` and `status` of the error (500s with code InternalFailure, throttling with
    ThrottlingException and 400); `services` and `operations` limit it (empty: all); `seed` makes it repeatable;
    `latency_ms` delays every call that the limits name; `limit` stops after so many faults (0: never).
    """

    rate: float = 0.0
    code: str = "ThrottlingException"
    status: int = 400
    message: str = "Rate exceeded"
    services: Sequence[str] = ()
    operations: Sequence[str] = ()
    seed: int = 0
    latency_ms: float = 0.0
    limit: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate is {self.rate}: a share between 0 and 1")
        if not 200 < self.status < 600:
            raise ValueError(f"status is {self.status}: an HTTP error status")

    def concerns(self, call: Call) -> bool:
        return (not self.services or call.service in self.services) and (
            not self.operations or call.operation in self.operations
        )


class FaultInjector:
    """Decides, call by call, whether this one fails. The same seed and sequence of calls fail in the same places."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Faults] = []
        self._dice: list[random.Random] = []
        self._counts: list[int] = []
        self._waiting = 0

    def set(self, faults: Sequence[Faults]) -> None:
        """Replace all faults; none ends them."""
        with self._lock:
            self._faults = list(faults)
            self._dice = [random.Random(fault.seed) for fault in faults]  # noqa: S311 - dice, not secrets
            self._counts = [0] * len(self._faults)

    def next(self, call: Call) -> Faults | None:
        """The fault that this call gets, or None; waits first when a latency is set."""
        wait = 0.0
        hit = None
        with self._lock:
            for index, fault in enumerate(self._faults):
                if not fault.concerns(call):
                    continue
                wait += fault.latency_ms / 1000
                spent = fault.limit and self._counts[index] >= fault.limit
                if hit is None and not spent and self._dice[index].random() < fault.rate:
                    self._counts[index] += 1
                    hit = fault
            self._waiting += bool(wait)
        if wait:
            time.sleep(wait)
            with self._lock:
                self._waiting -= 1
        return hit

    def waiting(self) -> int:
        """How many calls are being delayed now: they have arrived and are not answered."""
        with self._lock:
            return self._waiting

    def injected(self) -> int:
        """How many calls failed on demand so far."""
        with self._lock:
            return sum(self._counts)


@dataclass(frozen=True, slots=True)
class Request:
    """One recorded call; `status` is the HTTP status of the answer, `fault` whether it failed on demand."""

    service: str
    operation: str
    account_id: str
    region: str
    principal: str
    time: float
    seconds: float
    status: int
    fault: bool


class RequestLog:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)
        self._total = 0
        self._accounts: set[str] = set()

    def add(self, request: Request) -> None:
        with self._lock:
            self._accounts.add(request.account_id)
            self._requests.append(request)
            self._total += 1

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()

    def total(self) -> int:
        """Calls since the server started, forgotten ones included."""
        return self._total

    def accounts(self) -> list[str]:
        """The accounts that the calls since the server started acted as."""
        with self._lock:
            return sorted(self._accounts)

    def as_list(self) -> list[dict[str, object]]:
        with self._lock:
            return [asdict(request) for request in self._requests]
