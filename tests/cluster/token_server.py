"""An ECR on loopback that gives tokens and nothing else: the user of a token is the region that the request was signed for."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_SCOPE = re.compile(r"Credential=[^/]+/[0-9]+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_OPERATION = {
    "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken": "ecr",
    "SpencerFrontendService.GetAuthorizationToken": "ecr-public",
}


class TokenServer:
    """Use as a context manager; `url` is what AWS_ENDPOINT_URL takes."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        service = _OPERATION.get(self.headers.get("X-Amz-Target", ""))
        if scope is None or scope["service"] != service:
            return self._answer(400, {"__type": "InvalidParameterException"})
        user = scope["region"] if service == "ecr" else "public"
        token = base64.b64encode(f"{user}:secret".encode()).decode()
        data = {"authorizationToken": token, "expiresAt": time.time() + 12 * 3600}
        return self._answer(200, {"authorizationData": [data] if service == "ecr" else data})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Nobody reads it."""
