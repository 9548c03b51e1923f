"""One environment under Terraform: its working directory, its process environment, and how to talk of it.

`opening` makes one for the time of a command. It holds and decides nothing. `runs` runs Terraform in it, `planner` reads,
`judge` judges what was read, `execute` carries it out.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
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


class Turns:
    """Lets one environment of a command wait for another one, which has to be begun before it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._ended = {name: threading.Event() for name in names}
        self._well: set[str] = set()

    def ended(self, name: str, *, well: bool) -> None:
        """It is done, well or not."""
        if well:
            self._well.add(name)
        if name in self._ended:
            self._ended[name].set()

    def wait(self, name: str) -> bool:
        """Wait for the end of `name`: did it end well? False at once when the command does not do it."""
        if name not in self._ended:
            return False
        self._ended[name].wait()
        return name in self._well


@dataclass(frozen=True, slots=True)
class Toolset:
    """What every environment of one command shares. `pool` is None when no provider is to be shared."""

    project: Project
    terraform: Terraform
    source: ProviderSource
    interrupts: Interrupts
    pool: ProviderPool | None = None
    local: LocalAws | None = None
    turns: Turns = field(default_factory=Turns)
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
    held: str | None = None
    """Text of the state as it was read last, None before that."""
    _session: AwsSession | None = None
    _neighbours: dict[str, Environment] | None = None

    @property
    def name(self) -> str:
        return self.environment.name

    def session(self) -> AwsSession:
        """Clients for the environment's account, the same ones each time."""
        if self._session is None:
            from orchestrator.aws.session import open_session

            self._session = open_session(self.environment, local=self.context.local)
        return self._session

    def neighbours(self) -> dict[str, Environment]:
        """The project's other environments in the same account, by name; their files are read once."""
        if self._neighbours is None:
            self._neighbours = self.context.project.neighbours(self.environment)
        return self._neighbours
