"""What was found out about files on this machine, remembered by their identity in the user's cache folder.

A cache: deleting it costs time and nothing else. It is believed only when the folder belongs to this user alone.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from orchestrator.files.own_records import read_record

KEPT_FILES = 4


def cache_dir() -> Path:
    """The user's cache folder for this program (XDG_CACHE_HOME, macOS Library/Caches), which may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "orchestrator"
    home = Path.home()
    return (home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache") / "orchestrator"


def file_identity(path: Path) -> str:
    """A text that changes when the file does: real path, device, inode, size, times of change in nanoseconds."""
    real = path.resolve()
    info = real.stat()
    return f"{real}|{info.st_dev}|{info.st_ino}|{info.st_size}|{info.st_mtime_ns}|{info.st_ctime_ns}"


def cached(kind: str, key: str, compute: Callable[[], str]) -> str:
    """The remembered value of `key`, else `compute()`, which is then remembered. An unusable cache is passed over."""
    folder = cache_dir()
    values = _read(folder / f"{kind}.json")
    if key in values:
        return values[key]
    value = compute()
    _write(folder, kind, {**_read(folder / f"{kind}.json"), key: value})
    return value


def cached_bytes(kind: str, key: str, compute: Callable[[], bytes]) -> bytes:
    """As `cached`, for what is large: each value has a file of its own, and the newest few are kept."""
    folder = cache_dir() / kind
    path = folder / key
    try:
        if _own(path):
            return path.read_bytes()
    except OSError:
        pass
    value = compute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("wb", dir=folder, prefix=".", delete=False) as file:
            file.write(value)
        Path(file.name).replace(path)
        for old in sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime)[:-KEPT_FILES]:
            old.unlink(missing_ok=True)
    except OSError:
        pass
    return value


def _own(path: Path) -> bool:
    """Somebody else's file, or one that others may write, could claim anything."""
    info = path.stat()
    return info.st_uid == os.getuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(path: Path) -> dict[str, str]:
    try:
        if not _own(path):
            return {}
    except OSError:
        return {}
    return {key: value for key, value in read_record(path).items() if isinstance(value, str)}


def _write(folder: Path, kind: str, values: dict[str, str]) -> None:
    # The newest hundred are enough; entries of files that are gone would otherwise stay for ever.
    kept = dict(list(values.items())[-100:])
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=f".{kind}.", delete=False, encoding="utf-8") as file:
            json.dump(kept, file)
        Path(file.name).replace(folder / f"{kind}.json")
    except OSError:
        return
