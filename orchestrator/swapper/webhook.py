"""HTTP of the webhook: one request in, one answer out. It knows no sockets and no TLS; granian calls it (RSGI).

POST /webhook, GET /metrics, /healthz, /readyz and /. A body is bounded in size, depth and time. A review with a byte order mark, half a character or no UTF-8 is allowed, if its uid can be read. Else it gets 400, and the API server's
`failurePolicy: Ignore` lets such a Pod through. A fault of an answer leaves the Pod alone.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from orchestrator.swapper.metrics import CONTENT_TYPE, SwapMetrics
from orchestrator.swapper.review import Admission, SwapImage, SwapRules, Verdict, leave_review, read_review
from orchestrator.swapper.review_answer import answer_review
from orchestrator.swapper.review_shape import decode_review
from orchestrator.swapper.slow_bodies import SlowBodies

# An object of the API has at most 1.5 MB (etcd), and a review of an update holds two.
LARGEST_BODY = 3 * 2**20
# What more is read and thrown away, so that its sender hears why it was refused.
LARGEST_DISCARDED = 16 * 2**20
BODY_SECONDS = 5.0
# A webhook's default timeoutSeconds.
CALLERS_SECONDS = 10.0
MARGIN_SECONDS = 1.0
_TIMEOUT = re.compile(r"(?:^|&)timeout=([0-9]{1,2})s(?:&|$)", re.ASCII)
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
# What nginx calls it; no answer is read by whoever is gone.
CALLER_LEFT = 499
_LAST = ("connection", "close")
_PATHS = frozenset({"/", "/webhook", "/metrics", "/healthz", "/readyz"})

_log = logging.getLogger("orchestrator.swapper")


class HttpScope(Protocol):
    """What is read of a request (RSGI)."""

    @property
    def proto(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Looks(Protocol):
    """Looks whether images are there, within the webhook's time, and has them copied."""

    async def verdicts(
        self, images: Sequence[SwapImage], admission: Admission, seconds: float
    ) -> Mapping[str, Verdict]:
        """{target: verdict} within `seconds`; a target that is not among them keeps its source."""

    def measure(self) -> None:
        """Bring the metrics up to date that nobody counts along the way."""

    def problems(self) -> Sequence[str]:
        """Why the webhook is not ready, in sentences; none when it is."""


class Turn:
    """What one worker calls. Once it is `ending`, each answer ends its connection, and the caller makes a new one."""

    __slots__ = ("_webhook", "ending")

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        self.ending = False

    def __rsgi__(self, scope: HttpScope, proto: Any) -> Awaitable[None]:
        """One request."""
        return self._webhook.answer(scope, proto, self)


