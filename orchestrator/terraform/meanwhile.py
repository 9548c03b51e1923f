"""What others wrote since a plan was made, and what its apply would therefore take from them. Reads only.

A create is a put for much of what AWS has, and a shared setting is taken as a whole: between the plan that a person looked at
and its apply may lie an hour, in which others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.terraform.arrivals import Arrivals, arrivals
from orchestrator.terraform.beside import Pair, Statement, all_there, pairs_of, statements_of
from orchestrator.terraform.departures import Restore
from orchestrator.terraform.failures import StalePlanError
from orchestrator.terraform.plan import Plan
from orchestrator.terraform.planned import Planned
from orchestrator.terraform.runs import current_state
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.surroundings import POLICY, SCANNING, Surroundings, look_around
from orchestrator.terraform.transitions import creations


def lost_since(plan: Plan, now: Surroundings, restores: Iterable[Restore] = ()) -> tuple[str, ...]:
    """Settings that are put, or put back, as they stood when the plan was made, and that others changed by `now`."""
    kept_statements: list[Sequence[Statement]] = []
    kept_pairs: list[frozenset[Pair]] = []
    for change in plan.changes:
        put, gone = change.action in {"create", "update", "replace"}, change.action == "delete"
        if change.type == POLICY and (put or gone):
            then = plan.others.get("registry_policy_statements") or "[]"
            kept_statements.append(statements_of(f'{{"Statement": {then}}}') if put else ())
        if change.type == SCANNING and (put or gone):
            kept_pairs.append(pairs_of(plan.others.get("scanning_rules") or ()) if put else frozenset())
    for restore in restores:
        if restore.scanning is None:
            kept_statements.append(restore.statements)
        else:
            kept_pairs.append(restore.scanning.pairs)
    lost = []
    if any(not all_there(now.others.statements, kept) for kept in kept_statements):
        lost.append("statements of the registry policy")
    if any(now.others.pairs - kept for kept in kept_pairs):
        lost.append("scanning rules")
    return tuple(lost)


def made_since(arrived: Arrivals) -> tuple[str, ...]:
    """What stands by now where the plan creates, by its name: the policy of a repository, a role, a pull policy on one."""
    there = [*arrived.foreign, *(each.adoption for each in (*arrived.held, *arrived.handed))]
    attached = (
        f'the policy {str(each.values["policy_arn"]).rpartition("/")[2]} on the role "{each.values["role"]}"'
        for each in arrived.attached
    )
    return tuple(dict.fromkeys((*(each.name for each in there), *attached)))


def refuse_lost(stack: Stack, planned: Planned, phase: str) -> None:
    """Look again before anything is done: a person may have thought for long. Raises StalePlanError."""
    shared = bool({change.type for change in planned.plan.changes} & {POLICY, SCANNING})
    created = creations(planned.plan)
    if not shared and not created:
        return
    state = current_state(stack)
    lost = lost_since(planned.plan, look_around(stack, state), planned.departing.restores) if shared else ()
    # What the state has by now makes the plan stale, which Terraform says.
    new = [each for each in created if each.type not in {POLICY, SCANNING} and each.address not in state.addresses]
    lost += made_since(arrivals(stack, new, frozenset()))
    if lost:
        raise StalePlanError(
            f"the plan is out of date: others wrote {' and '.join(lost)} since it was made.",
            environment=stack.name,
            why="The plan does not show that, and would replace it. Nothing was changed.",
            remedy=f"Run `orchestrator {phase} {stack.name}{' --local' if stack.workdir.local else ''}` again and look at the "
            "new plan.",
        )
