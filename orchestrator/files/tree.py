"""Files of a folder that may name images, as text, with all that writes them back byte for byte."""

from __future__ import annotations

import codecs
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

NOT_SEARCHED = frozenset({".git", ".hg", ".svn", ".orchestrator", "node_modules", ".terraform", ".venv", "__pycache__"})
LARGEST = 64 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKS = tuple(mark for mark, _ in _BOMS)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text without its byte order mark, and what it was made of."""

    path: Path
    text: str
    encoding: str
    bom: bytes
    data: bytes

    def encoded(self, text: str) -> bytes:
        """Another text in this file's encoding."""
        return self.bom + text.encode(self.encoding)


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file that is no text, or cannot be opened: why, and its line where that is known."""

    path: Path
    reason: str
    line: int = 1


def walk(start: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[Path, str, int]]:
    """(path, path below `start` with slashes, bytes) of the files below a folder, sorted; links are never followed.

    A file that is named itself is taken whatever its name is.
    """
    if not start.is_dir():
        yield start, start.name, file_size(start)
        return
    waiting = [(str(start), "")]
    while waiting:
        folder, below = waiting.pop()
        folders = []
        for entry in _entries(folder):
            relative = below + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NOT_SEARCHED:
                    folders.append((entry.path, f"{relative}/"))
            elif wanted(relative) and not entry.is_symlink():
                yield Path(entry.path), relative, file_size(entry)
        waiting += reversed(folders)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; nothing where it may not be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def file_size(file: Path | os.DirEntry[str]) -> int:
    """A file's bytes, 0 where nobody can say."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def read_text(path: Path) -> TextFile | NotRead:
    """The file's text, whatever Unicode encoding its byte order mark says; UTF-8 without one."""
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return NotRead(path, "it is no regular file")
            if status.st_size > LARGEST:
                return NotRead(path, f"it is larger than {LARGEST >> 20} MB")
            data = file.read()
    except OSError as error:
        return NotRead(path, f"it cannot be read: {error.strerror}")
    return decode_text(path, data)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to would be waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decode_text(path: Path, data: bytes) -> TextFile | NotRead:
    """As read_text, for bytes that are there already."""
    bom, encoding = b"", "utf-8"
    if data.startswith(_MARKS):
        bom, encoding = next((mark, name) for mark, name in _BOMS if data.startswith(mark))
    try:
        text = data[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start + len(bom)) + 1
        return NotRead(path, f"it is no {encoding.upper()}: byte 0x{data[error.start + len(bom)]:02x}", line)
    return TextFile(path, text, encoding, bom, data)


def ignored(folder: Path) -> frozenset[Path]:
    """The files that git ignores below a folder and that are not tracked. None where git or its repository is missing."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"],
            capture_output=True,
            check=True,
            timeout=120,
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(folder / name.rstrip("/") for name in os.fsdecode(done.stdout).split("\0") if name)
