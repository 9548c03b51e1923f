"""What a plan would create and AWS has already, sorted by who made it. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.holders import Holder, holders, holds, same_registry
from orchestrator.terraform.planner_result import HeldElsewhere
from orchestrator.terraform.stack import Stack
from orchestrator.terraform.surroundings import ATTACHMENT
from orchestrator.terraform.transitions import OWNERS_MODULES, Adoption, Created


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What exists of the things that are to be created.

    `continued` was made by an apply that was cut off, `handed` comes from the registry's former owner. `defaults` stands as
    AWS made it. These three are imported. `attached` are policies on roles that stay their owner's. `foreign` is in no state,
    `held` in another environment's. `unseen` are questions that AWS did not answer.
    """

    continued: tuple[Adoption, ...] = ()
    handed: tuple[HeldElsewhere, ...] = ()
    defaults: tuple[Adoption, ...] = ()
    attached: tuple[Created, ...] = ()
    foreign: tuple[Adoption, ...] = ()
    held: tuple[HeldElsewhere, ...] = ()
    unseen: tuple[OrchestratorError, ...] = ()

    def __add__(self, more: Arrivals) -> Arrivals:
        return Arrivals(
            self.continued + more.continued,
            self.handed + more.handed,
            self.defaults + more.defaults,
            self.attached + more.attached,
            self.foreign + more.foreign,
            self.held + more.held,
            self.unseen + more.unseen,
        )

    @property
    def imports(self) -> tuple[Adoption, ...]:
        """What is planned as an import, so that the plan shows it as it is and as it would be."""
        return (*self.continued, *(each.adoption for each in self.handed), *self.defaults, *self.foreign)


def arrivals(stack: Stack, creations: Sequence[Created], begun: Collection[str]) -> Arrivals:
    """Sort what exists of `creations`; `begun` are addresses that an apply created before it was cut off."""
    if not creations:
        return Arrivals()
    from orchestrator.aws.existence import Existing, existing

    continued, defaults, attached, unclaimed, unseen = [], [], [], [], []
    for creation, answer in zip(creations, existing(stack.session(), creations), strict=True):
        if isinstance(answer, OrchestratorError):
            unseen.append(answer)
        if not isinstance(answer, Existing):
            continue
        adoption = Adoption(creation.address, creation.type, answer.id, answer.name)
        if creation.address in begun:
            continued.append(adoption)
        elif creation.type == ATTACHMENT:
            attached.append(creation)
        elif answer.is_default:
            defaults.append(adoption)
        else:
            unclaimed.append(adoption)
    states: tuple[Holder, ...] = ()
    if unclaimed:
        try:
            states = holders(stack)
        except OrchestratorError as error:
            unseen.append(error)
    handed, held, foreign = [], [], []
    for adoption in unclaimed:
        holder = next((each for each in states if holds(each, adoption.type, adoption.id, stack)), None)
        if holder is None:
            foreign.append(adoption)
        elif _hands_over(stack, holder, adoption):
            handed.append(HeldElsewhere(adoption, holder.name))
        else:
            owner = holder.environment is not None and holder.environment.owns_registry
            held.append(HeldElsewhere(adoption, holder.name, gone=holder.gone, owns_registry=owner))
    return Arrivals(
        tuple(continued), tuple(handed), tuple(defaults), tuple(attached), tuple(foreign), tuple(held), tuple(unseen)
    )


def _hands_over(stack: Stack, holder: Holder, adoption: Adoption) -> bool:
    """Does the holder's file say that it no longer owns the registry, and ours that we do?"""
    former = holder.environment
    return (
        former is not None
        and stack.environment.owns_registry
        and not former.owns_registry
        and same_registry(former, stack.environment)
        and adoption.address.startswith(OWNERS_MODULES)
    )
