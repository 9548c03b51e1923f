"""Bodies and answers of a `StrictRegistry` on the wire: cut, flipped, dripped or throttled as its faults say."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import TYPE_CHECKING

from tests.oci.chunked_body import chunks
from tests.oci.loopback_server import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from tests.oci.strict_registry import StrictRegistry


class RegistryServer(LoopbackServer):
    """The server of one registry, which its handlers ask."""

    registry: StrictRegistry


class RegistryWire(LoopbackHandler):
    """A handler that takes bodies and sends answers; what they mean is said by the class below it."""

    server: RegistryServer
    # Bytes of the request's body that were not read yet.
    left = 0

    @property
    def registry(self) -> StrictRegistry:
        return self.server.registry

    def _receive(self, data: bytearray) -> bool:
        """Take the body into `data` piece by piece: what came before a cut stays. False when it was cut."""
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            return self._receive_chunks(data)
        cut_at = -1
        if self.registry.faults.strikes("upload_cut", self.command, self.path):
            cut_at = self.left // 2
        while self.left:
            piece = self.rfile.read(min(self.left, 262144))
            if self.registry.bandwidth:
                time.sleep(len(piece) / self.registry.bandwidth)
            if not piece:
                self.close_connection = True
                return False
            self.left -= len(piece)
            data += piece
            if 0 <= cut_at <= len(data):
                self._reset()
                return False
        return True

    def _receive_chunks(self, data: bytearray) -> bool:
        try:
            for piece in chunks(self.rfile):  # type: ignore[arg-type]
                if self.registry.bandwidth:
                    time.sleep(len(piece) / self.registry.bandwidth)
                data += piece
        except EOFError:
            self.close_connection = True
            return False
        return True

    def _body(self) -> bytes | None:
        """The whole body; None when the client left before its end: what came is no request."""
        content = bytearray()
        return bytes(content) if self._receive(content) else None

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.registry.refused.append(f"{code}: {message}")
        self._error(status, code, message)

    def _error(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        if self.left:
            # As servers do that refuse a body: they answer and close.
            self.close_connection = True
        content = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self._send(status, content, {"Content-Type": "application/json", **(headers or {})})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        faults = self.registry.faults
        sent = content
        if content and self.command == "GET":
            if faults.strikes("flip", self.command, self.path):
                middle = len(content) // 2
                sent = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            elif faults.strikes("cut", self.command, self.path):
                self._send(status, content, headers, sent=content[: len(content) // 2])
                self._reset()
                return
            elif faults.drip and "/blobs/" in self.path and faults.random.random() < faults.drip_share:
                self._send(status, content, headers, sent=b"")
                for byte in content:
                    time.sleep(faults.drip)
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                return
        self._send(status, content, headers, sent=sent)

    def _send(self, status: int, content: bytes, headers: dict[str, str], sent: bytes | None = None) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        lines.append(f"Content-Length: {len(content)}")
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode())
        if self.command != "HEAD" and status not in (204, 304):
            left = memoryview(content if sent is None else sent)
            if self.registry.bandwidth:
                while len(left) > 262144:
                    self.wfile.write(left[:262144])
                    time.sleep(262144 / self.registry.bandwidth)
                    left = left[262144:]
                time.sleep(len(left) / self.registry.bandwidth)
            self.wfile.write(left)
        self.wfile.flush()

    def _reset(self) -> None:
        """End the connection as a crash does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
