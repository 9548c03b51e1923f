"""What every registry of the tests is served by: HTTP/1.1 on loopback, a thread a connection, nothing printed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class LoopbackServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class LoopbackService:
    """`with` it, `server` serves on `host` in a thread of its own."""

    def __init__(self, server: LoopbackServer, poll_seconds: float = 0.01) -> None:
        self._server = server
        serve = {"poll_interval": poll_seconds}
        self._thread = threading.Thread(target=server.serve_forever, kwargs=serve, daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class LoopbackHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def log_message(self, *args: object) -> None:
        pass
