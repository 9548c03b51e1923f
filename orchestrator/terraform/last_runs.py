"""This machine's memory of an environment's last apply and last look for drift: a small file in its folder.

A memory, not a truth: another machine may have applied since, so that everything here is said "as known here".
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.files.own_records import read_record
from orchestrator.files.replace import replace_whole

FILE = "last-runs.json"


@dataclass(frozen=True, slots=True)
class LastRuns:
    """Times are ISO 8601 in UTC, None where nothing is known; `drift` counts the resources that were found changed."""

    applied: str | None = None
    drift_checked: str | None = None
    drift: int | None = None


def last_runs(folder: Path) -> LastRuns:
    """What is known of the environment whose working directory is `folder`; nothing where it has none."""
    document = read_record(folder / FILE)
    applied, checked, drift = (document.get(key) for key in ("applied", "drift_checked", "drift"))
    return LastRuns(
        applied if isinstance(applied, str) else None,
        checked if isinstance(checked, str) else None,
        drift if isinstance(drift, int) else None,
    )


def remember_apply(folder: Path) -> None:
    """An apply ended well now; what drifted before it is not known any more."""
    _write(folder, LastRuns(applied=_now()))


def remember_drift(folder: Path, count: int) -> None:
    """A look for drift found `count` changed resources now."""
    _write(folder, LastRuns(last_runs(folder).applied, _now(), count))


def forget_runs(folder: Path) -> None:
    """The environment was destroyed."""
    (folder / FILE).unlink(missing_ok=True)


def _write(folder: Path, runs: LastRuns) -> None:
    # A full disk must not turn an apply that ended well into a failure.
    with contextlib.suppress(OSError):
        replace_whole(folder / FILE, f"{json.dumps(asdict(runs))}\n".encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
