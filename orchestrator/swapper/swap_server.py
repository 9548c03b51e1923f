"""The webhook's process: a listening socket, granian on it with TLS, certificates that are renewed, an end in good order.

granian reads certificates when a worker starts. When the files change, a new worker takes every new connection. The
former one tells each of its callers, with the next answer, that the connection ends with it. Only then it is ended.
granian would close kept connections at once, with the requests that are on their way.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

from granian import _granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server import embed

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.listening import BACKLOG, Handed, connections, successor
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.served_certificate import Certificate
from orchestrator.swapper.webhook import Turn, Webhook

_log = logging.getLogger("orchestrator.swapper")
# Of a request's head, and of a kept connection between two requests: hyper has one time for both. Go's clients, the
# API server among them, keep a connection for 90 seconds. The side that closes first must not be the one that is asked.
HEAD_MILLISECONDS = 100_000
WATCH_SECONDS = 5.0
# How long a former worker waits for its kept connections to be used once more.
KEPT_SECONDS = HEAD_MILLISECONDS / 1000 + 5
# How long a worker may finish what it has.
FINISH_SECONDS = 15.0
_CLOSING_SECONDS = 0.01
# Objects that are made before garbage is looked for.
_GARBAGE = 20_000

# granian's types describe another signature than its code has.
_Server: Any = embed.Server
_socket_holder: Any = _granian.SocketHolder


class _Listening(_Server):  # type: ignore[misc]
    """granian on a socket that is ours, with a new worker for each certificate."""

    def __init__(self, webhook: Webhook, bound: socket.socket, certificate: Certificate | None) -> None:
        turn = Turn(webhook)
        super().__init__(
            target=turn,
            interface=Interfaces.RSGI,
            # API servers speak nothing else to webhooks. The other mode waits without end for a connection's first byte.
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            backpressure=connections(),
            http1_settings=HTTP1Settings(header_read_timeout=HEAD_MILLISECONDS),
            ssl_protocol_min=SSLProtocols.tls12,
        )
        if certificate is not None:
            self._serve_pair(certificate)
        self._bound = bound
        self._webhook = webhook
        self._turn = turn
        self._handed = Handed(bound)
        self._hurry = asyncio.Event()
        self._former: asyncio.Task[None] | None = None
        # Workers whose connections may still be open, by their tasks.
        self._formers: dict[asyncio.Task[None], Any] = {}

    def _serve_pair(self, pair: Certificate) -> None:
        """Have the next worker serve it. granian's own way resolves links, and files in memory have no other name."""
        self.ssl_ctx: Any = (True, str(pair.cert), str(pair.key), *self.ssl_ctx[3:])

    def _init_shared_socket(self) -> None:
        self._ssp = None

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        self._shd = _socket_holder(self._handed.fileno, False, BACKLOG)
        return super()._spawn_worker(idx, target, callback_loader)

    async def renew(self, certificate: Certificate) -> None:
        """Let a new worker with this certificate take every new connection; the former one ends when it has none."""
        if self._former is not None:
            self._hurry.set()
            await self._former
        self._hurry.clear()
        former, turn, handed = self.wrks.pop(), self._turn, self._handed
        following = successor(self._bound)
        if following is not None:
            self._bound.close()
            self._bound = following
        self._turn, self._handed = Turn(self._webhook), Handed(self._bound)
        with certificate.held() as pair:
            self._serve_pair(pair)
            self._spawn_workers(self._spawn_rsgi_worker, self._turn)
            # Its task begins, and reads the pair.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        turn.ending = True
        self._formers[former._task] = former
        former._task.add_done_callback(self._formers.pop)
        # Two workers on one socket take its connections in turn: the former must not have them for long.
        kept = KEPT_SECONDS if following is not None else 0.0
        self._former = asyncio.get_running_loop().create_task(self._finish(former, handed, kept))

    async def _finish(self, former: Any, handed: Handed, seconds: float) -> None:
        """End a former worker after `seconds`, or in a hurry; until it listens no more."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
        former.terminate()
        while handed.is_open():
            await asyncio.sleep(_CLOSING_SECONDS)

    async def _stop_workers(self) -> None:
        """End all workers. granian's own way cancels one that is too slow, and fails."""
        ending = {worker._task: worker for worker in (*self._formers.values(), *self.wrks)}
        for worker in ending.values():
            worker.terminate()
        _, cut = await asyncio.wait(ending, timeout=FINISH_SECONDS)
        if cut:
            _log.warning("connections were cut", extra={"seconds": FINISH_SECONDS})
        self.wrks.clear()


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
        if certificate is not None:
            metrics.serves(*certificate.validity())

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
            try:
                await self._renew(self._certificate)
            except Exception as error:
                # Whatever it was: without this watch the certificate would end, weeks later.
                self._metrics.reloads.labels("refused").inc()
                _log.exception("the certificate was not renewed", extra={"why": str(error)})

    async def _renew(self, certificate: Certificate) -> None:
        with certificate.held() as pair:
            problem = pair.problem()
            if problem:
                # Files are replaced one after the other; the old pair serves until the new one is whole.
                self._metrics.reloads.labels("refused").inc()
                _log.warning("the new certificate cannot be used", extra={"why": problem})
                return
            _log.info("a new certificate is here")
            await self._server.renew(pair)
            self._metrics.serves(*pair.validity())
        self._metrics.reloads.labels("renewed").inc()
        _log.info("the certificate was renewed")


def run(server: Callable[[], Any], ready: Callable[[], None]) -> None:
    """Make the server in an event loop and serve until it ends."""

    async def main() -> None:
        serving = server()
        # All that was made until here stays. Nobody looks through it for garbage again. An answer leaves next to none.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE, 20, 50)
        await serving.serve(ready)

    asyncio.run(main())
