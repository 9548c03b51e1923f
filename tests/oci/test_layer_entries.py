"""The entries of a layer: as Go's archive/tar and GNU tar write them, and bounded however they are made."""

from __future__ import annotations

import gzip
import io
import itertools
import random
import tarfile
import time
import zlib
from collections.abc import Iterable, Iterator

import pytest

from orchestrator.oci import layer_entries
from orchestrator.oci.layer_entries import BLOCK, HEADER_LIMIT, BadLayer, LayerReader

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def archive(entries: Iterable[tuple[str, bytes]], form: int) -> bytes:
    content = io.BytesIO()
    said = {"comment": "1 path=else\n"} if form == tarfile.PAX_FORMAT else None
    with tarfile.open(fileobj=content, mode="w", format=form, pax_headers=said) as written:
        for name, held in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(held)
            written.addfile(entry, io.BytesIO(held))
    return content.getvalue()


def read(pieces: Iterable[bytes]) -> list[tuple[str, bytes]]:
    reader = LayerReader(iter(pieces))
    return [(entry.name, reader.content() if entry.is_file else b"") for entry in reader]


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def header(size: int = 0, kind: bytes = b"0", name: bytes = b"a") -> bytes:
    stored = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11)
    block = bytearray(name.ljust(124, b"\0") + stored + bytes(12) + b" " * 8 + kind).ljust(BLOCK, b"\0")
    block[257:263] = b"ustar\0"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("form", FORMATS)
def test_names_and_contents_come_as_they_were_written_however_the_pieces_are_cut(form: int) -> None:
    chance = random.Random(form)
    names = ["a", "deep/" * 15 + "b", "ä/ö.yaml", "p" * 60 + "/" + "q" * 90]
    names += ["long/" * 60 + "c", "l" * 300] if form != tarfile.USTAR_FORMAT else []
    entries = [(name, chance.randbytes(chance.choice((0, 1, 511, 512, 513, 3000)))) for name in names]
    whole = archive(entries, form)
    for size in (1, 100, 512, 10**6):
        assert read(cut(whole, size)) == entries
        assert read(cut(gzip.compress(whole), size)) == entries
    # An archive may end where an entry ends, without blocks of zeros.
    assert read([whole.rstrip(b"\0") + bytes(-len(whole.rstrip(b"\0")) % BLOCK)])[:-1] == entries[:-1]


def test_a_gzip_stream_of_many_members_is_read_to_its_end() -> None:
    entries = [(f"file{number}", bytes([number]) * 700) for number in range(50)]
    whole = archive(entries, tarfile.PAX_FORMAT)
    members = b"".join(map(gzip.compress, cut(whole, 700)))
    assert read(cut(members, 333)) == entries
    assert read([members + bytes(512)]) == entries


def test_links_and_sparse_files_are_told() -> None:
    content = header(kind=b"1") + header(kind=b"2") + header(kind=b"S") + header(kind=b"5", size=7)
    found = list(LayerReader(iter([content])))
    assert [(entry.is_file, bool(entry.link), entry.is_sparse) for entry in found][0::2] == [
        (False, False, False),
        (True, False, True),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (header(3) + b"ab", "ends in the middle"),
        (header(2**80), "ends in the middle"),
        (header()[:300], "ends in the middle"),
        (b"x" * BLOCK, "number|checksum"),
        (header().replace(b"a", b"b", 1), "checksum"),
        (header() + bytes(BLOCK) + header(), "zeros stands between"),
        (header(HEADER_LIMIT + 1, b"x"), "an extended header has 1048577"),
        (header(2**60, b"L"), "an extended header has"),
        (header(HEADER_LIMIT, b"x") + b"9" * HEADER_LIMIT, "without a length"),
        (header(BLOCK, b"x") + b"9 a=b\n".ljust(BLOCK), "of another length"),
        (header(BLOCK, b"x") + b"0 a=b\n".ljust(BLOCK), "of another length"),
        (header(BLOCK, b"x") + b"5 ab\n".ljust(BLOCK), "without a value"),
        (header(11, b"x") + b"11 size=-1\n".ljust(BLOCK, b"\0") + header(), "the size '-1'"),
        (gzip.compress(header(), mtime=0)[:-9], "gzip stream ends early"),
    ],
)
def test_what_is_no_archive_says_why(content: bytes, says: str) -> None:
    with pytest.raises(BadLayer, match=says):
        read([content])
    with pytest.raises((BadLayer, zlib.error)):
        read([gzip.compress(content) if content[:2] != b"\x1f\x8b" else content + b"rubbish"])


LONG_PATH = b"512 path=".ljust(BLOCK - 1, b"x") + b"\n"


@pytest.mark.parametrize(
    "endless",
    [
        header() * 64,
        header(BLOCK, b"x") + LONG_PATH,
        header(kind=b"g") * 64,
        header(8192, b"L") + b"n" * 8192,
        gzip.compress(header() * 64, mtime=0),
        gzip.compress(header(2**40) + bytes(2**20), mtime=0),
    ],
)
def test_layers_without_an_end_are_left_at_a_bound(endless: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_entries, "ENTRIES_LIMIT", 20_000)
    monkeypatch.setattr(layer_entries, "UNPACKED_LIMIT", 2**26)
    with pytest.raises(BadLayer, match="more than"):
        read(itertools.repeat(endless))


def test_many_empty_members_take_no_quadratic_time() -> None:
    members = gzip.compress(b"") * 100_000
    started = time.process_time()
    assert read([members]) == []
    assert time.process_time() - started < 4
