"""Content that a proxy or a storage compressed unasked, or only says that it did.

Whether the header tells the truth is known by the digest alone: what came is tried as it is first.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Protocol

_GZIP = 16 + zlib.MAX_WBITS
# One piece of 256 KiB may unpack to a thousand times as much.
_PIECE = 256 * 1024


class _Packed(Protocol):
    def read(self) -> bytes: ...

    def close(self, *, reuse: bool = True) -> None: ...


def is_packed(headers: Mapping[str, str]) -> bool:
    """Does an answer say that it was compressed by gzip?"""
    return headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")


def unpacked(content: bytes, limit: int) -> bytes:
    """The content of a gzip stream with at most `limit` bytes. Another or a larger one comes back as it is."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(content, limit + 1)
    except zlib.error:
        return content
    return found if unpacker.eof and len(found) <= limit else content


class UnpackedAnswer:
    """An answer whose pieces are unpacked one by one. Raises zlib.error for what is no gzip stream."""

    status = 200

    def __init__(self, answer: _Packed) -> None:
        self._answer = answer
        self._unpacker = zlib.decompressobj(_GZIP)

    def read(self) -> bytes:
        """The next piece; b"" at the end."""
        while True:
            piece = self._unpacker.unconsumed_tail or self._answer.read()
            if not piece:
                return b""
            found = self._unpacker.decompress(piece, _PIECE)
            if found:
                return found

    def close(self, *, reuse: bool = True) -> None:
        """Give the connection back."""
        self._answer.close(reuse=reuse)
