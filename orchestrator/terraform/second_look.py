"""What others wrote since a plan was made, and what its apply would therefore take from them. Reads only.

A create is a put for much of what AWS has, and a shared setting is taken as a whole. An hour may lie between the plan that
a person looked at and its apply, and others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.counts import counted
from orchestrator.terraform.arrivals import Arrivals, arrivals
from orchestrator.terraform.departures import Restore
from orchestrator.terraform.differences import AttributeChange
from orchestrator.terraform.failures import StalePlanError
from orchestrator.terraform.foreign_settings import Pair, Statement, all_there, pairs_of, statements_of
from orchestrator.terraform.losses import losses
from orchestrator.terraform.plan import Plan, ResourceChange
from orchestrator.terraform.planner_result import LostImages, Planned
from orchestrator.terraform.runs import current_state, plan_again
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.surroundings import POLICY, SCANNING, Surroundings, look_around
from orchestrator.terraform.transitions import creations

SHARED = frozenset({POLICY, SCANNING})
CHANGED = frozenset({"update", "replace", "delete"})
MANY = 4  # attributes that one sentence lists


def lost_since(plan: Plan, now: Surroundings, restores: Iterable[Restore] = ()) -> tuple[str, ...]:
    """Settings that are put, or put back, as the plan read them, and that others changed by `now`."""
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
    """What stands by now where the plan creates, by name: a repository's policy, a role, its pull policy."""
    there = [*arrived.foreign, *(each.adoption for each in (*arrived.held, *arrived.handed))]
    attached = (
        f'the policy {str(each.values["policy_arn"]).rpartition("/")[2]} on the role "{each.values["role"]}"'
        for each in arrived.attached
    )
    return tuple(dict.fromkeys((*(each.name for each in there), *attached)))


def changed_since(then: Plan, now: Plan) -> tuple[str, ...]:
    """What the plan changes or takes away and others changed since, by address and attributes.

    `now` is the same plan, made again. An attribute that others set as the plan would is no loss; nor is what the plan
    does not touch. Shared settings are judged by what others have in them (`lost_since`).
    """
    again = {change.address: change for change in now.changes}
    found = []
    for change in then.changes:
        other = again.get(change.address)
        if change.type in SHARED or change.action not in CHANGED or other is None:
            continue
        if other.action == "create" and not other.importing:
            paths: tuple[str, ...] = ("taken away",)
        else:
            paths = _changed_paths(change, other)
        if paths:
            listed = [*paths[:MANY], *([f"{len(paths) - MANY} more"] if len(paths) > MANY else [])]
            found.append(f"{change.address} ({', '.join(listed)})")
    return tuple(found)


def _changed_paths(then: ResourceChange, now: ResourceChange) -> tuple[str, ...]:
    before = {each.path: each for each in then.attributes}
    return tuple(
        each.path for each in now.attributes if each.path not in before or _value(each) != _value(before[each.path])
    )


def _value(attribute: AttributeChange) -> object:
    """As it stands in AWS; the order of a plain list is not AWS's to keep."""
    value = attribute.before
    return sorted(map(str, value)) if isinstance(value, list) else value


def filled_since(then: Planned, now: Iterable[object]) -> tuple[str, ...]:
    """Repositories that go with more images than the user was told of."""
    told = {loss.name: loss.images for loss in then.losses if isinstance(loss, LostImages)}
    return tuple(
        f'{counted(loss.images - told.get(loss.name, 0), "more image")} in the repository "{loss.name}"'
        for loss in now
        if isinstance(loss, LostImages) and loss.images > told.get(loss.name, 0)
    )


def refuse_lost(stack: Stack, planned: Planned, phase: str, *, waited: bool) -> None:
    """Look again before anything is done. Raises StalePlanError.

    `waited` says that a person thought about the plan, or that it comes from another job. Then what it changes is read
    again too, which takes as long as a plan.
    """
    shared = bool({change.type for change in planned.plan.changes} & SHARED)
    created = creations(planned.plan)
    changed = waited and any(change.action in CHANGED for change in planned.plan.changes)
    if not shared and not created and not changed:
        return
    state = current_state(stack)
    lost = lost_since(planned.plan, look_around(stack, state), planned.departing.restores) if shared else ()
    # The state's newer content makes the plan stale, which Terraform says.
    new = [each for each in created if each.type not in SHARED and each.address not in state.addresses]
    lost += made_since(arrivals(stack, new, frozenset()))
    if changed:
        lost += changed_since(planned.plan, plan_again(stack, *planned.options))
        lost += filled_since(planned, losses(stack, planned.plan))
    if lost:
        raise StalePlanError(
            f"the plan is out of date: others wrote {' and '.join(lost)} since it was made.",
            environment=stack.name,
            why="The plan does not show that, and would replace it. Nothing was changed.",
            remedy=f"Run `orchestrator {phase} {stack.name}{stack.workdir.flag}` again and look at the new plan.",
        )
