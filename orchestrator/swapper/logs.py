"""The webhook's log: one JSON object a line, or a line for people. Nothing of a body or a credential is ever logged."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import TextIO

from orchestrator.plain_text import plain

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LOGGER = "orchestrator.swapper"
_log = logging.getLogger(LOGGER)


class JsonLines(logging.Formatter):
    """{"time", "level", "message", …what the caller says more}."""

    def format(self, record: logging.LogRecord) -> str:
        found = {"time": _time(record), "level": record.levelname.lower(), "message": record.getMessage()}
        found |= {key: value for key, value in vars(record).items() if key not in _OWN}
        if record.exc_info and record.exc_info[0] is not None:
            # The text of an error may quote a body.
            found["error"] = record.exc_info[0].__name__
        return json.dumps(found, default=str)


class ConsoleLines(logging.Formatter):
    """`12:00:00 info message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        more = "".join(f" {key}={value}" for key, value in vars(record).items() if key not in _OWN)
        line = f"{_time(record)} {record.levelname.lower()} {record.getMessage()}{more}"
        # A line of the log is one event, whatever a Pod or a registry wrote.
        return plain(line).replace("\n", "\\n")


def _time(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


class SeldomWarnings:
    """Warnings of which each kind is written once in `seconds`. The next of its kind says how many were left out.

    A registry that is down is met by every Pod: a line for each would hide the rest of the log. For one thread.
    """

    def __init__(self, *, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warn(self, kind: str, message: str, **more: str) -> None:
        """Write the line, with `more` beside it, unless one of the kind was written within the time. Kinds are few."""
        now = self._clock()
        if now < self._next.get(kind, now):
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._next[kind] = now + self._seconds
        left_out = self._left_out.pop(kind, 0)
        _log.warning(message, extra={**more, **({"left_out": left_out} if left_out else {})})


# k8s-image-swapper's levels that Python calls otherwise.
_LEVELS = {"trace": "debug", "warn": "warning", "fatal": "critical", "panic": "critical", "disabled": "critical"}


def configure_log(level: str, form: str, stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error) from `level` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else ConsoleLines())
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.propagate = False
    known = logging.getLevelNamesMapping()
    logger.setLevel(known.get(_LEVELS.get(level.lower(), level.lower()).upper(), logging.INFO))
