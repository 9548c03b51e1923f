"""Things that a plan would take away and that others have too. They are left, or put back without our part. Reads only.

Terraform can only destroy or keep. A resource that must leave the state without leaving AWS is forgotten (`terraform
state rm`) by `execute`. The user saw it as `forget` in the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.counts import counted
from orchestrator.errors import RefusedInput
from orchestrator.terraform.foreign_settings import Scanning, foreign_statements
from orchestrator.terraform.holders import Holder, elsewhere, holders, holds, owns_registry, same_registry, state_of
from orchestrator.terraform.plan import Plan, ResourceChange
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.state import State
from orchestrator.terraform.surroundings import ATTACHMENT, POLICY, SCANNING, Surroundings
from orchestrator.terraform.transitions import OWNERS_MODULES

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

ROLE_POLICY = "aws_iam_role_policy"
NODES = "module.node_access"


@dataclass(frozen=True, slots=True)
class Forget:
    """A resource leaves the state and stays in AWS; `why` is shown beside it."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class Restore:
    """What is put back before the resource is forgotten: the statements or the scanning of others."""

    address: str
    statements: tuple[dict[str, Any], ...] = ()
    scanning: Scanning | None = None


@dataclass(frozen=True, slots=True)
class Departures:
    """What is forgotten, what is put back, and the new owner for whom this environment has to wait ("" for nobody)."""

    forgets: tuple[Forget, ...] = ()
    restores: tuple[Restore, ...] = ()
    waits_for: str = ""

    def shown_in(self, plan: Plan) -> Plan:
        """The plan as it comes out: what stays in AWS is forgotten, not deleted."""
        why = {each.address: each.why for each in self.forgets}
        return replace(
            plan,
            changes=tuple(
                replace(change, action="forget", reason=why[change.address]) if change.address in why else change
                for change in plan.changes
            ),
        )


@dataclass(slots=True)
class _Found:
    forgets: list[Forget] = field(default_factory=list)
    restores: list[Restore] = field(default_factory=list)
    waits_for: str = ""


def departures(
    stack: Stack, plan: Plan, state: State, around: Surroundings, applied: Collection[str] = ()
) -> Departures:
    """What of the plan's deletions must not be one. `applied` are environments that this command applied before."""
    found = _Found()
    gone = [change for change in plan.changes if change.action == "delete"]
    owners = [change for change in gone if change.address.startswith(OWNERS_MODULES)]
    handed = _hand_over(stack, owners, state, found, applied) if owners else frozenset()
    # States lie in S3: they are read once, and only where no file answers.
    others = cache(lambda: holders(stack))
    for change in gone:
        if change.address in handed:
            continue
        if change.type == ATTACHMENT:
            _attachment(stack, change, state, found, others)
        elif change.type == POLICY:
            kept = tuple(dict(each) for each in foreign_statements(around.statements, around.made.statements))
            if kept:
                found.restores.append(Restore(change.address, statements=kept))
                found.forgets.append(Forget(change.address, f"{counted(len(kept), 'statement')} of others stay"))
        elif change.type == SCANNING and around.scanning is not None:
            _scanning(around, change, found)
    return Departures(tuple(found.forgets), tuple(found.restores), found.waits_for)


def _hand_over(
    stack: Stack, gone: list[ResourceChange], state: State, found: _Found, applied: Collection[str]
) -> frozenset[str]:
    """Forget what the registry's new owner has in its state. Say for whom to wait when it has not been applied yet.

    That it once was the owner proves nothing: an apply that was cut off leaves the output of before. Without a thing of
    the registry in its state, it has taken the registry only where this command applied it.
    """
    if stack.environment.owns_registry:
        return frozenset()
    successors = [each for each in _owners(stack) if each.name != stack.name]
    if not successors:
        return frozenset()
    successor = successors[0]
    holder = Holder(successor.name, state_of(stack, successor), successor)
    has_some = any(each.address.startswith(OWNERS_MODULES) for each in holder.state.resources)
    if not owns_registry(holder.state) or not (has_some or successor.name in applied):
        found.waits_for = successor.name
        found.forgets += [Forget(change.address, f'handed over to "{successor.name}"') for change in gone]
        return frozenset(change.address for change in gone)
    ids = {each.address: str(each.attributes.get("id") or "") for each in state.resources}
    over = [change for change in gone if holds(holder, change.type, ids.get(change.address, ""), stack)]
    found.forgets += [Forget(change.address, f'handed over to "{successor.name}"') for change in over]
    return frozenset(change.address for change in over)


def _owners(stack: Stack) -> Iterator[Environment]:
    for environment in stack.neighbours().values():
        if environment.owns_registry and same_registry(environment, stack.environment):
            yield environment


def _attachment(
    stack: Stack, change: ResourceChange, state: State, found: _Found, others: Callable[[], tuple[Holder, ...]]
) -> None:
    """A policy on a role that another environment of the project needs stays where it is.

    Its file tells, or its state. A role may be in instance profiles of several names, and a file be renamed.
    """
    role = next((str(e.attributes.get("role")) for e in state.of_type(ATTACHMENT) if e.address == change.address), "")
    name = next(_asks_for(stack, role), "") or next(_gave_rights(stack, role, others()), "")
    if name:
        found.forgets.append(Forget(change.address, f'environment "{name}" needs it on {role}'))


def _asks_for(stack: Stack, role: str) -> Iterator[str]:
    """Environments whose files name the role, or an instance profile that ours names, too."""
    pools = {pool.instance_profile for pool in stack.environment.machine_pools.values() if pool.attach_ecr_policy}
    for environment in stack.neighbours().values():
        profiles = {pool.instance_profile for pool in environment.machine_pools.values() if pool.attach_ecr_policy}
        if environment.attach_ecr_policy and (role in environment.named_node_roles or pools & profiles):
            yield environment.name


def _gave_rights(stack: Stack, role: str, others: Iterable[Holder]) -> Iterator[str]:
    """Environments whose states have a policy on the role: its nodes pull by it."""
    for holder in others:
        if role in _node_roles(holder.state) and not elsewhere(holder, stack, whatever_region=True):
            yield holder.name


def _node_roles(state: State) -> frozenset[str]:
    return frozenset(str(each.attributes.get("role")) for each in state.of_type(ROLE_POLICY) if NODES in each.module)


def _scanning(around: Surroundings, change: ResourceChange, found: _Found) -> None:
    assert around.scanning is not None
    before = around.made.scan_type_before
    kept = around.scanning.pairs - around.made.pairs
    scan_type = before or (around.scanning.scan_type if kept else "BASIC")
    if not kept and scan_type == "BASIC":
        return
    if scan_type == "BASIC" and any(frequency == "CONTINUOUS_SCAN" for frequency, _ in kept):
        scan_type = around.scanning.scan_type
    found.restores.append(Restore(change.address, scanning=Scanning(scan_type, kept)))
    found.forgets.append(Forget(change.address, f"{scan_type} and {counted(len(kept), 'rule')} of others stay"))


def refuse_waiting(stack: Stack, departing: Departures) -> None:
    """Raise RefusedInput when what would be destroyed is to go over to an environment that has not taken it yet."""
    if departing.waits_for:
        raise RefusedInput(
            f'the registry goes over to "{departing.waits_for}", which has not taken it yet.',
            environment=stack.name,
            why="Destroyed here first, there would be a time in which no rule exists.",
            remedy=f"`orchestrator apply {departing.waits_for} {stack.name}{stack.workdir.flag}` does it in the right order.",
        )
