"""What the webhook counts, as Prometheus reads it. Names begin with `swapper_`; nothing of a Pod is a label."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from orchestrator.swapper.review import Admission, SwapDecision

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Labels of routes. A configuration file alone makes a route of every registry that a Pod names.
MOST_ROUTES = 200
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class MissedFilter(Protocol):
    """A filter that counts, by reason, how often it said nothing."""

    @property
    def missed(self) -> Tally[str]: ...


class SwapMetrics:
    """All of them, in a registry of their own, so that a process may hold several."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        of: dict[str, Any] = {"registry": self._registry}
        self._decisions = Counter(
            "swapper_decisions", "Images by what became of them.", ("decision", "route", "reason"), **of
        )
        self._requests = Counter("swapper_requests", "HTTP requests by path and status.", ("path", "status"), **of)
        self._left = Counter("swapper_left_alone", "Admissions that were left alone as a whole.", ("reason",), **of)
        self._seconds = Histogram("swapper_review_seconds", "Time of an admission.", buckets=_SECONDS, **of)
        self.reloads = Counter(
            "swapper_certificate_reloads", "Certificates by what became of them.", ("outcome",), **of
        )

        self.looks = Counter("swapper_looks", "Looks at the registry by outcome.", ("outcome",), **of)
        self.copies = Counter("swapper_copies", "Copies that ended, by outcome.", ("outcome",), **of)
        self.copied_bytes = Counter("swapper_copied_bytes", "Bytes sent to the registry.", **of)
        self.queued = Gauge("swapper_queue_length", "Images that wait to be copied.", **of)
        self.queue_age = Gauge("swapper_queue_age_seconds", "How long the oldest of them has waited.", **of)
        self._missed = Gauge(
            "swapper_filter_missed", "Evaluations of a filter that said nothing.", ("filter", "reason"), **of
        )
        self._routes: set[str] = set()
        # As many as there are labels: routes are bounded, paths, statuses and reasons few.
        self._children: dict[tuple[object, ...], Counter] = {}

    def watch(self, filters: Sequence[MissedFilter]) -> None:
        """Show what these filters miss, by their number in the file from 0 on."""
        for number, one in enumerate(filters):
            for reason in ("error", "no boolean"):
                self._missed.labels(str(number), reason).set_function(partial(one.missed.__getitem__, reason))

    def _route(self, name: str) -> str:
        if name not in self._routes and len(self._routes) >= MOST_ROUTES:
            return "other"
        self._routes.add(name)
        return name

    def _child(self, counter: Counter, *labels: str) -> Counter:
        """The counter for these labels, found at a tenth of the cost of asking the library for it."""
        found = self._children.get((counter, *labels))
        if found is None:
            found = self._children[counter, *labels] = counter.labels(*labels)
        return found

    def request(self, path: str, status: int) -> None:
        """A request was answered."""
        self._child(self._requests, path, str(status)).inc()

    def admission(self, admission: Admission, decisions: tuple[SwapDecision, ...], seconds: float) -> None:
        """An admission was answered."""
        self._seconds.observe(seconds)
        if admission.left:
            self._left.labels(admission.left).inc()
        for one in decisions:
            decision = "swapped" if one.swapped else "left"
            self._child(self._decisions, decision, self._route(one.image.route), one.reason).inc()

    def text(self) -> bytes:
        """The page for Prometheus."""
        return generate_latest(self._registry)

    def families(self) -> list[Metric]:
        """What is counted: names, kinds and what they mean."""
        return list(self._registry.collect())
