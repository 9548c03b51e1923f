"""Who we are to a registry: handed-in tokens, docker's config.json with its helpers, imagePullSecrets; bearer and basic.

A secret never stands in a process' argument, a log, a journal, or the text of an error or value.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from orchestrator.oci.errors import Denied, NotUsable
from orchestrator.oci.http import origin, shown

# A token is asked for again this long before it ends. The clocks of two machines differ, and a request takes time.
MARGIN_SECONDS = 30.0
_DEFAULT_TOKEN_SECONDS = 60.0
_TOKEN = re.compile(r"[!-~]+")
_PARAMETER = re.compile(r'([a-zA-Z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?\s*')


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and a password, or an identity token in the password's place (`user` is then empty)."""

    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Logins(Protocol):
    """Where logins come from. `renew` says that the last one was refused. None: none is known here."""

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None: ...


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first source that knows a login."""

    sources: Sequence[Logins]

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None:
        for source in self.sources:
            found = source.login(registry, repository, renew=renew)
            if found is not None:
                return found
        return None


class Renewed:
    """Logins that somebody hands out for a time, as ECR does: `give(registry)` -> (login, seconds), or None.

    Each is asked for once and kept until it ends; one that was refused is asked for again.
    """

    def __init__(self, give: Callable[[str], tuple[Login, float] | None], *, preemptive: bool = True) -> None:
        self._give = give
        self.preemptive = preemptive
        self._kept: dict[str, tuple[Login | None, float]] = {}
        self._asked: dict[str, float] = {}
        self._lock = threading.Lock()

    def login(self, registry: str, repository: str, *, renew: bool = False) -> Login | None:  # noqa: ARG002
        with self._lock:
            now = time.monotonic()
            kept = self._kept.get(registry)
            # Thirty requests are refused together: the first one's renewal serves them all.
            fresh = renew and now - self._asked.get(registry, -1e9) < 5
            if kept is not None and kept[1] > now and (not renew or fresh):
                return kept[0]
            given = self._give(registry)
            self._asked[registry] = now
            login, seconds = given if given is not None else (None, 3600.0)
            self._kept[registry] = login, now + max(1.0, seconds - MARGIN_SECONDS)
            return login


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry's 401 asks for: the scheme (`bearer`, `basic`), where to get a token, and for which `scopes`."""

    scheme: str
    realm: str = ""
    service: str = ""
    scopes: tuple[str, ...] = ()


def parse_challenge(header: str) -> Challenge | None:
    """The challenge in a WWW-Authenticate header: bearer before basic, None when neither is there."""
    found: dict[str, Challenge] = {}
    for match in re.finditer(r"(?:^|,)\s*(bearer|basic)\b\s*", header, re.IGNORECASE):
        parameters, position = {}, match.end()
        while (parameter := _PARAMETER.match(header, position)) is not None:
            parameters[parameter[1].lower()] = parameter[2] if parameter[2] is not None else parameter[3]
            position = parameter.end()
        scheme = match[1].lower()
        scopes = tuple(parameters.get("scope", "").split())
        found.setdefault(scheme, Challenge(scheme, parameters.get("realm", ""), parameters.get("service", ""), scopes))
    bearer, basic = found.get("bearer"), found.get("basic")
    return basic if basic is not None and (bearer is None or not bearer.realm) else bearer


