"""HTTP for registries: one pool of connections, deadlines that hold against a dripping server, redirects without credentials.

Each exchange is made once. The caller decides what may be tried again. Only the caller knows whether a body is used up.
Nothing here logs or puts into an error: headers, query strings, user information of a URL.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, make_headers

import orchestrator
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.trust import proxy_for, tls_context

USER_AGENT = f"orchestrator/{orchestrator.__version__}"
# Bytes of a piece. Half of it takes 5% more processor time for large layers, twice as much 2% less and 40% more memory.
CHUNK = 512 * 1024
CONNECT_SECONDS = 15.0
# Between two pieces of an answer.
READ_SECONDS = 60.0
# So many bytes have to come in that time; a piece can be a single byte.
PROGRESS = 64 * 1024
# For the answer to a blob's last byte: the registry reads the blob again, or moves it.
COMMIT_SECONDS = 300.0
# From the request to the last header, and for a whole small answer.
ANSWER_SECONDS = 90.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PRIVATE = ("authorization", "cookie", "host")

Body = bytes | Iterable[bytes | memoryview] | None


@dataclass(slots=True, eq=False)
class _Watch:
    """One exchange under way: when it has to have moved, and the connection to cut when it has not."""

    deadline: float
    connection: Any = None


class _Current(threading.local):
    watch: _Watch | None = None


_current = _Current()


class _FinalResponse(HTTPResponse):
    """Python's answer, which takes 102 and 103 for the last word. RFC 9110: any 1xx may come before it."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, 100 if 101 < status < 200 else status, reason


class _Watched:
    """The connection of an exchange makes itself known, so that it can be cut from another thread."""

    response_class: Any = _FinalResponse

    def request(self, *arguments: Any, **options: Any) -> None:
        if _current.watch is not None:
            _current.watch.connection = self
        super().request(*arguments, **options)  # type: ignore[misc]


class _PlainConnection(_Watched, HTTPConnection):
    """urllib3's connection, watched."""


class _SecureConnection(_Watched, HTTPSConnection):
    """urllib3's connection over TLS, watched."""


