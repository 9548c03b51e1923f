"""A threaded HTTP/1.1 server for one WSGI application, with connections kept alive.

werkzeug's own handler closes every connection and waits 10 ms for leftovers after each answer; Terraform makes
hundreds of small calls. Here the whole request is read before the application runs and the whole answer is known
before it is sent. Nothing is ever left on the connection. Blobs are the exception: they stream both ways.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from orchestrator.local.ecr.behaviour import Pacer
from orchestrator.local.registry.replies import FilePart

MAX_BODY = 1 << 30


# Paths whose bodies stream: the registry API, and the layers that it sends clients to.
STREAMED = ("/v2/", "/v2?", "/_layers/")
# What is read and thrown away so that a refused client gets its answer.
DRAINED = 64 << 20


class Body(io.RawIOBase):
    """A request's body: ends where the body ends, and fails where the client left before that."""

    def __init__(self, source: Any, length: int | None, begin: Callable[[], None] | None) -> None:
        super().__init__()
        self._source = source
        self._left = length
        self._begin = begin
        self._ended = length == 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._ended:
            return 0
        if self._begin:
            self._begin()
            self._begin = None
        view = memoryview(buffer).cast("B")
        if self._left is None:
            chunk = self._source.read(len(view))
            view[: len(chunk)] = chunk
            self._ended = not chunk
            return len(chunk)
        count = int(self._source.readinto1(view[: self._left]))
        if not count:
            message = f"the client left {self._left} bytes before the end"
            raise ConnectionAbortedError(message)
        self._left -= count
        self._ended = not self._left
        return count

    def drained(self) -> bool:
        """Read what is left; False when that is more than is worth it, or was never sent."""
        if self._begin and not self._ended:
            return False
        read = 0
        buffer = bytearray(1 << 18)
        while read < DRAINED:
            count = self.readinto(buffer)
            if not count:
                return True
            read += count
        return False


class Handler(MotoRequestHandler):
    """One connection: request after request until the client closes it."""

    protocol_version = "HTTP/1.1"
    # Headers and body go out in one write and at once: with Nagle's algorithm each answer would wait 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300

    def run_wsgi(self) -> None:
        if self.path.startswith(STREAMED):
            self._run_streamed()
            return
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ: dict[str, Any] = self.make_environ()
        body = self._read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        self._send(*collect(self.server.app, environ))

    def _run_streamed(self) -> None:
        """Let the application read the body while it comes, and send a file from the disk."""
        environ: dict[str, Any] = self.make_environ()
        expects = self.headers.get("Expect", "").strip().lower() == "100-continue"
        source = environ["wsgi.input"] if environ.get("wsgi.input_terminated") else None
        length = int(environ.get("CONTENT_LENGTH") or 0) if source is None else None
        body = Body(source or self.rfile, length, self._continue if expects else None)
        environ["wsgi.input"] = body
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["HTTP_CONTENT_LENGTH"] = "chunked" if length is None else str(length)
        started, answer = begin(self.server.app, environ)
        # A client that was refused may still be sending; what it sends is no next request.
        if not body.drained():
            self.close_connection = True
        if isinstance(answer, FilePart):
            self._send_file(*started, answer)
        else:
            self._send(*started, b"".join(answer))

    def _continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()

    def _send_file(self, status: str, headers: list[tuple[str, str]], part: FilePart) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        if part.bytes_per_second:
            pacer = Pacer(part.bytes_per_second)
            for chunk in part:
                self.wfile.write(chunk)
                pacer.wait(len(chunk))
        elif part.count:
            with part.path.open("rb") as file:
                self.connection.sendfile(file, part.offset, part.count)

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read(MAX_BODY))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return Body(self.rfile, length, None).readall()

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


def begin(application: Any, environ: dict[str, Any]) -> tuple[tuple[str, list[tuple[str, str]]], Any]:
    """((status, headers), body) that a WSGI application answers, the body as it gave it."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
        started[:] = [status, headers]
        return started.append

    answer = application(environ, start_response)
    return (started[0], started[1]), answer


def collect(application: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """The status, headers and whole body that a WSGI application answers."""
    (status, headers), answer = begin(application, environ)
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return status, headers, content


def serve_on(port: int) -> BaseWSGIServer:
    """A server that listens on 127.0.0.1:`port` (0: any free one); set its `app`, then `serve_forever()`."""

    def unready(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("503 Service Unavailable", [])
        return []

    return make_server("127.0.0.1", port, unready, threaded=True, request_handler=Handler)
