"""The next time of a crontab."""

from __future__ import annotations

from datetime import datetime

import pytest

from orchestrator.environment.schedules import next_run


@pytest.mark.parametrize(
    ("schedule", "after", "following"),
    [
        ("0 3 * * *", "2026-01-31T03:00", "2026-02-01T03:00"),
        ("0 3 * * *", "2026-01-31T02:59:59", "2026-01-31T03:00"),
        ("*/20 8-9 * * *", "2026-01-31T08:41", "2026-01-31T09:00"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 12 1 * MON", "2026-03-02T13:00", "2026-03-09T12:00"),
        ("@weekly", "2026-01-31T03:00", "2026-02-01T00:00"),
        ("0 0 30 2 *", "2026-01-01T00:00", None),
    ],
)
def test_the_next_run_is_the_first_one_after(schedule: str, after: str, following: str | None) -> None:
    found = next_run(schedule, datetime.fromisoformat(after))
    assert found == (datetime.fromisoformat(following) if following else None)
