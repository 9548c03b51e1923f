"""Changes behind our back since the last apply. Of an environment without a state, what AWS has of it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.credentials_in_use import credential_notes
from orchestrator.terraform.foreign_settings import all_there
from orchestrator.terraform.judge import refusal
from orchestrator.terraform.plan import ResourceChange
from orchestrator.terraform.planner import plan_apply, write_transitions
from orchestrator.terraform.planner_result import Planned
from orchestrator.terraform.runs import current_state, run_plan
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.surroundings import POLICY, SCANNING, Surroundings, look_around


@dataclass(frozen=True, slots=True)
class Drift:
    """`changes` were made outside. Where there is no state, `applied` is False and `existing` are names of what AWS has.

    `advice` says what to do about what exists without a state, or why nobody could tell.
    """

    changes: tuple[ResourceChange, ...] = ()
    applied: bool = True
    existing: tuple[str, ...] = ()
    advice: OrchestratorError | None = None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: {applied, drift, existing, advice}."""
        return {
            "applied": self.applied,
            "drift": [change.as_dict() for change in self.changes],
            "existing": list(self.existing),
            "advice": self.advice.as_dict() if self.advice else None,
        }


def find_drift(stack: Stack) -> Drift:
    """Look for what differs from the state; nothing is changed, not even the state."""
    state = current_state(stack)
    if not (state.resources or state.outputs):
        return _without_state(stack)
    for note in credential_notes(stack):
        stack.say(f"warning: {note}")
    write_transitions(stack, state)
    plan, _ = run_plan(stack, "-refresh-only", phase="drift")
    changes = plan.drift
    if any(change.type in {POLICY, SCANNING} for change in changes):
        around = look_around(stack, state)
        changes = tuple(change for change in changes if not others_alone(change, around))
    return Drift(changes)


def others_alone(change: ResourceChange, around: Surroundings) -> bool:
    """Is it only what others wrote into a setting that the registry has once, where ours stands as it did?"""
    if change.action != "update":
        return False
    if change.type == POLICY:
        return all_there(around.made.statements, around.statements)
    if change.type == SCANNING and around.scanning is not None:
        rules = all(attribute.path.startswith("rule") for attribute in change.attributes)
        return rules and around.made.pairs <= around.scanning.pairs
    return False


def _without_state(stack: Stack) -> Drift:
    """Nothing was applied, or the state is lost: what the environment describes may be in AWS all the same."""
    planned = plan_apply(stack, adopt=False, weigh=False)
    existing = (*(held.adoption for held in planned.held), *planned.foreign, *planned.continued)
    return Drift(
        applied=False,
        existing=tuple(dict.fromkeys(adoption.name for adoption in existing)),
        advice=_advice(stack, planned),
    )


def _advice(stack: Stack, planned: Planned) -> OrchestratorError | None:
    found = refusal(planned)
    if planned.unseen or planned.held or not planned.foreign:
        return found
    place = stack.environment.state
    versions = f"{stack.workdir.local_state}.backup"
    if not stack.workdir.local and place is not None:
        versions = f"an earlier version of s3://{place.bucket}/{stack.environment.state_key}"
    return OrchestratorError(
        "what its file describes exists and is in no state.",
        environment=stack.name,
        why="Its state was lost, or somebody else made it.",
        remedy=f"Bring the state back ({versions}), or take over what exists: `orchestrator apply {stack.name} --adopt{stack.workdir.flag}`.",
    )
