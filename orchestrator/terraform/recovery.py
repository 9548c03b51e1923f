"""The state after an apply that could not save it: a bucket out of reach, a full disk. Runs before anything is planned.

What then is still missing in the state, `planner` looks for in the journal of that apply.
"""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.terraform.failures import RunInterruptedError, StateLockedError
from orchestrator.terraform.runs import failed
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.workdir import write_if_changed

LOOKED_FOR = "Resources that the state lacks are looked for in that apply's journal."


def save_unsaved_state(stack: Stack) -> None:
    """Push the state that an earlier apply could not save (S3 out of reach, a full disk); Terraform checks its order.

    Without it what that apply created would be unknown. Raises OrchestratorError when it is not taken.
    """
    left = stack.workdir.unsaved_state
    if not left.is_file():
        return
    if not _is_json(left):
        aside = stack.workdir.folder / f"{left.name}.broken"
        left.replace(aside)
        stack.say(f"warning: an earlier apply could not save its state whole; the rest of it is {aside}. {LOOKED_FOR}")
        return
    stack.say("An earlier apply could not save its state; saving it now.")
    outcome = stack.runner.run("state", "push", str(left))
    if outcome.code != 0:
        found = failed(stack, "terraform state push", outcome)
        if not isinstance(found, StateLockedError | RunInterruptedError):
            found.what = f"{left} holds a state that was never saved, and cannot be now."
            found.remedy = (
                "Correct the cause and run the command again. Only when the environment was applied from elsewhere "
                f"since: look at what differs, then delete the file. Its log is {stack.workdir.log}."
            )
        raise found
    left.unlink()


def restore_local_state(stack: Stack) -> None:
    """Go back to the state before an apply that a full disk stopped in the middle of writing it."""
    state, before = stack.workdir.local_state, stack.workdir.state_before
    if not stack.workdir.local or not before.is_file() or not state.is_file() or _is_json(state):
        return
    aside = state.with_suffix(".broken")
    state.replace(aside)
    if before.stat().st_size:
        write_if_changed(state, before.read_bytes())
    stack.say(f"warning: the last apply could not write its state whole; the rest of it is {aside}. {LOOKED_FOR}")


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True
