"""What the planner read, as one value: the plan and all that a judge must know about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.departures import Departures
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
class ExpiredImages:
    """Images (a count) that a repository's new lifecycle policy would expire at once, as AWS previews it."""

    name: str
    images: int


@dataclass(frozen=True, slots=True)
class LostRecords:
    """A bucket of snapshots and audit log that would go with what it holds. `forced` is whether AWS would let it go."""

    name: str
    replaced: bool
    forced: bool


Loss = LostImages | ExpiredImages | LostRecords


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """It exists and is in the state of another environment, `holder`; `gone` is whether that one's file is gone."""

    adoption: Adoption
    holder: str
    gone: bool = False
    owns_registry: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan of one environment, and what stands against it.

    `something` is whether an apply would do anything, be it in the state alone; `options` are those of `terraform plan`.
    `continued` is what an apply that was cut off made and this one takes over. `foreign` is what exists, is in no state,
    and nobody asked to take over; `held` is in another state. `unseen` are questions that AWS did not answer. `departing`
    is what leaves the state and stays in AWS. `spares` marks a destroy that leaves what is protected.
    """

    environment: str
    plan: Plan
    something: bool
    options: tuple[str, ...] = ()
    local: bool = False
    continued: tuple[Adoption, ...] = ()
    foreign: tuple[Adoption, ...] = ()
    held: tuple[HeldElsewhere, ...] = ()
    unseen: tuple[OrchestratorError, ...] = ()
    losses: tuple[Loss, ...] = ()
    departing: Departures = field(default_factory=Departures)
    spares: bool = False

    @property
    def partial(self) -> bool:
        """Were only targets planned?"""
        return any(option.startswith("-target=") for option in self.options)
