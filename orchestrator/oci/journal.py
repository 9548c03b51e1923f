"""What earlier runs have verified, in SQLite: so that a killed run goes on, and a second one asks little.

A line is written after the registry has answered, never before. The journal is only ever believed together with what the
target says now. It holds names, digests and times; no secret, no content.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.oci.errors import JournalNotUsable, NotUsable
from orchestrator.oci.ports import Place

_SCHEMA = """
create table if not exists blob(registry text, repository text, digest text, at real,
  primary key(registry, repository, digest)) without rowid;
create table if not exists image(registry text, repository text, digest text, at real, asked real, tree text,
  primary key(registry, repository, digest)) without rowid;
create table if not exists selection(digest text, platforms text, selected text,
  primary key(digest, platforms)) without rowid;
"""
_VERSION = 1
BUSY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Complete:
    """An image that was verified whole in a repository.

    `asked` is when its signatures were looked for (seconds since 1970), `tree` every manifest that came with it.
    """

    asked: float
    tree: frozenset[str]


class Journal:
    """The journal in one file, or in memory. Several threads, and several runs at once, may use it."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self.path = path
        with self._explained():
            self._base = sqlite3.connect(
                path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                self._begin()
        except BaseException:
            self._base.close()
            raise

    def _begin(self) -> None:
        """Make the tables. Raises NotUsable for a file of another version."""
        self._share()
        self._base.execute("pragma synchronous=normal")
        (version,) = self._base.execute("pragma user_version").fetchone()
        if version not in (0, _VERSION):
            raise NotUsable(
                f"{self.path} is a journal of another version ({version}).", remedy="Remove it: it is made again."
            )
        self._base.executescript(f"begin immediate; {_SCHEMA} pragma user_version={_VERSION}; commit;")

    def _share(self) -> None:
        """Let readers and a writer work side by side. SQLite itself does not wait here for another run that does the same."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._base.execute("pragma journal_mode=wal")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def blob_sent(self, place: Place, digest: str) -> None:
        """The repository has taken the blob."""
        self._write("insert or replace into blob values(?,?,?,?)", (*place, digest, time.time()))

    def blobs_sent(self, place: Place) -> set[str]:
        """The blobs that the repository has taken at some time."""
        return {row[0] for row in self._read("select digest from blob where registry=? and repository=?", place)}

    def image_complete(self, place: Place, digest: str, tree: Iterable[str]) -> None:
        """The image and everything that belongs to it is in the repository."""
        now = time.time()
        self._write(
            "insert or replace into image values(?,?,?,?,?,?)",
            (*place, digest, now, now, json.dumps(sorted(tree), separators=(",", ":"))),
        )

    def forget_image(self, place: Place, digest: str) -> None:
        """The repository does not have the image, whatever was verified before."""
        self._write("delete from image where registry=? and repository=? and digest=?", (*place, digest))

    def complete(self, place: Place, digest: str) -> Complete | None:
        """What is known of an image in a repository; None when it was never verified whole."""
        rows = self._read(
            "select asked, tree from image where registry=? and repository=? and digest=?", (*place, digest)
        )
        return _complete(*rows[0]) if rows else None

    def knows(self, place: Place) -> bool:
        """Whether anything was ever put into the repository."""
        return bool(self._read("select 1 from image where registry=? and repository=? limit 1", place))

    def selected(self, digest: str, platforms: str) -> str | None:
        """The digest of the smaller index that was made of `digest` for `platforms`."""
        rows = self._read("select selected from selection where digest=? and platforms=?", (digest, platforms))
        return str(rows[0][0]) if rows else None

    def remember_selection(self, digest: str, platforms: str, selected: str) -> None:
        """The smaller index that was made."""
        self._write("insert or replace into selection values(?,?,?)", (digest, platforms, selected))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock, self._explained():
            self._base.execute(statement, values)

    def _read(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock, self._explained():
            return self._base.execute(statement, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say which file SQLite could not use: one of strangers, a damaged page, a full disk."""
        try:
            yield
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error


def _complete(asked: object, tree: object) -> Complete | None:
    """None for a row that no run wrote: SQLite takes any type in any column."""
    try:
        found = json.loads(tree) if isinstance(tree, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not isinstance(asked, int | float):
        return None
    return Complete(asked, frozenset(found)) if all(isinstance(digest, str) for digest in found) else None


def _unusable(path: Path | None, error: sqlite3.Error) -> JournalNotUsable:
    return JournalNotUsable(
        f"The journal {path} cannot be used: {error}.",
        remedy="End the runs that use it, then remove it with its -wal and -shm files: it is made again.",
    )
