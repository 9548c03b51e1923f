"""On a terminal each image has a bar while it moves, under the one for everything; in a pipe there are lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from orchestrator.cli.mirror.copy_progress import BARS, CopyProgress
from orchestrator.oci.copy_events import Moved, Waiting
from orchestrator.oci.ports import Place


def places(count: int) -> dict[Place, tuple[str, int]]:
    return {Place("r", f"app{number}"): (f"app{number}:v1", 100) for number in range(count)}


def shown(progress: CopyProgress) -> list[tuple[str, float]]:
    return [(task.description, task.completed) for task in progress._bar.tasks]


def test_each_image_has_a_bar_while_it_moves() -> None:
    text = io.StringIO()
    progress = CopyProgress(Console(file=text, force_terminal=True, width=120))
    images = places(2) | {Place("r", "odd"): ("team/[bold]" + "x" * 80 + ":v1", 50)}
    progress.begin(250, 3, quiet=False, images=images)
    try:
        first, second, odd = images
        progress.heard(Moved(first, "d", 40))
        progress.heard(Moved(second, "d", 10))
        progress.heard(Moved(first, "d", 20))
        assert shown(progress) == [("0 of 3 manifests", 70), ("app0:v1", 60), ("app1:v1", 10)]
        progress.heard(Moved(first, "d", 40))
        progress.heard(Moved(odd, "d", 1))
        assert [name[:8] for name, _ in shown(progress)] == ["0 of 3 m", "app1:v1", "…xxxxxxx"]
        assert len(shown(progress)[-1][0]) == 48
        # A mount that was refused sends more than was planned, and to whom nothing was planned.
        progress.heard(Moved(first, "d", 900))
        progress.heard(Moved(Place("r", "other"), "d", 1))
        progress.heard(Waiting("docker.io", 30, "its limit of 100 pulls is reached"))
    finally:
        progress.close()
    assert "waits 30 s for docker.io" in text.getvalue()
    assert "app0:v1" in text.getvalue()


def test_more_images_than_there_is_room_for_wait_for_their_bars() -> None:
    progress = CopyProgress(Console(file=io.StringIO(), force_terminal=True, width=120))
    images = places(100)
    progress.begin(10_000, quiet=False, images=images)
    try:
        for place in images:
            progress.heard(Moved(place, "d", 10))
        assert len(shown(progress)) == 1 + BARS
        first, *_, last = images
        progress.heard(Moved(first, "d", 90))
        progress.heard(Moved(last, "d", 10))
        assert shown(progress)[-1] == ("app99:v1", 20)
    finally:
        progress.close()


def test_an_end_that_is_asked_for_leaves_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    progress = CopyProgress()
    progress.begin(250, quiet=False, images=places(2))
    progress.heard(Moved(Place("r", "app0"), "d", 40))
    progress.heard(Waiting("docker.io", 30, "its [limit]"))
    progress.close()
    assert capsys.readouterr().err == "waits 30 s for docker.io: its [limit]\n"
