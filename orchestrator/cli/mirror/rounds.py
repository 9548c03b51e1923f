"""`mirror --sync`: one round after the other, by an interval or a crontab, until it is told to end."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import click

from orchestrator.cli import messages
from orchestrator.environment.schedules import crontab_problem, next_run
from orchestrator.errors import OrchestratorError

_INTERVAL = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
_LEAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rounds:
    """When rounds begin: every `interval`, or by the five fields of `cron`; with neither there is one."""

    interval: timedelta | None = None
    cron: str = ""

    def seconds_to_next(self, began: float, now: datetime) -> float:
        """Seconds to wait. A round that took longer than the interval is followed by the next one at once."""
        if self.interval is not None:
            return max(0.0, self.interval.total_seconds() - (time.monotonic() - began))
        following = next_run(self.cron, now)
        assert following is not None, "a schedule without days is refused when it is read"
        return (following - now).total_seconds()


def read_rounds(sync: bool, interval: str | None, cron: str | None, once: bool) -> Rounds | None:
    """The rounds that the options mean; None without `--sync`. Raises UsageError."""
    if not sync:
        if interval or cron or once:
            raise click.UsageError("--interval, --cron and --once say when --sync runs.")
        return None
    if sum(map(bool, (interval, cron, once))) != 1:
        raise click.UsageError("--sync wants one of --interval 1h, --cron '0 3 * * *' and --once.")
    if once:
        return Rounds()
    if cron:
        problem = crontab_problem(cron)
        if problem:
            raise click.UsageError(f"--cron {cron}: {problem} Write it like '0 3 * * *'.")
        return Rounds(cron=cron)
    match = _INTERVAL.fullmatch(interval or "")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
    found = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if found < _LEAST:
        raise click.UsageError(f"--interval {interval} is no time of a second or more: write it like 1h or 1h30m.")
    return Rounds(found)


def keep_going(rounds: Rounds, one_round: Callable[[], int]) -> int:
    """Rounds until SIGTERM or Ctrl-C ends the waiting. A failure of a round is said, and the next round tries again.

    The exit code is the last round's, with one round only; else 0: who asked it to end is no failure.
    """
    if rounds == Rounds():
        return one_round()
    with _told_to_end() as ended:
        while not ended.is_set():
            began = time.monotonic()
            try:
                one_round()
            except OrchestratorError as error:
                messages.labelled(f"error: {error}")
            except KeyboardInterrupt:
                break
            now = datetime.now().astimezone()
            wait = rounds.seconds_to_next(began, now)
            messages.tell(f"next round at {now + timedelta(seconds=wait):%Y-%m-%d %H:%M:%S}")
            sys.stdout.flush()
            ended.wait(wait)
    return 0


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """An event that the signals set. In the middle of a round the second one ends it at once: the next run goes on."""
    ended = threading.Event()

    def end(_number: int, _frame: object) -> None:
        if ended.is_set():
            raise KeyboardInterrupt
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