class TokenAnswer(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int: ...

    @property
    def content(self) -> bytes: ...


class Exchange(Protocol):
    """How a token is asked for: method, URL, headers, body -> answer; tried again where that helps."""

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> TokenAnswer: ...


class Authorizer:
    """The Authorization header for each request to one registry, and what to do when it was refused."""

    def __init__(self, registry: str, logins: Logins, exchange: Exchange, base: str = "") -> None:
        self._registry = registry
        self._base = base
        self._logins = logins
        self._exchange = exchange
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        # Scopes that a registry has named beyond those that the specification has.
        self._more: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._lock = threading.Lock()
        # Sources that are never challenged: no request is spent on being told what is known (ECR wants basic).
        self._preemptive = bool(getattr(logins, "preemptive", False))

    def header(self, scopes: tuple[str, ...]) -> str | None:
        """What to send with a request that needs `scopes` (`repository:a/b:pull`); None for nothing."""
        challenge = self._challenge
        if challenge is None:
            login = self._logins.login(self._registry, _repository(scopes)) if self._preemptive else None
            return login.basic if login is not None and login.user else None
        if challenge.scheme == "basic":
            login = self._logins.login(self._registry, _repository(scopes))
            return login.basic if login is not None else None
        return "Bearer " + self._token(challenge, scopes, renew=False)

    def refused(self, header: str, scopes: tuple[str, ...], sent: str | None) -> str | None:
        """Another value to send after a 401 with this WWW-Authenticate header; None when there is no other."""
        challenge = parse_challenge(header)
        if challenge is None:
            challenge = self._challenge or Challenge("basic")
        self._challenge = challenge
        if challenge.scheme == "bearer":
            token = self._token(challenge, scopes, renew=True, refused=sent)
            return None if sent == "Bearer " + token else "Bearer " + token
        login = self._logins.login(self._registry, _repository(scopes), renew=sent is not None)
        return None if login is None or login.basic == sent else login.basic

    def wants_more(self, header: str, scopes: tuple[str, ...], sent: str | None) -> bool:
        """Does a 401 after a fresh token name another way: a scope that was not asked for, or basic?"""
        challenge = parse_challenge(header)
        if challenge is None or sent is None or not sent.startswith("Bearer "):
            return False
        if challenge.scheme == "basic":
            return True
        known = {*scopes, *self._more.get(scopes, ())}
        more = tuple(scope for scope in challenge.scopes if not any(_covers(other, scope) for other in known))
        if more:
            self._more[scopes] = self._more.get(scopes, ()) + more
        return bool(more)

    def _token(self, challenge: Challenge, scopes: tuple[str, ...], *, renew: bool, refused: str | None = None) -> str:
        with self._lock:
            lock = self._locks.setdefault(scopes, threading.Lock())
        with lock:
            token, until = self._tokens.get(scopes, ("", 0.0))
            if token and until > time.monotonic() and not (renew and refused == "Bearer " + token):
                return token
            token, seconds = self._ask(challenge, scopes)
            # A registry may give tokens that live shorter than the margin.
            margin = min(MARGIN_SECONDS, seconds / 2)
            self._tokens[scopes] = token, time.monotonic() + seconds - margin
            return token

    def _ask(self, challenge: Challenge, scopes: tuple[str, ...]) -> tuple[str, float]:
        realm = urljoin(self._base, challenge.realm) if challenge.realm else ""
        wanted, scopes = scopes, scopes + self._more.get(scopes, ())
        scheme, host, _ = origin(realm)
        if scheme not in ("https", "http") or not host:
            raise Denied(f"{self._registry} names no place to get a token from.", status=401)
        login = self._logins.login(self._registry, _repository(wanted))
        query = [("service", challenge.service)] if challenge.service else []
        query += [("scope", scope) for scope in scopes]
        if login is not None and not login.user:
            form = {"grant_type": "refresh_token", "refresh_token": login.password, "client_id": "orchestrator"}
            form |= {"service": challenge.service, "scope": " ".join(scopes)}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._exchange("POST", realm, headers, urlencode(form).encode())
        else:
            headers = {} if login is None else {"Authorization": login.basic}
            joint = "&" if urlsplit(realm).query else "?"
            answer = self._exchange("GET", f"{realm}{joint}{urlencode(query)}" if query else realm, headers)
        if answer.status // 100 != 2:
            raise Denied(
                f"{shown(realm)} gives no token for {self._registry}: it answers {answer.status}.",
                status=answer.status,
                why="The login was refused." if login is not None else "No login is known for this registry.",
                remedy=f"Log in: docker login {self._registry}.",
            )
        try:
            document = json.loads(answer.content)
            token = document.get("token") or document.get("access_token")
        except (ValueError, AttributeError) as error:
            raise NotUsable(f"{shown(realm)} answers with something that is no token.") from error
        token = token.strip() if isinstance(token, str) else ""
        if not _TOKEN.fullmatch(token):
            raise NotUsable(f"{shown(realm)} answers with something that is no token.")
        return token, _seconds(document.get("expires_in"))


def _seconds(found: object) -> float:
    """How long a token lives. Some servers write a moment, or a word: then it is what the specification assumes."""
    try:
        return float(found or _DEFAULT_TOKEN_SECONDS)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return _DEFAULT_TOKEN_SECONDS


def _covers(scope: str, wanted: str) -> bool:
    """Does `repository:a:pull,push` hold `repository:a:pull`?"""
    name, _, rights = scope.rpartition(":")
    other, _, needed = wanted.rpartition(":")
    return name == other and set(needed.split(",")) <= set(rights.split(","))


def _repository(scopes: tuple[str, ...]) -> str:
    return scopes[0].split(":")[1] if scopes and scopes[0].count(":") >= 2 else ""
