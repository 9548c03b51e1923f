"""Terraform's stream as events, and what the progress counts of them."""

from __future__ import annotations

import io
import json

from orchestrator.terraform.progress import Progress
from orchestrator.terraform.stream import (
    Began,
    Diagnostic,
    Ended,
    Heard,
    Noted,
    Said,
    heard_of,
    read_event,
    read_events,
)

HOOK = {"resource": {"addr": "a.b"}, "action": "create"}


def line(kind: str, **more: object) -> str:
    return json.dumps({"type": kind, "@message": kind, **more})


def test_a_line_becomes_an_event() -> None:
    finished = {**HOOK, "id_key": "id", "id_value": "x-1"}

    assert read_event(line("apply_start", hook=HOOK)) == Began("a.b", "create", "apply_start")
    assert read_event(line("apply_progress", hook=HOOK)) == Said("apply_progress")
    assert read_event(line("apply_complete", hook=finished)) == Ended("a.b", "create", "apply_complete", id="x-1")
    assert read_event(line("apply_errored", hook=HOOK)) == Ended("a.b", "create", "apply_errored", failed=True)
    # A refresh is shown while it is in flight and is no sentence.
    assert read_event(line("refresh_start", hook=HOOK)) == Began("a.b", "refresh")
    assert read_event(line("refresh_complete", hook=HOOK)) == Ended("a.b", "refresh")


def test_what_is_no_event_is_a_sentence_or_nothing() -> None:
    assert read_event("no json") == Said("no json")
    assert [read_event(text) for text in ("", " ", "[1]", line("version"), '{"type": ["apply_start"]}')] == [None] * 5


def test_a_run_is_summed_up_with_each_diagnostic_once() -> None:
    error = {"severity": "error", "summary": "e", "range": {"filename": "f", "start": {"line": 3}}}
    stream = [
        line("planned_change"),
        line("resource_drift"),
        line("outputs", outputs={"x": {"action": "noop"}, "y": {"action": "update"}}),
        line("diagnostic", diagnostic={"severity": "warning", "summary": "w", "detail": ""}),
        line("diagnostic", diagnostic=error),
        line("diagnostic", diagnostic=error),
        '{"type": "apply_st',
    ]

    summed = heard_of(read_events("\n".join(stream)))

    assert summed == Heard(3, (Diagnostic("warning", "w"), Diagnostic("error", "e", where="f:3")))
    assert [str(warning) for warning in summed.warnings] == ["w"]
    assert str(summed.diagnostics[1]) == "e\n(f:3)"


def test_progress_counts_for_itself() -> None:
    now = [10.0]
    progress = Progress(io.StringIO(), live=False, clock=lambda: now[0])
    take = progress.follow("dev", "plan")
    take(Began("a.b", "refresh"))
    now[0] = 12.4
    assert progress.lines() == ["dev: plan, 1 in flight", "  a.b  refresh 2 s"]
    take(Ended("a.b", "refresh"))
    take(Noted(1))
    assert progress.lines() == ["dev: plan"]

    # A new run begins at nothing; a replacement has two changes of one address.
    progress.expect("dev", 3)
    take = progress.follow("dev", "apply")
    for event in (Began("a.b", "delete"), Ended("a.b", "delete"), Began("a.b", "create"), Ended("a.b", "create")):
        take(event)
    take(Began("a.c", "create"))
    take(Ended("a.c", "create", failed=True))
    assert progress.lines() == ["dev: apply 2/3"]

    progress.forget("dev")
    take(Began("a.d", "create"))
    assert progress.lines() == []


def test_progress_names_the_oldest_and_counts_the_rest() -> None:
    now = [0.0]
    progress = Progress(io.StringIO(), live=False, clock=lambda: now[0])
    take = progress.follow("dev", "apply")
    for number in range(8):
        now[0] = float(number)
        take(Began(f"a.{number}", "create"))

    shown = progress.lines()

    assert shown[:2] == ["dev: apply 0/0", "  a.0  create 7 s"]
    assert shown[-2:] == ["  a.5  create 2 s", "  and 2 more"]
