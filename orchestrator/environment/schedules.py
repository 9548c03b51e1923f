"""Forms of schedules: EventBridge's cron and rate, and the crontab of a Kubernetes CronJob. Pure.

Sources: EventBridge user guide, "Cron expressions reference" and "Rate expressions". Kubernetes' CronJob reads its
schedule with robfig/cron v3 (standard parser). There a `*` in one of the two fields for days leaves the other to
decide. Two that are given mean either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_RATE = re.compile(r"rate\(([0-9]+) (minutes?|hours?|days?)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
# Nine years: two leap days are among them.
_FIRST_DAY = date(2025, 1, 1)
_DAYS_LOOKED_AT = 9 * 366


@dataclass(frozen=True, slots=True)
class _Field:
    """Whole numbers from `least` to `most`, for which `names` may stand; `special` is what a field takes besides."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    special: re.Pattern[str] | None = None

    def number(self, text: str) -> int | None:
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.least
        number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else None
        return number if number is not None and self.least <= number <= self.most else None


_EVENTBRIDGE = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, special=re.compile(r"L|LW|L-([1-9]|[12][0-9]|30)|([1-9]|[12][0-9]|3[01])W")),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, re.compile(rf"L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])", re.IGNORECASE)),
    _Field("year", 1970, 2199),
)
_CRONTAB = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def _values(field: _Field, text: str) -> frozenset[int] | None:
    """The numbers that `text` (`*`, `5`, `1-5`, `*/10`, lists of them) stands for. None for another text."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not re.fullmatch(r"[1-9][0-9]{0,3}", step):
            return None
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = field.least, field.most
        else:
            start, end = field.number(first), field.number(last) if dash else None
            if start is None or (dash and end is None):
                return None
            # "5/10" means from 5 on.
            low, high = start, end if end is not None else field.most if slash else start
            if low > high:
                return None
        found.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(found)


def eventbridge_problem(schedule: str) -> tuple[str, str]:
    """(why EventBridge refuses `schedule`, what to write instead); empty when it takes it."""
    usual = 'Write it like "cron(0 2 * * ? *)".'
    rate = _RATE.fullmatch(schedule)
    if rate:
        number, unit = int(rate[1]), rate[2].rstrip("s")
        right = f"rate({number} {unit}{'' if number == 1 else 's'})"
        if number < 1:
            return "A rate is a whole number from 1 on.", 'Write it like "rate(1 day)".'
        if right != schedule:
            return "EventBridge takes the unit in the singular for 1, and in the plural for more.", f'Write "{right}".'
        return "", ""
    cron = _CRON.fullmatch(schedule)
    texts = cron[1].split(" ") if cron else []
    if len(texts) != len(_EVENTBRIDGE) or not all(texts):
        crontab = schedule.split()
        if len(crontab) == 5 and crontab_problem(schedule) == "" and crontab[4] == "*":
            usual = f'Write "cron({" ".join(crontab[:4])} ? *)".'
        return "EventBridge takes cron(...) with six fields, the year last, or rate(...).", usual
    if [texts[2], texts[4]].count("?") != 1:
        return "One of cron's two fields for days (the third and the fifth) is a question mark, and only one.", usual
    for field, text in zip(_EVENTBRIDGE, texts, strict=True):
        if text == "?" and field.name.startswith("day"):
            continue
        if field.special and field.special.fullmatch(text):
            continue
        if _values(field, text) is None:
            return f'"{text}" is no {field.name}, which goes from {field.least} to {field.most}.', usual
    return "", ""


def rate_of(schedule: str) -> timedelta | None:
    """The time between two runs of a `rate(...)` that EventBridge takes; None for anything else."""
    rate = None if eventbridge_problem(schedule)[0] else _RATE.fullmatch(schedule)
    return timedelta(**{f"{rate[2].rstrip('s')}s": int(rate[1])}) if rate else None


def crontab_problem(schedule: str) -> str:
    """Why a CronJob refuses `schedule`; empty when it takes it."""
    texts = _MACROS.get(schedule, schedule).split()
    if len(texts) != len(_CRONTAB):
        return "A CronJob of Kubernetes takes five fields."
    for field, text in zip(_CRONTAB, texts, strict=True):
        if _values(field, text.replace("?", "*")) is None:
            return f'"{text}" is no {field.name}, which goes from {field.least} to {field.most}.'
    if longest_gap(schedule) is None:
        return "There is no such day."
    return ""


def is_tight(gap: timedelta, hours: int) -> bool:
    """Is a snapshot older than `hours` when one of the runs that are at most `gap` apart is missed?"""
    return 2 * gap > timedelta(hours=hours)


def enough_hours(gap: timedelta) -> int:
    """The least limit that is not tight."""
    return -(-2 * gap // timedelta(hours=1))


def hours_of(gap: timedelta) -> str:
    """`1 hour`, `36 hours`, `1.5 hours`."""
    hours = f"{gap.total_seconds() / 3600:g}"
    return f"{hours} hour{'' if hours == '1' else 's'}"


def next_run(schedule: str, after: datetime) -> datetime | None:
    """The first minute after `after` at which a CronJob with this schedule runs; None when there is no such day.

    Days are looked at in the time zone of `after`.
    """
    texts = _MACROS.get(schedule, schedule).replace("?", "*").split()
    read = [_values(field, text) or frozenset() for field, text in zip(_CRONTAB, texts, strict=True)]
    minutes, hours, days, months, weekdays = read
    either = "*" not in (texts[2], texts[4])
    for offset in range(_DAYS_LOOKED_AT):
        day = after.date() + timedelta(days=offset)
        in_month, in_week = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month not in months or not (in_month or in_week if either else in_month and in_week):
            continue
        for hour in sorted(hours):
            for minute in sorted(minutes):
                found = datetime.combine(day, time(hour, minute), after.tzinfo)
                if found > after:
                    return found
    return None


def longest_gap(schedule: str) -> timedelta | None:
    """The longest time between two runs of a CronJob; None when it never runs, or is no schedule."""
    texts = _MACROS.get(schedule, schedule).replace("?", "*").split()
    if len(texts) != len(_CRONTAB):
        return None
    read = [_values(field, text) for field, text in zip(_CRONTAB, texts, strict=True)]
    minutes, hours, days, months, weekdays = (values or frozenset() for values in read)
    times = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    either = "*" not in (texts[2], texts[4])

    def runs(day: date) -> bool:
        in_month, in_week = day.day in days, day.isoweekday() % 7 in weekdays
        return day.month in months and (in_month or in_week if either else in_month and in_week)

    dates = [day for day in (_FIRST_DAY + timedelta(days=offset) for offset in range(_DAYS_LOOKED_AT)) if runs(day)]
    if not times or len(dates) < 2:
        return None
    within = max((later - earlier for earlier, later in pairwise(times)), default=0)
    between = max((later - earlier).days for earlier, later in pairwise(dates))
    return timedelta(minutes=max(within, between * 24 * 60 - times[-1] + times[0]))
