"""What the planner read, as one value: the plan and all that a judge must know about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.terraform.plan import Plan
from orchestrator.terraform.transitions import Adoption


@dataclass(frozen=True, slots=True)
class LostImages:
    """A repository that would go with its `images` (a count). `forced` is whether AWS would let it go."""

    name: str
    images: int
    replaced: bool
    forced: bool


@dataclass(frozen=True, slots=True)
class LostRecords:
    """A bucket of snapshots and audit log that would go with what it holds. `forced` is whether AWS would let it go."""

    name: str
    replaced: bool
    forced: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan of one environment, and what stands against it.

    `something` is whether an apply would do anything, be it in the state alone. `continued` is what an apply that was cut
    off made and this one takes over; `adopted` what the user asked to take over; `foreign` what exists and nobody asked to
    take over. `spares` marks a destroy that leaves what is protected. `refusal` is why it must not be applied at all.
    """

    environment: str
    plan: Plan
    something: bool
    continued: tuple[Adoption, ...] = ()
    adopted: tuple[Adoption, ...] = ()
    foreign: tuple[Adoption, ...] = ()
    losses: tuple[LostImages | LostRecords, ...] = ()
    spares: bool = False
