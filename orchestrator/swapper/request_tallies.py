"""What is counted with every request, as plain numbers of one event loop. Prometheus' families are made when somebody reads them.

The client library takes a lock for each number. That would cost as much as a whole answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from orchestrator.swapper.review import SwapDecision

# Labels of routes. A configuration file alone makes a route of every registry that a Pod names.
MOST_ROUTES = 200
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS = (*map(str, _SECONDS), "+Inf")


class RequestTallies(Collector):
    """Requests by path and status, admissions by what became of them and of their images, and how long they took."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self._left: Counter[str] = Counter()
        self._decisions: Counter[tuple[bool, str, str]] = Counter()
        self._routes: set[str] = set()
        self._buckets = [0] * len(_BOUNDS)
        self._seconds = 0.0

    def admission(self, left: str, decisions: Sequence[SwapDecision], seconds: float) -> None:
        """An admission was answered; `left` says why the whole of it was left alone, "" where it was not."""
        self._buckets[bisect_left(_SECONDS, seconds)] += 1
        self._seconds += seconds
        if left:
            self._left[left] += 1
        for one in decisions:
            route = one.image.route
            self._decisions[one.swapped, route if route in self._routes else self._label(route), one.reason] += 1

    def _label(self, route: str) -> str:
        if len(self._routes) >= MOST_ROUTES:
            return "other"
        self._routes.add(route)
        return route

    def collect(self) -> Iterator[Metric]:
        """The families, as they are now."""
        decisions = CounterMetricFamily(
            "swapper_decisions", "Images by what became of them.", labels=("decision", "route", "reason")
        )
        for (swapped, route, reason), count in self._decisions.copy().items():
            decisions.add_metric(("swapped" if swapped else "left", route, reason), count)
        requests = CounterMetricFamily(
            "swapper_requests",
            "HTTP requests by path and status; 499 where the caller left before it had sent all.",
            labels=("path", "status"),
        )
        for (path, status), count in self.requests.copy().items():
            requests.add_metric((path, str(status)), count)
        left = CounterMetricFamily(
            "swapper_left_alone", "Admissions that were left alone as a whole.", labels=("reason",)
        )
        for reason, count in self._left.copy().items():
            left.add_metric((reason,), count)
        yield from (decisions, requests, left, self._times())

    def _times(self) -> Metric:
        found, total = [], 0
        for bound, count in zip(_BOUNDS, self._buckets, strict=True):
            total += count
            found.append((bound, total))
        return HistogramMetricFamily(
            "swapper_review_seconds", "Time of an admission.", buckets=found, sum_value=self._seconds
        )
