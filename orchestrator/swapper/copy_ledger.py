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
    """The file, as the queue writes it: under the queue's lock, from several threads."""

    def __init__(self, path: Path) -> None:
        try:
            self._base = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.DatabaseError as error:
            raise unusable(path, error) from error
        try:
            self._base.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._base.close()
            raise unusable(path, error) from error
        self._path = path

    def waiting(self) -> tuple[WaitingCopy, ...]:
        """What waits, the oldest first."""
        try:
            return _waiting(self._base)
        except sqlite3.DatabaseError as error:
            raise unusable(self._path, error) from error

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


def read_ledger(path: Path) -> LedgerState:
    """What the file says, which another process may be writing; nothing where there is none. Raises OrchestratorError."""
    if not path.exists():
        return LedgerState()
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
