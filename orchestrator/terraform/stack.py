"""One environment under Terraform: its working directory, its process environment, and how to talk of it.

`opening` makes one for the time of a command. It holds and decides nothing: `runs` runs Terraform in it, `planner` reads,
`judge` judges what was read, `execute` carries it out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.project import Project
from orchestrator.terraform.binary import Terraform
from orchestrator.terraform.interrupts import Interrupts
from orchestrator.terraform.providers import ProviderSource
from orchestrator.terraform.runner import Runner
from orchestrator.terraform.shared_provider import ProviderPool
from orchestrator.terraform.stream import Event
from orchestrator.terraform.workdir import Workdir

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws

Say = Callable[[str], None]
Follow = Callable[[str], Callable[[Event], None]]  # told the phase of a run, it gives who takes the run's events


def no_progress(_phase: str) -> Callable[[Event], None]:
    """Nobody follows."""
    return lambda _event: None


@dataclass(frozen=True, slots=True)
class Toolset:
    """What every environment of one command shares. `pool` is None when no provider is to be shared."""

    project: Project
    terraform: Terraform
    source: ProviderSource
    interrupts: Interrupts
    pool: ProviderPool | None = None
    local: LocalAws | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(slots=True)
class Stack:
    """An environment that is ready for Terraform. `session` opens AWS lazily: a plan with nothing to ask does not pay for it."""

    context: Toolset
    environment: Environment
    workdir: Workdir
    runner: Runner
    say: Say
    follow: Follow = no_progress
    _session: AwsSession | None = None

    @property
    def name(self) -> str:
        return self.environment.name

    def session(self) -> AwsSession:
        """Clients for the environment's account, the same ones each time."""
        if self._session is None:
            from orchestrator.aws.session import open_session

            self._session = open_session(self.environment, local=self.context.local)
        return self._session
