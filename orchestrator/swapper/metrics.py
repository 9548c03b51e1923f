"""What the webhook counts, as Prometheus reads it. Names begin with `swapper_`; nothing of a Pod is a label."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from orchestrator.swapper.request_tallies import RequestTallies
from orchestrator.swapper.review import Admission, SwapDecision

CONTENT_TYPE = CONTENT_TYPE_LATEST


class MissedFilter(Protocol):
    """A filter that counts, by reason, how often it said nothing."""

    @property
    def missed(self) -> Tally[str]: ...


class SwapMetrics:
    """All of them, in a registry of their own, so that a process may hold several."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        of: dict[str, Any] = {"registry": self._registry}
        self._tallies = RequestTallies()
        self._registry.register(self._tallies)
        self.reloads = Counter(
            "swapper_certificate_reloads", "Certificates by what became of them.", ("outcome",), **of
        )
        self._begins = Gauge(
            "swapper_certificate_begins_timestamp_seconds",
            "From when the served certificate is valid, in Unix time; 0 without TLS.",
            **of,
        )
        self._ends = Gauge(
            "swapper_certificate_ends_timestamp_seconds",
            "Until when the served certificate is valid, in Unix time; 0 without TLS.",
            **of,
        )
        self.unheard = Gauge(
            "swapper_deletions_unheard",
            "1 while deletions in the registry are not heard, so that an image may be believed for five minutes.",
            **of,
        )
        self.looks = Counter("swapper_looks", "Looks at the registry by outcome.", ("outcome",), **of)
        self.copies = Counter("swapper_copies", "Copies that ended, by outcome.", ("outcome",), **of)
        self.copied_bytes = Counter("swapper_copied_bytes", "Bytes sent to the registry.", **of)
        self.queued = Gauge("swapper_queue_length", "Images that wait to be copied.", **of)
        self.queue_age = Gauge("swapper_queue_age_seconds", "How long the oldest of them has waited.", **of)
        self.stands_still = Gauge(
            "swapper_copies_stand_still", "1 while nothing can be copied, as when SQS cannot be asked.", **of
        )
        self._missed = Gauge(
            "swapper_filter_missed", "Evaluations of a filter that said nothing.", ("filter", "reason"), **of
        )

    def watch(self, filters: Sequence[MissedFilter]) -> None:
        """Show what these filters miss, by their number in the file from 0 on."""
        for number, one in enumerate(filters):
            for reason in ("error", "no boolean"):
                self._missed.labels(str(number), reason).set_function(partial(one.missed.__getitem__, reason))

    def serves(self, begins: datetime, ends: datetime) -> None:
        """A certificate of this validity is served from now on."""
        self._begins.set(begins.timestamp())
        self._ends.set(ends.timestamp())

    def request(self, path: str, status: int) -> None:
        """A request was answered."""
        self._tallies.requests[path, status] += 1

    def admission(self, admission: Admission, decisions: Sequence[SwapDecision], seconds: float) -> None:
        """An admission was answered."""
        self._tallies.admission(admission.left, decisions, seconds)

    def text(self) -> bytes:
        """The page for Prometheus."""
        return generate_latest(self._registry)

    def families(self) -> list[Metric]:
        """What is counted: names, kinds and what they mean."""
        return list(self._registry.collect())