class Webhook:
    """The application. `looks` is None where no route needs a look; `untrusted` says why no API server can call it."""

    def __init__(
        self,
        rules: SwapRules,
        metrics: SwapMetrics,
        looks: Looks | None = None,
        *,
        untrusted: Callable[[], str] = lambda: "",
        body_seconds: float = BODY_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._rules = rules
        self._asks = rules.asks
        self._metrics = metrics
        self._looks = looks
        self._untrusted = untrusted
        self._bodies = SlowBodies(body_seconds)
        self._clock = clock
        self.draining = False

    async def answer(self, scope: HttpScope, proto: Any, turn: Turn) -> None:
        """One request, which came to the worker of `turn`."""
        if scope.proto != "http":
            return
        path = scope.path
        try:
            if path == "/webhook" and scope.method == "POST":
                status, kind, body = await self._webhook(scope, proto)
            else:
                status, kind, body = self._page(path, scope.method)
        except Exception:
            # The API server goes on without us; the reason stands in the log.
            _log.exception("a request failed", extra={"path": path if path in _PATHS else "other"})
            status, kind, body = 500, TEXT, b"internal error\n"
        self._metrics.request(path if path in _PATHS else "other", status)
        headers = [("content-type", kind)]
        if self.draining or turn.ending:
            # Closed without a word, a kept connection takes the next request with it, which may be on its way.
            headers.append(_LAST)
        proto.response_bytes(status, headers, body)

    def _page(self, path: str, method: str) -> tuple[int, str, bytes]:
        if path not in _PATHS:
            return 404, TEXT, b"not found\n"
        if path == "/webhook" or method not in ("GET", "HEAD"):
            return 405, TEXT, b"method not allowed\n"
        if path == "/metrics":
            if self._looks is not None:
                self._looks.measure()
            return 200, CONTENT_TYPE, self._metrics.text()
        if path == "/readyz":
            out = [*(["draining"] if self.draining else []), *filter(None, [self._untrusted()])]
            problems = [*out, *(self._looks.problems() if self._looks else ())]
            # AWS that cannot be asked takes nobody out of service: redirects by name go on.
            return (503 if out else 200), TEXT, "".join(f"{one}\n" for one in problems or ["ready"]).encode()
        return 200, TEXT, b"ok\n" if path == "/healthz" else b"orchestrator swapper\n"

    async def _webhook(self, scope: HttpScope, proto: Any) -> tuple[int, str, bytes]:
        started = self._clock()
        try:
            with self._bodies:
                is_small = _is_small(scope.headers.get("content-length"))
                body = await (proto() if is_small else _long_body(proto))
        except TimeoutError:
            return 408, TEXT, b"the body took too long\n"
        except ProtocolClosed:
            # A fault of whoever asked: it is counted, and calls nobody at night.
            return CALLER_LEFT, TEXT, b""
        if body is None:
            return 413, TEXT, b"the body is larger than 3 MB\n"
        try:
            document = decode_review(body, self._asks)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            left = _read_loosely(body)
            if left is None:
                return 400, TEXT, f"no AdmissionReview: {error}\n".encode(errors="replace")
            admission = left
        else:
            admission = read_review(document, self._rules)
        looks = admission.looks
        verdicts = (
            await self._looks.verdicts(looks, admission, budget(scope.query_string)) if looks and self._looks else {}
        )
        reviewed = answer_review(admission, self._rules, verdicts)
        self._metrics.admission(admission, reviewed.decisions, self._clock() - started)
        if _log.isEnabledFor(logging.DEBUG):
            self._tell(admission, reviewed.decisions)
        return 200, JSON, reviewed.answer

    def _tell(self, admission: Admission, decisions: Sequence[Any]) -> None:
        for one in decisions:
            _log.debug(
                "decided",
                extra={
                    "uid": admission.uid,
                    "namespace": admission.namespace,
                    "image": one.image.image,
                    "target": one.image.target or None,
                    "swapped": one.swapped,
                    "reason": one.reason,
                    "effects": admission.effects,
                },
            )


def _read_loosely(body: bytes) -> Admission | None:
    """What a client meant that writes JSON as it should not. Its images stay: a patch would be of other text. None for no JSON."""
    try:
        return leave_review(json.loads(body.decode("utf-8-sig", "replace")), "not UTF-8")
    except (ValueError, RecursionError):
        return None


def budget(query: str) -> float:
    """Seconds for an answer, of the `timeout=10s` with which the API server calls, less a margin for the way back."""
    matched = _TIMEOUT.search(query)
    return max(0.1, min(float(matched[1]) if matched else CALLERS_SECONDS, CALLERS_SECONDS) - MARGIN_SECONDS)


async def _long_body(proto: Any) -> bytes | None:
    """The whole body of unknown length, or of a great one; None where it is too large."""
    chunks, size = [], 0
    async for chunk in proto:
        size += len(chunk)
        if size <= LARGEST_BODY:
            chunks.append(chunk)
        elif size > LARGEST_DISCARDED:
            break
    return b"".join(chunks) if size <= LARGEST_BODY else None


def _is_small(length: str | None) -> bool:
    return (
        length is not None and len(length) < 9 and length.isascii() and length.isdigit() and int(length) <= LARGEST_BODY
    )
