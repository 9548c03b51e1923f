"""The pieces of a layer, a tar archive with or without gzip -> its entries, in their order.

Own reader: `tarfile` takes every extended header into memory, however long it is, and keeps each entry. Bounded here are
headers, the number of entries and what a layer unpacks to. Time grows with the layer alone.
Source: POSIX.1-2001 pax, GNU tar's long names, and Go's archive/tar, which the container runtimes unpack with.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 512
# An extended header, as Go's archive/tar takes it.
HEADER_LIMIT = 2**20
# Entries of a layer, and what it may unpack to: more than the largest layers in common use have.
ENTRIES_LIMIT = 1_000_000
UNPACKED_LIMIT = 16 * 2**30
# What is unpacked at once. zlib copies what follows a member: packed bytes are given to it in small slices.
_STEP, _SLICE = 256 * 1024, 16 * 1024
_FILES = (b"0", b"\0", b"7")
_LINK, _SPARSE = b"1", b"S"
_EXTENDED = (b"x", b"g", b"L", b"K")
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")


class BadLayer(ValueError):
    """The bytes are no tar archive, or one beyond the bounds; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of the archive. `link` is the path that a hard link names; `is_sparse` content has holes left out."""

    name: str
    size: int
    is_file: bool
    link: str = ""
    is_sparse: bool = False


class LayerReader:
    """The entries of one layer. The content of the entry that came last can be read until the next one is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._unpacked = _unpacked(pieces)
        self._held, self._at = b"", 0
        self._left = self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        """Raises BadLayer, and what reading the pieces raises."""
        said: dict[str, str] = {}
        for _ in range(ENTRIES_LIMIT):
            self._skip(self._left + self._padding)
            header = self._read(BLOCK, or_nothing=True)
            if not header.strip(b"\0"):
                # Two blocks of zeros end an archive; Go takes one that ends without them, too.
                if self._read(BLOCK, or_nothing=True).strip(b"\0"):
                    raise BadLayer("a block of zeros stands between its entries")
                return
            size = _size_of(header, said)
            kind = header[156:157]
            if kind in _EXTENDED:
                said |= self._extended(kind, size)
                continue
            self._left = 0 if kind in _WITHOUT_CONTENT else size
            self._padding = -self._left % BLOCK
            yield _entry(header, kind, size, said)
            said = {}
        raise BadLayer(f"it has more than {ENTRIES_LIMIT} entries")

    def content(self) -> bytes:
        """The whole content of the entry that came last."""
        size, self._left = self._left, 0
        return self._read(size)

    def _extended(self, kind: bytes, size: int) -> dict[str, str]:
        if size > HEADER_LIMIT:
            raise BadLayer(f"an extended header has {size} bytes, more than {HEADER_LIMIT}")
        content = self._read(size)
        self._left, self._padding = 0, -size % BLOCK
        if kind in (b"L", b"K"):
            return {"path" if kind == b"L" else "linkpath": _text(content)}
        # What a global header says of all entries Go passes over, too.
        return {} if kind == b"g" else _records(content)

    def _read(self, size: int, *, or_nothing: bool = False) -> bytes:
        parts: list[bytes] = []
        missing = size
        while missing and self._more():
            parts.append(self._held[self._at : self._at + missing])
            self._at += len(parts[-1])
            missing -= len(parts[-1])
        if missing and not (or_nothing and missing == size):
            raise BadLayer("it ends in the middle of an entry")
        return b"".join(parts)

    def _skip(self, size: int) -> None:
        while size:
            if not self._more():
                raise BadLayer("it ends in the middle of an entry")
            step = min(size, len(self._held) - self._at)
            self._at += step
            size -= step

    def _more(self) -> bool:
        """Is there a byte left?"""
        if self._at == len(self._held):
            self._held, self._at = next(self._unpacked, b""), 0
        return bool(self._held)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of all members of a gzip stream, or the pieces as they are; none is empty."""
    first = b""
    for piece in pieces:
        first += piece
        if len(first) > 1:
            break
    packed = first.startswith(b"\x1f\x8b")
    total = 0
    for piece in _unzipped(first, pieces) if packed else _chained(first, pieces):
        total += len(piece)
        if total > UNPACKED_LIMIT:
            raise BadLayer(f"it unpacks to more than {UNPACKED_LIMIT} bytes")
        if piece:
            yield piece


def _chained(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _unzipped(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    unzip = zlib.decompressobj(31)
    slices = (piece[i : i + _SLICE] for piece in _chained(first, pieces) for i in range(0, len(piece), _SLICE))
    for rest in slices:
        while rest:
            if unzip.eof:
                # eStargz and pigz write many members; zeros may fill up the last one.
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                unzip = zlib.decompressobj(31)
            yield unzip.decompress(rest, _STEP)
            rest = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
        while not unzip.eof and (more := unzip.decompress(b"", _STEP)):
            yield more
    if not unzip.eof:
        raise BadLayer("its gzip stream ends early")


def _size_of(header: bytes, said: dict[str, str]) -> int:
    stored = _number(header[148:156])
    counted = sum(header) - sum(header[148:156]) + 8 * 32
    if stored != counted:
        raise BadLayer("a header has a wrong checksum")
    text = said.get("size", "")
    extended = header[156:157] in _EXTENDED
    if extended or not text:
        return _number(header[124:136])
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise BadLayer(f"a header has the size {text[:50]!a}")
    return int(text)


def _number(field: bytes) -> int:
    """Octal digits, or big-endian behind the bit that says so. Raises BadLayer."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise BadLayer(f"a header has the number {digits!a}")
    return int(digits, 8)


def _records(content: bytes) -> dict[str, str]:
    """The records of a pax header that say something of the entry: `LENGTH KEY=VALUE`, each with a new line."""
    found: dict[str, str] = {}
    position = 0
    while position < len(content):
        blank = content.find(b" ", position, position + 8)
        digits = content[position:blank]
        if blank < 0 or not digits.isdigit():
            raise BadLayer("a pax header has a record without a length")
        end = position + int(digits)
        if end <= blank + 1 or end > len(content) or content[end - 1 : end] != b"\n":
            raise BadLayer("a pax header has a record of another length")
        key, equals, value = content[blank + 1 : end - 1].partition(b"=")
        if not equals:
            raise BadLayer("a pax header has a record without a value")
        if key in (b"path", b"linkpath", b"size") or key.startswith(b"GNU.sparse."):
            found["sparse" if key.startswith(b"GNU") else key.decode()] = _text(value)
        position = end
    return found


def _entry(header: bytes, kind: bytes, size: int, said: dict[str, str]) -> Entry:
    name, prefix = _text(header[:100]), ""
    if header[257:263] == b"ustar\0":
        prefix = _text(header[345:500])
    name = said.get("path") or (f"{prefix}/{name}" if prefix else name)
    link = said.get("linkpath") or _text(header[157:257])
    # Before POSIX a folder was a file whose name ends with a slash.
    is_file = kind == _SPARSE or (kind in _FILES and not name.endswith("/"))
    return Entry(name, size, is_file, link if kind == _LINK else "", kind == _SPARSE or "sparse" in said)


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
