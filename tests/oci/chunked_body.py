"""A request's body in chunks (RFC 9112, 7.1), as skopeo sends its layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """The body's pieces. Raises EOFError when it is cut."""
    while size := int(_line(file).partition(b";")[0], 16):
        while size:
            piece = file.read(min(size, 262144))
            if not piece:
                raise EOFError
            size -= len(piece)
            yield piece
        _line(file)
    while _line(file):
        pass


def _line(file: BinaryIO) -> bytes:
    line = file.readline(8192)
    if not line.endswith(b"\n"):
        raise EOFError
    return line.strip()
