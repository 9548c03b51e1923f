"""The webhook's log: warnings that a whole cluster would repeat are written now and then."""

from __future__ import annotations

import io
import json
import logging

from orchestrator.swapper.logs import LOGGER, SeldomWarnings, configure_log


def test_each_kind_is_written_once_a_minute_with_what_was_left_out() -> None:
    now = [0.0]
    written = io.StringIO()
    logger = logging.getLogger(LOGGER)
    before = logger.handlers[:], logger.propagate, logger.level
    try:
        configure_log("info", "json", written)
        warnings = SeldomWarnings(seconds=60, clock=lambda: now[0])
        for at in (0, 1, 59, 60, 61):
            now[0] = at
            warnings.warn("late", "no answer", target=f"image-{at}")
        warnings.warn("failed", "refused", why="denied")
    finally:
        logger.handlers[:], logger.propagate = before[:2]
        logger.setLevel(before[2])
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["message"], line.get("target"), line.get("left_out")) for line in lines] == [
        ("no answer", "image-0", None),
        ("no answer", "image-60", 2),
        ("refused", None, None),
    ]
