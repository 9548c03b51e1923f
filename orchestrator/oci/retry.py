"""When to try again, and when to stop: waits with jitter inside a budget, and a registry's health."""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_FIRST_WAIT = 0.15
_LONGEST_WAIT = 10.0
_LONGEST_THROTTLE, _LONGEST_WHILE_SERVED = 60.0, 3.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one question may be repeated: `seconds` of failure, `attempts` of them, `throttled` seconds of 429s."""

    seconds: float = 90.0
    attempts: int = 12
    throttled: float = 6.5 * 3600


@dataclass(slots=True)
class Attempts:
    """The attempts at one thing."""

    budget: Budget
    failures: int = 0
    throttles: int = 0
    _since: float | None = None
    _throttled_since: float | None = None

    def wait_after_failure(self, now: float) -> float | None:
        """Seconds to wait before the next attempt, or None when the budget is used up."""
        self.failures += 1
        self._since = now if self._since is None else self._since
        if self.failures >= self.budget.attempts or now - self._since > self.budget.seconds:
            return None
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**self.failures)
        return random.uniform(longest / 3, longest)  # noqa: S311

    def wait_after_throttle(self, now: float, asked: float, *, served: bool = False) -> float | None:
        """The same after a 429 that asked for `asked` seconds (0: it did not say).

        `served`: others are answered meanwhile, so that the pace alone decides, and who was unlucky waits no minute.
        """
        self.throttles += 1
        self._throttled_since = now if self._throttled_since is None else self._throttled_since
        if now + asked - self._throttled_since > self.budget.throttled:
            return None
        most = _LONGEST_WHILE_SERVED if served else _LONGEST_THROTTLE
        longest = min(most, 0.25 * 1.7 ** min(self.throttles, 12))
        return asked or random.uniform(longest / 3, longest)  # noqa: S311


@dataclass(slots=True)
class Health:
    """Whether a registry answers at all. When it has not for the whole budget, nobody else waits as long again."""

    budget: Budget
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _down_since: float | None = None
    _probed: float = 0.0

    def answered(self) -> None:
        if self._down_since is not None:
            with self._lock:
                self._down_since = None

    def failed(self) -> None:
        with self._lock:
            if self._down_since is None:
                self._down_since = time.monotonic()

    @property
    def given_up(self) -> bool:
        """True when it has been down for long; one caller every ten seconds is told False and finds out."""
        if self._down_since is None:
            return False
        with self._lock:
            now = time.monotonic()
            if self._down_since is None or now - self._down_since < self.budget.seconds or now - self._probed > 10:
                self._probed = now
                return False
            return True


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that an answer asks to wait: `Retry-After` in seconds or as a date, Docker Hub's `X-Retry-After`; else 0."""
    found = headers.get("Retry-After") or ""
    try:
        return max(0.0, min(float(found), 86400.0))
    except ValueError:
        pass
    if found:
        try:
            return max(0.0, min(email.utils.parsedate_to_datetime(found).timestamp() - time.time(), 86400.0))
        except (TypeError, ValueError, OverflowError):
            pass
    try:
        moment = float(headers.get("X-Retry-After") or "")
    except ValueError:
        return 0.0
    # Docker Hub writes the moment in seconds since 1970.
    return max(0.0, min(moment - time.time() if moment > 1e9 else moment, 86400.0))
