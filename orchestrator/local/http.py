"""A threaded HTTP/1.1 server for one WSGI application, with connections kept alive.

werkzeug's own handler closes every connection and waits 10 ms for leftovers after each answer; Terraform makes
hundreds of small calls. Here the whole request is read before the application runs and the whole answer is known
before it is sent, so nothing is ever left on the connection.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

MAX_BODY = 1 << 30


class Handler(MotoRequestHandler):
    """One connection: request after request until the client closes it."""

    protocol_version = "HTTP/1.1"
    # Headers and body go out in one write and at once: with Nagle's algorithm each answer would wait 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ: dict[str, Any] = self.make_environ()
        body = self._read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        self._send(*collect(self.server.app, environ))

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read(MAX_BODY))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return self.rfile.read(length) if length else b""

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        bodyless = self.command == "HEAD" or code in {"204", "304"}
        for name, value in headers:
            lowered = name.lower()
            # A HEAD answer names the length of what GET would send, which only the application knows.
            if lowered in {"connection", "transfer-encoding", "date", "server"}:
                continue
            if lowered == "content-length" and not bodyless:
                continue
            self.send_header(name, value)
        if not bodyless:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not bodyless:
            self.wfile.write(content)
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's signature
        if type == "error":
            print(message % args if args else message, file=sys.stderr, flush=True)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the request log is kept by the application."""


def collect(application: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """The status, headers and whole body that a WSGI application answers."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
        started[:] = [status, headers]
        return started.append

    answer = application(environ, start_response)
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return started[0], started[1], content


def serve_on(port: int) -> BaseWSGIServer:
    """A server that listens on 127.0.0.1:`port` (0: any free one); set its `app`, then `serve_forever()`."""

    def unready(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("503 Service Unavailable", [])
        return []

    return make_server("127.0.0.1", port, unready, threaded=True, request_handler=Handler)
