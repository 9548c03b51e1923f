"""A registry on loopback that answers exactly what a test says, request by request: for the oddities of single registries."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from orchestrator.oci.auth import Logins
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.http import Transport
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.retry import Budget
from tests.oci.loopback_server import LoopbackHandler, LoopbackServer, LoopbackService


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: Any
    body: bytes


class Said(NamedTuple):
    """One answer. Header names may repeat."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Script = Callable[[Asked], Said]


def said(status: int = 200, body: object = b"", **headers: str) -> Said:
    """An answer; a body that is no bytes is written as JSON, and `Content_Type` is the header's name."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Said(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), content)


def error(status: int, code: str, message: str = "", **headers: str) -> Said:
    """An answer with the error body of the specification."""
    return said(status, {"errors": [{"code": code, "message": message}]}, **headers)


class NoWait(threading.Event):
    """A stop that nobody sets and nobody waits for; it remembers how long was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False


class ScriptedRegistry(LoopbackService):
    """`with ScriptedRegistry(script) as registry:` serves on `registry.host`; `asked` are the requests so far."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        server = _Server(("127.0.0.1", 0), _Handler)
        server.registry = self
        super().__init__(server)
        self._transports: list[Transport] = []

    @property
    def lines(self) -> list[str]:
        """`METHOD path` of each request."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def client(self, *, logins: Logins | None = None, budget: Budget | None = None) -> RemoteRegistry:
        """A client that waits for nothing."""
        transport = Transport(variables={})
        self._transports.append(transport)
        budget = budget or Budget(seconds=60, attempts=4)
        return RemoteRegistry(Endpoint(self.host, logins=logins), transport, budget=budget, stop=NoWait())

    def __exit__(self, *_: object) -> None:
        for transport in self._transports:
            transport.close()
        super().__exit__(*_)


class _Server(LoopbackServer):
    registry: ScriptedRegistry


class _Handler(LoopbackHandler):
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, self.headers, body)
        self.server.registry.asked.append(asked)
        answer = self.server.registry.script(asked)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = _serve  # noqa: N815
