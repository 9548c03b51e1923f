"""Runs exactly the plan that was judged. It keeps what the next command needs when it is cut off."""

from __future__ import annotations

import contextlib
import shutil

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.cut_off_applies import begin_journal, end_journal
from orchestrator.terraform.departures import Departures
from orchestrator.terraform.failures import StalePlanError
from orchestrator.terraform.plan import ResourceChange
from orchestrator.terraform.planner_result import Planned
from orchestrator.terraform.runs import failed, run_plan, stream
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.workdir import write_if_changed

NEEDED_BYTES = 8 * 1024 * 1024  # several times the state and the log of a large environment
CREATES = frozenset({"create", "replace"})


def execute(stack: Stack, planned: Planned, phase: str) -> None:
    """Put back what is others', forget what stays with them, and apply the plan."""
    departing = planned.departing
    something = True
    if departing.forgets:
        _put_back(stack, departing)
        something = _forget(stack, planned, phase)
    if something:
        _apply(stack, planned, phase)
    elif planned.partial:
        return  # no apply was begun, and the one before may still be unfinished elsewhere
    settle(stack, partly=planned.partial)


def _put_back(stack: Stack, departing: Departures) -> None:
    """Write the shared settings without our part. They never lack what is others'."""
    for each in departing.restores:
        from orchestrator.aws.shared_settings import put_scanning, put_statements

        if each.scanning is not None:
            put_scanning(stack.session(), each.scanning.scan_type, each.scanning.rules)
        else:
            put_statements(stack.session(), each.statements)


def _forget(stack: Stack, planned: Planned, phase: str) -> bool:
    """Take what stays in AWS out of the state, and plan the rest again. It must be what the user saw.

    Is anything left to apply? Outputs that say who owns the registry are, too: others decide by them.
    """
    addresses = [each.address for each in planned.departing.forgets]
    # Terraform looks for the folder of a local state where it is by default.
    backup = (f"-backup={stack.workdir.local_state}.backup",) if stack.workdir.local else ()
    outcome = stack.runner.run("state", "rm", *backup, *addresses)
    if outcome.code != 0:
        raise failed(stack, "terraform state rm", outcome)
    left = _left(planned)
    if planned.partial and not left:
        return False
    again, something = run_plan(stack, *planned.options)
    if {(each.address, each.action) for each in again.changes} != {(each.address, each.action) for each in left}:
        raise StalePlanError(
            "the plan is out of date: something has changed since it was shown.",
            environment=stack.name,
            why=f"The resources that stay in AWS have left the state ({', '.join(addresses)}); nothing else was changed.",
            remedy=f"Run `orchestrator {phase} {stack.name}` again and look at the new plan.",
        )
    return something


def _left(planned: Planned) -> tuple[ResourceChange, ...]:
    """The changes that are Terraform's to make."""
    forgotten = {each.address for each in planned.departing.forgets}
    return tuple(change for change in planned.plan.changes if change.address not in forgotten)


def _apply(stack: Stack, planned: Planned, phase: str) -> None:
    """Apply the plan file. The journal stays when it does not end well: the next apply reads what was in flight."""
    journal = stack.workdir.journal
    _require_room(stack)
    begin_journal(stack.workdir, (each.address for each in planned.plan.changes if each.action in CREATES))
    if stack.workdir.local:
        # Terraform writes a local state in place: a full disk would cut it off.
        state = stack.workdir.local_state
        write_if_changed(stack.workdir.state_before, state.read_bytes() if state.exists() else b"")
    outcome, heard = stream(
        stack, phase, "apply", "-input=false", "-json", str(stack.workdir.plan_file), journal=journal
    )
    if outcome.code != 0:
        with contextlib.suppress(OSError):
            said = journal.read_text("utf-8", "replace")
            masked = stack.runner.masker(said)
            if masked != said:  # a full disk may not take it again
                journal.write_text(masked, "utf-8")
        raise failed(stack, f"terraform {phase}", outcome, heard, applying=True)
    for warning in heard.warnings:
        stack.say(f"warning: {warning}")


def settle(stack: Stack, *, partly: bool = False) -> None:
    """All is as planned: what only an unfinished apply needs can go.

    `partly` says that only targets were planned: what an earlier apply had in flight beside them stays known.
    """
    end_journal(stack.workdir, keep_earlier=partly)
    stack.workdir.state_before.unlink(missing_ok=True)
    stack.workdir.plan_file.unlink(missing_ok=True)


def _require_room(stack: Stack) -> None:
    """Refuse to begin on a disk that may not take the state at the end. Created things would be unknown."""
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
