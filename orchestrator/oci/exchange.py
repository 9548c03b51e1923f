"""How one registry is asked: who we are, how fast, and what is tried again. The questions themselves are in `client.py`."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

from urllib3.exceptions import SSLError

from orchestrator.oci.auth import Authorizer, FirstOf
from orchestrator.oci.copy_events import Listener, Retried, Waiting, ignore
from orchestrator.oci.errors import Absent, Denied, NotUsable, RegistryRefused, Unreachable, Untrusted
from orchestrator.oci.http import REDIRECTS, Body, HttpAnswer, Transport, TransportError, origin, shown
from orchestrator.oci.pace import Pace
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registry_words import (
    ERROR_LIMIT,
    certificate_reason,
    drop,
    error_words,
    limits_rate,
    says_login_ended,
    short_content,
    transport_reason,
)
from orchestrator.oci.retry import AGAIN, Attempts, Budget, Health, retry_after
from orchestrator.oci.trust import is_loopback

# The actions whose pace is kept apart, as registries limit them.
GET_MANIFEST = "get-manifest"
PUT_MANIFEST = "put-manifest"
GET_BLOB = "get-blob"
HEAD_BLOB = "head-blob"
START_UPLOAD = "start-upload"
PUT_BLOB = "put-blob"
LIST = "list"
TOKENS = "tokens"

HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"
_TOKEN_LIMIT = 2**20
_SERVED_LATELY = 5.0


class TryAgain(Exception):  # an outcome between client.py and blobs.py, never a user's
    """A stream could not be used up; a new one may be. `wait` in seconds; `throttled` for 429, `why` for people.

    `range_refused`: who asks again asks from the start.
    """

    def __init__(self, why: str, *, throttled: bool = False, wait: float = 0.0, range_refused: bool = False) -> None:
        super().__init__(why)
        self.range_refused = range_refused
        self.why = why
        self.throttled = throttled
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Read:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Exchanges:
    """Exchanges with one registry. `stop` ends every wait when it is set."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        *,
        budget: Budget | None = None,
        on_event: Listener = ignore,
        stop: threading.Event | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.name = endpoint.registry
        self.base = endpoint.url.rstrip("/") or _default_url(endpoint.registry)
        self.budget = budget or Budget()
        self.stop = stop or threading.Event()
        self.on_event = on_event
        self.health = Health(self.budget)
        self.counts: dict[str, int] = {}
        self.throttled = 0
        self._transport = transport
        self._paces: dict[str, Pace] = {}
        self._pace_changed = threading.Condition()
        self._authorizer = Authorizer(
            endpoint.registry, endpoint.logins or FirstOf(()), self._token_exchange, self.base
        )

    def located(self, url: str, location: str) -> str:
        """`location` as a URL. The registry's own name stands for wherever it is reached."""
        found = urljoin(url, location)
        parts, base = urlsplit(found), urlsplit(self.base)
        # A registry behind a proxy that ends TLS writes http; one that is reached elsewhere writes its own name.
        plain = (parts.scheme, base.scheme) == ("http", "https")
        if parts.netloc in (base.netloc, self.name, self.endpoint.host_header) or (
            plain and parts.hostname == base.hostname
        ):
            return urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))
        if plain:
            raise NotUsable(
                f"{self.name} wants to be sent to {shown(found)}, unencrypted.",
                why="It names itself as it is known behind its proxy.",
                remedy="Have the proxy send X-Forwarded-Proto and Host, or the registry write relative addresses.",
            )
        return found

    def ask(
        self,
        action: str,
        method: str,
        url: str,
        *,
        scope: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = ERROR_LIMIT,
    ) -> Read:
        """One small question and its whole answer, tried again inside the budget. Raises OciError for a refusal."""
        attempts = Attempts(self.budget)
        while True:
            try:
                answer = self.begin(action, method, url, scope=scope, headers=headers, body=body)
                if method == "HEAD":
                    return Read(answer.status, answer.headers, b"")
                try:
                    return Read(answer.status, answer.headers, answer.content(limit))
                except ValueError as error:
                    raise NotUsable(f"{shown(url)} answers with {error}.") from error
                except TransportError as error:
                    raise TryAgain(type(error).__name__) from error
            except TryAgain as again:
                self.wait(attempts, again, f"{method} {shown(url)}", action)

    def wait(self, attempts: Attempts, again: TryAgain, what: str, action: str = "") -> None:
        """Wait before another attempt at `action`, or raise Unreachable when the budget is used up."""
        now = time.monotonic()
        if again.throttled:
            seconds = attempts.wait_after_throttle(now, again.wait, served=self.is_served(action))
            if seconds is not None and seconds >= 2:
                self.on_event(Waiting(self.name, seconds, again.why))
        else:
            seconds = attempts.wait_after_failure(now)
            if seconds is not None:
                seconds = max(seconds, min(again.wait, 120.0))
        if seconds is None or self.health.given_up:
            raise Unreachable(
                f"{self.name} gives no usable answer to {what}: {again.why}.",
                why=f"It was asked {attempts.failures + attempts.throttles} times.",
                remedy="See whether the registry is up, and run the command again: it goes on where it stopped.",
            )
        self.on_event(Retried(what, again.why))
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run is stopped."""
        if self.stop.wait(seconds):
            raise Unreachable("The run was stopped.")

    def begin(
        self,
        action: str,
        method: str,
        url: str,
        *,
        scope: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> HttpAnswer:
        """One request, and the head of its answer when it is a success. Raises TryAgain, RegistryRefused."""
        sent = dict(headers or {})
        own = origin(url) == origin(self.base)
        if own and self.endpoint.host_header:
            sent["Host"] = self.endpoint.host_header
        credentials = self._authorizer.header(scope) if own else None
        answer = self._paced(action, method, url, sent, credentials, body)
        if method == "GET" and answer.status in (401, 403) and _is_elsewhere(answer, url):
            # A link to a storage ends after minutes; the registry signs another one.
            drop(answer)
            answer = self._paced(action, method, url, sent, credentials, body)
        content: bytes | None = None
        for again in (False, True):
            # Only the registry itself is told who we are.
            if answer.status not in (400, 401, 403) or not own or _is_elsewhere(answer, url):
                break
            if answer.status != 401:
                content = short_content(answer)
                # ECR's 403 of a login that ended says so in its body, and HEAD has none: another login tells.
                silent = method == "HEAD" and (credentials or "").startswith("Basic ")
                if again or not (silent or says_login_ended(content)):
                    break
            challenge = answer.headers.get("WWW-Authenticate", "")
            if again and not self._authorizer.wants_more(challenge, scope, credentials):
                break
            drop(answer)
            renewed = self._authorizer.refused(challenge, scope, credentials)
            if renewed is None:
                silently = answer.status != 401 and not content
                raise self._refusal(answer.status if silently else 401, url, method, b"")
            if body is not None and not isinstance(body, bytes):
                raise TryAgain("its token ended")
            answer, content = self._paced(action, method, url, sent, renewed, body), None
            credentials = renewed
        if answer.status < 300:
            return answer
        if answer.status == 416:
            drop(answer)
            raise TryAgain("the range was refused", range_refused=True)
        content = short_content(answer) if content is None else content
        if answer.status in AGAIN:
            why = f"it answers {answer.status}"
            if answer.status == 429:
                left = answer.headers.get("RateLimit-Limit", "").partition(";")[0]
                why = f"its limit of {left} pulls is reached" if left else "it limits the rate"
            raise TryAgain(why, throttled=answer.status == 429, wait=retry_after(answer.headers))
        if limits_rate(content):
            raise TryAgain("it limits the rate", throttled=True, wait=retry_after(answer.headers))
        raise self._refusal(answer.status, answer.url, method, content, elsewhere=_is_elsewhere(answer, url))

    def _paced(
        self, action: str, method: str, url: str, headers: dict[str, str], credentials: str | None, body: Body
    ) -> HttpAnswer:
        if self.health.given_up:
            raise Unreachable(
                f"{self.name} does not answer any more.",
                remedy="See whether the registry is up, and run the command again: it goes on where it stopped.",
            )
        if credentials is not None:
            headers = headers | {"Authorization": credentials}
        pace = self._enter(action)
        throttled, wait = False, 0.0
        try:
            answer = self._transport.exchange(method, url, headers, body, ca=self.endpoint.ca)
            throttled = answer.status == 429
            wait = retry_after(answer.headers) if throttled else 0.0
            if answer.status < 500:
                self.health.answered()
            else:
                self.health.failed()
            return answer
        except SSLError as error:
            if reason := certificate_reason(error):
                raise Untrusted(
                    f"The certificate of {origin(url)[1]} was refused.",
                    why=reason,
                    remedy="Name the file of your certificate authority in SSL_CERT_FILE or REQUESTS_CA_BUNDLE.",
                ) from None
            self.health.failed()
            raise TryAgain(type(error).__name__) from None
        except TransportError as error:
            self.health.failed()
            raise TryAgain(transport_reason(error)) from None
        finally:
            self._leave(pace, throttled=throttled, wait=wait)

    # Pace

    def try_enter(self, action: str, claimed: int) -> float:
        """0 when one more request of this action may begin, beside `claimed` that are about to; else seconds to wait."""
        with self._pace_changed:
            pace = self._pace(action)
            coming = claimed - pace.under_way
            if coming >= max(1.0, pace.window - pace.under_way):
                return 0.05
            seconds = pace.wait(time.monotonic()) + (max(0, coming) / pace.rate if pace.rate else 0.0)
            return min(0.5, seconds)

    def _pace(self, action: str) -> Pace:
        found = self._paces.get(action)
        if found is None:
            found = self._paces[action] = Pace(self.endpoint.limits.get(action))
        return found

    def _enter(self, action: str) -> Pace:
        with self._pace_changed:
            pace = self._pace(action)
            while (seconds := pace.wait(time.monotonic())) > 0:
                if self.stop.is_set():
                    raise Unreachable("The run was stopped.")
                if self.budget.throttled < seconds < float("inf"):
                    raise Unreachable(
                        f"{self.name} asks to wait {seconds / 3600:.0f} hours.",
                        remedy="Run the command again then: it goes on where it stopped.",
                    )
                self._pace_changed.wait(min(seconds, 1.0))
            pace.begin(time.monotonic())
            self.counts[action] = self.counts.get(action, 0) + 1
            return pace

    def is_served(self, action: str) -> bool:
        """Was a request of this action answered lately, and not by a 429?"""
        with self._pace_changed:
            pace = self._paces.get(action)
            return pace is not None and time.monotonic() - pace.last_answer < _SERVED_LATELY

    def _leave(self, pace: Pace, *, throttled: bool, wait: float) -> None:
        with self._pace_changed:
            full = pace.under_way >= pace.window
            pace.end(time.monotonic(), throttled=throttled, retry_after=wait)
            self.throttled += throttled
            if full:
                self._pace_changed.notify_all()

    # Answers

    def _token_exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Read:
        if origin(self.base)[0] == "https" and origin(url)[0] != "https":
            raise NotUsable(f"{self.name} wants its login sent to {shown(url)}, unencrypted.")
        attempts = Attempts(self.budget)
        while True:
            try:
                answer = self._paced(TOKENS, method, url, headers, None, body)
            except TryAgain as failed:
                again = failed
            else:
                try:
                    content = answer.content(_TOKEN_LIMIT)
                except ValueError as error:
                    raise NotUsable(f"{shown(url)} answers with {error}, which is no token.") from error
                except TransportError as error:
                    again = TryAgain(type(error).__name__)
                else:
                    if answer.status not in AGAIN:
                        return Read(answer.status, answer.headers, content)
                    again = TryAgain(
                        f"it answers {answer.status}",
                        throttled=answer.status == 429,
                        wait=retry_after(answer.headers),
                    )
            self.wait(attempts, again, f"{method} {shown(url)}")

    def _refusal(
        self, status: int, url: str, method: str, content: bytes, *, elsewhere: bool = False
    ) -> RegistryRefused:
        code, message = error_words(content)
        kind = {401: Denied, 403: Denied, 404: Absent}.get(status, RegistryRefused)
        words = ": ".join(part for part in (code, message) if part)
        remedies = {
            401: f"Log in: docker login {self.name}.",
            403: "Give the login the right to do this.",
            404: "Correct the name, or push the image first.",
        }
        why, remedy = "", remedies.get(status, "")
        if status in REDIRECTS:
            why, remedy = "It redirects, and there is no end to it, or nobody to follow.", "Name the place itself."
        elif elsewhere:
            why = f"{self.name} keeps its content there, and has signed the link."
            remedy = "Allow this host and path: in the proxy, or in the policy of the VPC endpoint for S3."
        return kind(
            f"{method} {shown(url)} is answered {status}{f' ({words})' if words else ''}.",
            status=status,
            code=code,
            elsewhere=elsewhere,
            why=why,
            remedy=remedy,
        )


def _default_url(registry: str) -> str:
    host = _HUB_HOST if registry in (HUB, "index.docker.io") else registry
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return f"{'http' if is_loopback(name) else 'https'}://{host}"


def _is_elsewhere(answer: HttpAnswer, asked: str) -> bool:
    """Was the answer given by another host than the one that was asked?"""
    return origin(answer.url) != origin(asked)
