"""The file of the queue of copies: what waits, and how the last ones ended. An edge: SQLite.

What waits survives a restart. The end of a copy is kept for `swapper status` alone.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError

_log = logging.getLogger("orchestrator.swapper")
_SCHEMA = """
create table if not exists wanted(target text primary key, source text, since real) without rowid;
create table if not exists ended(target text primary key, source text, at real, what text, why text, remedy text) without rowid;
"""
_COLUMNS = {
    "wanted": ["target", "source", "since"],
    "ended": ["target", "source", "at", "what", "why", "remedy"],
}
# SQLite's codes (rescode.html) of places where no new file helps: PERM, BUSY, LOCKED,
# NOMEM, READONLY, IOERR, FULL, CANTOPEN.
_OF_THE_DISK = frozenset({3, 5, 6, 7, 8, 10, 13, 14})
BUSY_SECONDS = 10.0
_ENDED = "select target, source, at, what, why, remedy from ended order by at desc"
LATEST = 253_402_300_799  # Unix time: the last second of the year 9999
# Ends that are kept, the newest.
KEPT = 1000


@dataclass(frozen=True, slots=True)
class WaitingCopy:
    """An image that waits to be copied, or is being copied; `since` is Unix time."""

    target: str
    source: str
    since: float


@dataclass(frozen=True, slots=True)
class EndedCopy:
    """How the last copy of a target ended, `at` in Unix time; `what` is "" for one that was copied, else its failure."""

    target: str
    source: str
    at: float
    what: str = ""
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What the file says: the oldest that waits first, the newest end first."""

    waiting: tuple[WaitingCopy, ...] = ()
    ended: tuple[EndedCopy, ...] = ()


class CopyLedger:
    """The file, as the queue writes it: under the queue's lock, from several threads.

    A file that is damaged, or that no queue wrote, is put aside and made anew. Where none can be written the ledger is in
    memory. Both are logged: Pods keep being answered.
    """

    def __init__(self, path: Path) -> None:
        self._base = _opened(path)

    def waiting(self) -> tuple[WaitingCopy, ...]:
        """What waits, the oldest first."""
        return _waiting(self._base)

    def want(self, copy: WaitingCopy) -> None:
        """It is to be copied. A full disk costs the survival of a restart, not the copy."""
        self._write([("insert or replace into wanted values(?,?,?)", astuple(copy))])

    def end(self, copy: EndedCopy) -> None:
        """It was copied, or was not."""
        self._write(
            [
                ("delete from wanted where target=?", (copy.target,)),
                ("insert or replace into ended values(?,?,?,?,?,?)", astuple(copy)),
                (
                    "delete from ended where at < (select at from ended order by at desc limit 1 offset ?)",
                    (KEPT - 1,),
                ),
            ]
        )

    def _write(self, statements: list[tuple[str, tuple[object, ...]]]) -> None:
        try:
            for statement, values in statements:
                self._base.execute(statement, values)
        except sqlite3.Error as error:
            _log.warning("the queue's file cannot be written", extra={"why": str(error)})

    def close(self) -> None:
        """Nothing more is written."""
        self._base.close()


def _opened(path: Path) -> sqlite3.Connection:
    for _ in range(2):
        try:
            return _connected(path)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK:
                break
            _log.warning("the queue's file was put aside", extra={"why": str(error), "file": str(path)})
            if not _put_aside(path):
                break
    _log.warning("the queue is kept in memory: what waits at the end of this process is forgotten")
    return _connected(":memory:")


def _connected(path: Path | str) -> sqlite3.Connection:
    """Raises sqlite3.DatabaseError for a file of another kind, and one that cannot be read or written."""
    base = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _require_ours(base)
        base.executescript(_SCHEMA)
        # Damage within shows when it is read.
        _waiting(base)
    except sqlite3.DatabaseError:
        base.close()
        raise
    return base


def _require_ours(base: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError for tables of another program, or of another version of this one."""
    for table, columns in _COLUMNS.items():
        found = [str(row[1]) for row in base.execute(f"pragma table_info({table})")]
        if found and found != columns:
            raise sqlite3.DatabaseError(f"its table {table} has the columns {', '.join(found)}")


def _put_aside(path: Path) -> bool:
    """Rename it, and remove what SQLite would apply to a new one of its name."""
    try:
        path.replace(path.with_name(f"{path.name}.unusable"))
        for ending in ("-journal", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    except OSError as error:
        _log.warning("the queue's file cannot be put aside", extra={"why": str(error)})
        return False
    return True


def read_ledger(path: Path) -> LedgerState:
    """What the file says, which another process may be writing; nothing where there is none. Raises OrchestratorError."""
    if not path.exists():
        return LedgerState()
    if not path.is_file():
        # SQLite would wait for ever for whoever writes into a pipe.
        raise unusable(path, ValueError("it is no regular file"))
    try:
        base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            has_ended = base.execute("select 1 from sqlite_master where name='ended'").fetchone()
            rows = base.execute(_ENDED).fetchall() if has_ended else []
            return LedgerState(_waiting(base), tuple(EndedCopy(*row) for row in rows if _is_copy(row)))
        finally:
            base.close()
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def _waiting(base: sqlite3.Connection) -> tuple[WaitingCopy, ...]:
    rows = base.execute("select target, source, since from wanted order by since").fetchall()
    return tuple(WaitingCopy(*row) for row in rows if _is_copy(row))


def _is_copy(row: Sequence[object]) -> bool:
    """Did a queue write the row? SQLite takes any type in any column."""
    target, source, at, *words = row
    is_time = isinstance(at, int | float) and 0 <= at <= LATEST
    return is_time and all(isinstance(text, str) for text in (target, source, *words))


def unusable(path: Path, error: Exception) -> OrchestratorError:
    """Why the file cannot be used."""
    return OrchestratorError(
        f"The swapper's file {path} cannot be used: {error}.",
        remedy="Make its folder writable, or remove the file: it is made again.",
    )
