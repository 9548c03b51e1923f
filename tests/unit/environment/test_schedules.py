"""Schedules: what EventBridge and Kubernetes take, and how long nothing runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.environment.schedules import crontab_problem, eventbridge_problem, longest_gap, rate_of


@pytest.mark.parametrize(
    "schedule",
    [
        "cron(0 2 * * ? *)",
        "cron(15 10 ? * 6L 2026-2030)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 9 3W JAN,jul ? *)",
        "cron(0 9 L-2 */3 ? 2199)",
        "rate(1 minute)",
        "rate(2 minutes)",
        "rate(1 hour)",
        "rate(30 days)",
    ],
)
def test_what_eventbridge_takes_is_taken(schedule: str) -> None:
    assert eventbridge_problem(schedule) == ("", "")


@pytest.mark.parametrize(
    "schedule",
    [
        "cron(0 2 * * *)",
        "cron(0 2 * * ? * *)",
        "cron(0  2 * * ? *)",
        "cron(0 2 * * * *)",
        "cron(0 2 ? * ? *)",
        "cron(0 2 1 * 2 *)",
        "cron(60 2 * * ? *)",
        "cron(0 2 32 * ? *)",
        "cron(0 2 * 13 ? *)",
        "cron(0 2 ? * 8 *)",
        "cron(0 2 ? * MON-XXX *)",
        "cron(0 2 ? * 2#6 *)",
        "cron(0 2 * * ? 1969)",
        "cron(5-1 2 * * ? *)",
        "cron(0/0 2 * * ? *)",
        "cron(? 2 * * ? *)",
        "rate(1day)",
        "rate(1.5 days)",
        "rate(2 weeks)",
        "at(2026-01-01T00:00:00)",
        "",
    ],
)
def test_what_eventbridge_refuses_is_refused_with_a_remedy(schedule: str) -> None:
    assert all(eventbridge_problem(schedule))


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("17 * * * *", 1),
        ("*/15 * * * *", 0.25),
        ("@hourly", 1),
        ("0 2,14 * * *", 12),
        ("0 2,5 * * *", 21),
        ("0 2 * * 1-5", 72),
        ("0 2 * * sat", 168),
        ("0 2 1 * *", 31 * 24),
        # Either of the two: the first of a month, and Mondays.
        ("0 2 1 * MON", 168),
        ("0 2 29 2 *", 4 * 365.25 * 24),
        ("0 2 ? * 0", 168),
    ],
)
def test_the_longest_time_between_two_jobs_is_known(schedule: str, hours: float) -> None:
    assert crontab_problem(schedule) == ""
    assert longest_gap(schedule) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * *",
        "60 * * * *",
        "0 2 * * 7",
        "0 2 31 2 *",
        "@never",
        "TZ=UTC 0 2 * * *",
        "0 2 * * MON#1",
        "5/0 * * * *",
        "",
    ],
)
def test_what_a_cron_job_refuses_is_refused(schedule: str) -> None:
    assert crontab_problem(schedule)


def test_a_rate_is_a_time() -> None:
    assert rate_of("rate(36 hours)") == timedelta(days=1.5)
    assert rate_of("cron(0 2 * * ? *)") is None
