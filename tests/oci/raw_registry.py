"""A server on loopback that sends the very bytes that a test says: for answers that no HTTP library would write."""

from __future__ import annotations

import socketserver
from collections.abc import Callable

from tests.oci.loopback_server import LoopbackServer, LoopbackService

# (method, path) -> the bytes of the answer, and whether the connection stays open after it.
Wire = Callable[[str, str], tuple[bytes, bool]]


class RawRegistry(LoopbackService):
    """`with RawRegistry(wire) as registry:` serves on `registry.host`; `asked` are the requests' first lines."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.asked: list[str] = []
        server = _Server(("127.0.0.1", 0), _Handler)
        server.registry = self
        super().__init__(server)


class _Server(LoopbackServer):
    registry: RawRegistry


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        stays = True
        while stays and (line := self.rfile.readline().decode()):
            method, path, _ = line.split(" ", 2)
            length = 0
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(":")
                length = int(value) if name.lower() == "content-length" else length
            self.rfile.read(length)
            self.server.registry.asked.append(f"{method} {path}")
            content, stays = self.server.registry.wire(method, path)
            self.wfile.write(content)
            self.wfile.flush()
