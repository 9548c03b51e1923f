"""Runs the plan that was judged, exactly that one, and keeps what the next command needs when it is cut off."""

from __future__ import annotations

import contextlib
import shutil

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.planner import END_OF_JOURNAL
from orchestrator.terraform.runs import failed, stream
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.workdir import write_if_changed

NEEDED_BYTES = 8 * 1024 * 1024  # several times the state and the log of a large environment


def execute(stack: Stack, phase: str) -> None:
    """Apply the plan file. The journal stays when it does not end well: the next apply reads what was in flight."""
    journal = stack.workdir.journal
    _require_room(stack)
    _keep_earlier(stack)
    if stack.workdir.local:
        # Terraform writes a local state in place: a full disk would cut it off.
        state = stack.workdir.local_state
        write_if_changed(stack.workdir.state_before, state.read_bytes() if state.exists() else b"")
    outcome, heard = stream(
        stack, phase, "apply", "-input=false", "-json", str(stack.workdir.plan_file), journal=journal
    )
    if outcome.code != 0:
        with contextlib.suppress(OSError):
            journal.write_text(stack.runner.masker(journal.read_text("utf-8", "replace")), "utf-8")
        raise failed(stack, f"terraform {phase}", outcome, heard, applying=True)
    for warning in heard.warnings:
        stack.say(f"warning: {warning}")
    settle(stack)


def settle(stack: Stack) -> None:
    """All is as planned: what only an unfinished apply needs can go."""
    stack.workdir.journal.unlink(missing_ok=True)
    stack.workdir.earlier_journals.unlink(missing_ok=True)
    stack.workdir.state_before.unlink(missing_ok=True)
    stack.workdir.plan_file.unlink(missing_ok=True)


def _require_room(stack: Stack) -> None:
    """Refuse to begin on a disk that may not take the state at the end: what was created would then be unknown."""
    folder = stack.workdir.folder
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise OrchestratorError(
            f"the disk is nearly full: {free // 1024} KiB are free in {folder}.",
            environment=stack.name,
            why=f"An apply begins with at least {NEEDED_BYTES // 1024} KiB, so that the state of what it creates can be "
            "saved. Nothing was changed.",
            remedy="Make room, then run the command again.",
        )


def _keep_earlier(stack: Stack) -> None:
    """What earlier applies had in flight stays known until one ends well: this one may be cut off, or refused, too."""
    journal = stack.workdir.journal
    try:
        text = journal.read_text("utf-8", "replace")
    except FileNotFoundError:
        return
    earlier = stack.workdir.earlier_journals
    with contextlib.suppress(FileNotFoundError):
        text = earlier.read_text("utf-8", "replace") + END_OF_JOURNAL + text
    write_if_changed(earlier, text.encode())
