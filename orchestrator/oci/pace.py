"""How fast a registry may be asked for one action: a window of open requests, and a rate once known.

A window grows with every answer and shrinks at every 429. After the first 429, or from the start where the
registry has published a rate, requests are spread evenly. Pure: the caller brings the clock (seconds, monotonic).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FIRST_WINDOW = 8.0
LARGEST_WINDOW = 256.0
# A published rate is a bucket on the other side: its edge is not touched.
SHARE = 0.985
# Below this, waits of the single requests do more than a slower pace.
SLOWEST = 4.0
_LOOK_BACK = 2.0


@dataclass(slots=True)
class Pace:
    """The pace of one action. `limit` is the published rate in requests a second, or None."""

    limit: float | None = None
    rate: float | None = field(init=False)
    window: float = field(default=FIRST_WINDOW, init=False)
    under_way: int = field(default=0, init=False)
    throttled: int = field(default=0, init=False)
    _next: float = field(default=0.0, init=False)
    _cut: float = field(default=-1e9, init=False)
    _grown: float = field(default=0.0, init=False)
    _answers: deque[float] = field(default_factory=lambda: deque(maxlen=4096), init=False)

    def __post_init__(self) -> None:
        self.rate = None if self.limit is None else self.limit * SHARE

    @property
    def last_answer(self) -> float:
        """When a request was answered by something else than a 429; long ago when none was."""
        return self._answers[-1] if self._answers else -1e9

    def wait(self, now: float) -> float:
        """Seconds until one more request may begin; 0 for at once, and infinity until an answer comes."""
        if self.under_way >= self.window:
            return float("inf")
        return max(0.0, self._next - now)

    def begin(self, now: float) -> None:
        """One more request is under way."""
        self.under_way += 1
        if self.rate is not None:
            # At most a tenth of a second's worth is caught up after a pause.
            self._next = max(self._next, now - 0.1) + 1 / self.rate

    def end(self, now: float, *, throttled: bool, retry_after: float = 0.0) -> None:
        """An answer came. `throttled`: it was a 429; `retry_after` is what it asked for, in seconds."""
        self.under_way -= 1
        if not throttled:
            self._answers.append(now)
            self.window = min(LARGEST_WINDOW, self.window + 1)
            if self.rate is not None and now - self._cut > 1 and now - self._grown >= 1:
                self._grown = now
                faster = self.rate * 1.05 + 0.5
                self.rate = faster if self.limit is None else min(faster, self.limit * SHARE)
            return
        self.throttled += 1
        self._next = max(self._next, now + (retry_after or 1 / (self.rate or 10)))
        # Requests that were open at the same moment were refused for one reason: one cut for all.
        if now - self._cut < 0.5:
            return
        self._cut = now
        self.window = max(1.0, self.window / 2)
        if self.rate is None:
            seen = sum(1 for moment in self._answers if now - moment <= _LOOK_BACK)
            span = min(_LOOK_BACK, max(0.25, now - self._answers[0])) if self._answers else _LOOK_BACK
            self.rate = max(SLOWEST, 0.8 * seen / span)
        else:
            self.rate = max(SLOWEST, self.rate * 0.8)
