"""How the registry behaves beside its state: delays, rates, sizes, and what a test or an old ECR path refuses."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MIB = 1024 * 1024

# Requests a second of an account in a region (ECR user guide, service quotas).
PUBLISHED_RATES = {
    "BatchCheckLayerAvailability": 1000.0,
    "BatchGetImage": 2000.0,
    "CompleteLayerUpload": 100.0,
    "GetAuthorizationToken": 500.0,
    "GetDownloadUrlForLayer": 3000.0,
    "InitiateLayerUpload": 100.0,
    "PutImage": 10.0,
    "UploadLayerPart": 500.0,
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Settings of the registry API, all switched off or as ECR has them by default.

    `latency_ms` before every answer; `bytes_per_second` of each connection (0: no limit); `rates`, requests a second
    by ECR action ({} for none, see PUBLISHED_RATES), each with a burst of one second; `refuse_referrers` answers 405 to
    the push of a manifest with a subject; `referrers_api` false answers 404 to that API; `redirect_blobs` sends clients
    to another address for a layer, as ECR does; `max_layer_bytes`; `min_chunk_bytes` of a PATCH that is not the last;
    `token_seconds` until a token ends; `first_pull_rate`, first pulls a second; `refresh_seconds` until a cached tag is
    looked up again; `upstreams`, {host of an upstream: the address it is really fetched from}: without one nothing is.
    """

    latency_ms: float = 0.0
    bytes_per_second: float = 0.0
    rates: Mapping[str, float] | Literal["published"] = field(default_factory=dict)
    refuse_referrers: bool = False
    referrers_api: bool = True
    redirect_blobs: bool = True
    max_layer_bytes: int = 52_000 * MIB
    min_chunk_bytes: int = 0
    token_seconds: float = 12 * 3600
    first_pull_rate: float = 0.0
    refresh_seconds: float = 24 * 3600
    upstreams: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self._rates()) - {*PUBLISHED_RATES, "ListImages", "ListImageReferrers"})
        if unknown:
            message = f"no rate-limited action of ECR: {', '.join(unknown)}"
            raise ValueError(message)

    def _rates(self) -> Mapping[str, float]:
        return PUBLISHED_RATES if isinstance(self.rates, str) else self.rates

    def rate(self, action: str) -> float:
        """Requests a second of an action; 0 for no limit."""
        return self._rates().get(action, 0.0)


class RateLimits:
    """One bucket an action and registry: as many requests at once as come in a second, then as they drip."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}
        self.refused = 0

    def admits(self, key: tuple[str, ...], rate: float) -> bool:
        """Take one request from the bucket of `key`; False when it is empty. Without a rate everything is admitted."""
        if rate <= 0:
            return True
        moment = time.monotonic()
        with self._lock:
            left, last = self._buckets.get(key, (rate, moment))
            left = min(rate, left + (moment - last) * rate)
            admitted = left >= 1
            self._buckets[key] = (left - admitted, moment)
            self.refused += not admitted
        return admitted

    def clear(self) -> None:
        """Fill every bucket."""
        with self._lock:
            self._buckets.clear()
            self.refused = 0


class Pacer:
    """Holds one connection to a rate: call `wait` after each chunk."""

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._started = time.monotonic()
        self._bytes = 0

    def wait(self, count: int) -> None:
        """Sleep until `count` more bytes fit the rate."""
        if self._rate <= 0:
            return
        self._bytes += count
        ahead = self._started + self._bytes / self._rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
