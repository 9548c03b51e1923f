"""The webhook's process: a listening socket, granian on it with TLS, certificates that are renewed, an end in good order.

granian reads certificates when a worker starts. When the files change, a new worker takes over the same listening
socket, and the old one finishes what it has. No connection is refused in between.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian import _granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server import embed

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.webhook import Webhook

_log = logging.getLogger("orchestrator.swapper")
BACKLOG = 1024
# Of a request's head; hyper closes a connection that is slower.
HEAD_MILLISECONDS = 5_000
WATCH_SECONDS = 5.0
# How long a worker may finish what it has.
FINISH_SECONDS = 15.0
# Objects that are made before garbage is looked for.
_GARBAGE = 20_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """The two files of a certificate and its key."""

    cert: Path
    key: Path

    def stamp(self) -> tuple[object, ...]:
        """What changes when one of the files does; a Secret's volume changes its links, not its files."""
        found: list[object] = []
        for path in (self.cert, self.key):
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)

    def problem(self) -> str:
        """Why the pair cannot be used; "" when it can."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key, password="")
        except (OSError, ssl.SSLError, ValueError) as error:
            return str(error) or type(error).__name__
        return ""

    def require(self) -> None:
        """Raise RefusedInput when the pair cannot be used."""
        problem = self.problem()
        if problem:
            raise RefusedInput(
                f"The certificate {self.cert} with the key {self.key} cannot be used: {problem}.",
                remedy="Give a certificate in PEM and its own key, without a passphrase.",
            )


# granian's types describe another signature than its code has.
_Server: Any = embed.Server
_socket_holder: Any = _granian.SocketHolder


class _Listening(_Server):  # type: ignore[misc]
    """granian on a socket that is ours, so that several workers can share it one after the other."""

    def __init__(self, webhook: Webhook, bound: socket.socket, certificate: Certificate | None) -> None:
        super().__init__(
            target=webhook,
            interface=Interfaces.RSGI,
            http=HTTPModes.auto,
            websockets=False,
            log_enabled=False,
            http1_settings=HTTP1Settings(header_read_timeout=HEAD_MILLISECONDS),
            ssl_cert=certificate and certificate.cert,
            ssl_key=certificate and certificate.key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        self._bound = bound
        self._webhook = webhook
        self.workers_kill_timeout = FINISH_SECONDS

    def _init_shared_socket(self) -> None:
        self._ssp = None

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        # A worker closes what it was given.
        self._shd = _socket_holder(os.dup(self._bound.fileno()), False, BACKLOG)
        return super()._spawn_worker(idx, target, callback_loader)

    async def renew(self) -> None:
        """Let a new worker read the certificate, then end the old one."""
        await self._respawn_workers([0], self._spawn_rsgi_worker, self._webhook)


def bind(address: str) -> socket.socket:
    """The listening socket of `[HOST]:PORT`; without a host every address of the machine, IPv6 too where there is one.

    Raises OrchestratorError when the address is taken or not the machine's, RefusedInput when it is none.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise RefusedInput(
            f'"{address}" is no address to listen at.', why="It is [HOST]:PORT.", remedy="Write it like :8443."
        )
    host = host.removeprefix("[").removesuffix("]")
    try:
        if host:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", int(port)), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        return socket.create_server(("", int(port)), backlog=BACKLOG)
    except OSError as error:
        raise OrchestratorError(
            f"{address} cannot be listened at: {error.strerror or error}.",
            remedy="End what listens there, or give another address.",
        ) from error


class SwapServer:
    """Serves one webhook until SIGTERM or SIGINT."""

    def __init__(
        self,
        webhook: Webhook,
        bound: socket.socket,
        certificate: Certificate | None,
        metrics: SwapMetrics,
        *,
        drain_seconds: float = 5.0,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._webhook = webhook
        self._certificate = certificate
        self._metrics = metrics
        self._drain_seconds = drain_seconds
        self._watch_seconds = watch_seconds
        self._server = _Listening(webhook, bound, certificate)
        self._ending = asyncio.Event()

    async def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Listen until a signal comes, let the endpoints forget us, finish what is under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        serving = loop.create_task(self._server.serve())
        watching = loop.create_task(self._watch())
        ended = loop.create_task(self._ending.wait())
        ready()
        done, _ = await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        if serving in done:
            ended.cancel()
            why = str(serving.exception() or "")
            raise OrchestratorError("The server ended by itself.", why=why, remedy="Start it again.")
        self._webhook.draining = True
        _log.info("draining", extra={"seconds": self._drain_seconds})
        await asyncio.sleep(self._drain_seconds)
        self._server.signal_handler_interrupt()
        await serving
        _log.info("ended")

    async def _watch(self) -> None:
        if self._certificate is None:
            return
        seen = self._certificate.stamp()
        while True:
            await asyncio.sleep(self._watch_seconds)
            stamp = self._certificate.stamp()
            if stamp == seen:
                continue
            seen = stamp
            problem = self._certificate.problem()
            if problem:
                # Files are replaced one after the other; the old pair serves until the new one is whole.
                self._metrics.reloads.labels("refused").inc()
                _log.warning("the new certificate cannot be used", extra={"why": problem})
                continue
            _log.info("a new certificate is here")
            await self._server.renew()
            self._metrics.reloads.labels("renewed").inc()
            _log.info("the certificate was renewed")


def run(server: Callable[[], Any], ready: Callable[[], None]) -> None:
    """Make the server in an event loop and serve until it ends."""

    async def main() -> None:
        serving = server()
        # What was made until here stays: nobody looks through it for garbage again. An answer leaves next to none.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE, 20, 50)
        await serving.serve(ready)

    asyncio.run(main())