class Watchdog:
    """Cuts exchanges that do not move: a socket's own timeout begins anew with every byte that drips in."""

    def __init__(self) -> None:
        self._watches: set[_Watch] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def add(self, watch: _Watch) -> None:
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="oci-watchdog", daemon=True)
                self._thread.start()

    def remove(self, watch: _Watch) -> None:
        with self._lock:
            self._watches.discard(watch)

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(0.5):
            now = time.monotonic()
            with self._lock:
                late = [watch for watch in self._watches if watch.deadline < now]
                self._watches.difference_update(late)
            for watch in late:
                with suppress(OSError, AttributeError, ValueError):
                    watch.connection.sock.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class HttpAnswer:
    """The head of an answer, and its body while it has not been read. Close it, or read it to its end."""

    status: int
    headers: Mapping[str, str]
    url: str
    _response: urllib3.BaseHTTPResponse
    _watch: _Watch
    _watchdog: Watchdog
    _seconds: float = READ_SECONDS
    _open: bool = field(default=True)
    _left: float | None = field(default=None)
    _moved: int = field(default=0)

    def read(self) -> bytes:
        """The next piece, at most CHUNK bytes; b"" at the end."""
        if self._left is None:
            self._left = self._seconds
        began = time.monotonic()
        # Only the time spent waiting for this side counts: the other one of a copy may be the slow one.
        self._watch.deadline = began + self._left
        try:
            piece: bytes = self._response.read1(CHUNK, decode_content=False)
        except BaseException:
            self.close(reuse=False)
            raise
        self._watch.deadline = float("inf")
        self._left -= time.monotonic() - began
        self._moved += len(piece)
        if self._moved >= PROGRESS:
            self._left, self._moved = self._seconds, 0
        if not piece:
            self.close()
        return piece

    def content(self, limit: int) -> bytes:
        """The whole body, at most `limit` bytes; ValueError when there are more."""
        pieces, size = [], 0
        try:
            while size <= limit and (piece := self._response.read1(CHUNK, decode_content=False)):
                size += len(piece)
                pieces.append(piece)
        except BaseException:
            self.close(reuse=False)
            raise
        self.close(reuse=size <= limit)
        if size > limit:
            raise ValueError(f"more than {limit} bytes")
        return b"".join(pieces)

    def close(self, *, reuse: bool = True) -> None:
        """Give the connection back, or cut it when its body was not read to the end."""
        if not self._open:
            return
        self._open = False
        self._watchdog.remove(self._watch)
        if not reuse or (self._response.length_remaining or 0) > 0:
            self._response.close()
        self._response.release_conn()


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of a URL: what credentials belong to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def shown(url: str) -> str:
    """A URL that can be printed: no user information, no query, where signatures and tokens stand."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


class Transport:
    """All connections of a run. Safe to use from many threads."""

    def __init__(
        self, *, connections: int = 64, variables: Mapping[str, str] | None = None, read_seconds: float = READ_SECONDS
    ) -> None:
        self._variables = dict(os.environ if variables is None else variables)
        self._connections = connections
        self._timeout = Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._seconds = read_seconds
        self._commit_seconds = read_seconds * COMMIT_SECONDS / READ_SECONDS
        self._commit_timeout = Timeout(connect=CONNECT_SECONDS, read=self._commit_seconds)
        self._answer_seconds = min(ANSWER_SECONDS, read_seconds * 1.5)
        self._managers: dict[tuple[str | None, bool, str], urllib3.PoolManager] = {}
        self._by_origin: dict[tuple[tuple[str, str, int], str], urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._watchdog = Watchdog()

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body = None,
        *,
        ca: str = "",
        redirects: int = 5,
    ) -> HttpAnswer:
        """One request and the head of its answer. Raises urllib3's HTTPError, OSError.

        A redirect is followed for GET and HEAD, with a body only within one host; another origin gets no credentials.
        """
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        while True:
            answer = self._once(method, url, sent, body, ca)
            location = answer.headers.get("Location")
            if answer.status not in REDIRECTS or not location or redirects == 0:
                return answer
            following = urljoin(url, location)
            if method not in ("GET", "HEAD") and not _may_be_repeated(answer.status, url, following, body):
                return answer
            answer.close(reuse=False) if method == "GET" else answer.close()
            if origin(url)[0] == "https" and origin(following)[0] != "https":
                raise NotUsable(
                    f"{shown(url)} redirects from HTTPS to {shown(following)}.",
                    why="An answer that comes unencrypted is not taken from a registry that is reached encrypted.",
                    remedy="Correct the registry's storage settings.",
                )
            if origin(following) != origin(url):
                sent = {name: value for name, value in sent.items() if name.lower() not in _PRIVATE}
            url, redirects = following, redirects - 1

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Body, ca: str) -> HttpAnswer:
        watch = _Watch(time.monotonic() + self._answer_seconds)
        timeout = self._timeout
        if body is not None and not isinstance(body, bytes):
            # A body takes as long as it takes: each of its pieces has the socket's timeout.
            watch.deadline = float("inf")
            timeout = self._commit_timeout
            body = _until_sent(body, watch, self._commit_seconds)
        _current.watch = watch
        self._watchdog.add(watch)
        try:
            response = self._manager(url, ca).urlopen(
                method,
                url,
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=timeout,
            )
        except BaseException:
            self._watchdog.remove(watch)
            raise
        finally:
            _current.watch = None
        watch.deadline = time.monotonic() + self._answer_seconds
        answer = HttpAnswer(response.status, response.headers, url, response, watch, self._watchdog, self._seconds)
        if method == "HEAD" or response.status in (204, 304) or response.headers.get("Content-Length") == "0":
            response.drain_conn()
            answer.close()
        return answer

    def _manager(self, url: str, ca: str) -> urllib3.PoolManager:
        key = origin(url), ca
        found = self._by_origin.get(key)
        if found is None:
            with self._lock:
                found = self._by_origin.setdefault(key, self._made(*key))
        return found

    def _made(self, where: tuple[str, str, int], ca: str) -> urllib3.PoolManager:
        proxy = proxy_for(*where, self._variables)
        encrypted = where[0] == "https" or proxy is not None
        key = proxy, encrypted, ca
        if key not in self._managers:
            # Loading the authorities takes 20 ms: only where TLS is spoken.
            context = tls_context(self._variables, ca) if encrypted else None
            options: dict[str, Any] = {
                "num_pools": 64,
                "maxsize": self._connections,
                "block": False,
                "ssl_context": context,
                "blocksize": CHUNK,
            }
            manager = _proxied(proxy, options) if proxy else urllib3.PoolManager(**options)
            manager.pool_classes_by_scheme = _POOLS
            self._managers[key] = manager
        return self._managers[key]

    def close(self) -> None:
        """Close every connection."""
        self._watchdog.close()
        for manager in self._managers.values():
            manager.clear()


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: dict[str, type[urllib3.HTTPConnectionPool]] = {"http": _PlainPool, "https": _SecurePool}


def _may_be_repeated(status: int, url: str, following: str, body: Body) -> bool:
    """Is a request with a body sent again to where it was redirected? A stream is used up, a stranger gets none."""
    whole = body is None or isinstance(body, bytes)
    return whole and status in (307, 308) and origin(url)[1] == origin(following)[1]


def _until_sent(body: Iterable[bytes | memoryview], watch: _Watch, seconds: float) -> Iterator[bytes | memoryview]:
    yield from body
    watch.deadline = time.monotonic() + seconds


def _proxied(proxy: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    headers = {}
    if parts.username is not None:
        from urllib.parse import unquote

        headers = make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return urllib3.ProxyManager(f"{parts.scheme}://{host}:{port}", proxy_headers=headers, **options)


TransportError = (HTTPError, OSError)
