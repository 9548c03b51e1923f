"""A day of a cluster: no Pod gets an image that is not there, and each image is copied once in each of its lives."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.functional.running import run
from tests.functional.swapper.simulated_day import SOURCE, TARGET, day

pytestmark = pytest.mark.long


def test_a_day_with_three_replicas_that_die(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        one.run(2000, 20.0)
        assert one.missing() == set()
        # The command sees what the replicas share. A copy's end is written a moment after the registry has the image.
        ends = time.monotonic() + 120
        while True:
            told = run("-C", str(one.project.root), "swapper", "status", "dev", "--local", "--json")
            assert told.code == 0, told.err
            if not told.json["queue"] or time.monotonic() > ends:
                break
            time.sleep(0.3)
        assert {entry["target"] for entry in told.json["copied"]} == {f"{TARGET}:{tag}" for tag in one.tags}
        assert (told.json["queue"], told.json["failed"]) == ([], [])
        lines = run("-C", str(one.project.root), "swapper", "status", "dev", "--local")
        assert f"copied   {SOURCE}:{one.tags[0]} -> {TARGET}:{one.tags[0]} (" in lines.out
        assert f"0 waiting, {len(one.tags)} copied, 0 failed" in lines.err
        copied = one.end()
        assert one.seen.broken == []
        # Each kind of event came, and Pods were answered meanwhile.
        assert one.seen.events.keys() >= {"kill", "delete"}
        assert one.seen.swapped > 0 < one.seen.kept
        assert one.seen.failed_open < one.seen.swapped + one.seen.kept
        assert {tag: count for tag, count in copied.items() if count > one.lives[tag]} == {}
