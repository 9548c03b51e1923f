"""An HTTP server on loopback that answers what a test tells it to: for refusals that the embedded AWS never makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def operation(self) -> str:
        """`GetCallerIdentity` of a JSON request's target header or a query request's body."""
        target = self.headers.get("x-amz-target", "")
        if target:
            return target.rsplit(".", 1)[-1]
        return next((part[7:] for part in self.body.split("&") if part.startswith("Action=")), "")


@dataclass
class Scripted:
    """The endpoint as a session takes it, and the requests it got."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def variables(self, account_id: str, region: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIA" + account_id,
            "AWS_SECRET_ACCESS_KEY": "local",
        }


def json_error(code: str, message: str, status: int = 400) -> Answer:
    return Answer(
        status, f'{{"__type": "{code}", "message": "{message}"}}', {"Content-Type": "application/x-amz-json-1.1"}
    )


def xml_error(code: str, message: str, status: int = 403) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Answer(status, body, {"Content-Type": "text/xml"})


@contextmanager
def endpoint(answer: Callable[[Request], Answer]) -> Iterator[Scripted]:
    """A server that answers each request with `answer(request)` until the block ends."""
    scripted: Scripted

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(length).decode())
            scripted.requests.append(request)
            reply = answer(request)
            content = b"" if self.command == "HEAD" else reply.body.encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request  # noqa: N815 - http.server names them

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        scripted = Scripted(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield scripted
        finally:
            server.shutdown()
            thread.join()
