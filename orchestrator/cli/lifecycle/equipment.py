"""What a lifecycle command works with: the environment's settings, a session, the registry and the storage."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.aws.caller import check_account
from orchestrator.aws.lifecycle_calls import registry_of
from orchestrator.aws.ports import UpstreamRegistries
from orchestrator.aws.translation import explained
from orchestrator.cli import messages
from orchestrator.cli.lifecycle.collector import Collector
from orchestrator.cli.lifecycle.console_host import ConsoleHost
from orchestrator.cli.lifecycle.printing import describe_settings
from orchestrator.cli.lifecycle.run_storage import open_storage
from orchestrator.cli.project_option import open_project
from orchestrator.cli.project_session import project_session
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.locks import hold
from orchestrator.functions.variables import settings_from_environment
from orchestrator.lifecycle.manager import Manager
from orchestrator.lifecycle.ports import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from orchestrator.aws.ports import EcrRegistry
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.lifecycle.settings import Settings
    from orchestrator.project import Project


@dataclass(frozen=True, slots=True)
class Equipment:
    """Everything that a run from here needs. `where` names the storage for people, `folder` is this environment's."""

    environment: Environment
    settings: Settings
    session: AwsSession
    registry: EcrRegistry
    storage: Storage
    where: str
    notes: list[str]
    folder: Path
    host: ConsoleHost

    def run(self, collector: Collector, seed: str, **options: Any) -> dict[str, Any]:
        """The report of a run in this process. Raises OrchestratorError for what stops the whole run."""
        upstreams = UpstreamRegistries(self.session.upstreams)
        manager = Manager(self.settings, self.registry, self.storage, None, self.host, upstreams, collector)
        with explained(self.session, "ecr"):
            report: dict[str, Any] = manager.start(seed, **options)
        return report


@contextmanager
def equip(
    ctx: click.Context, name: str, snapshots: tuple[Path, ...], *, local: bool, alone: bool = False
) -> Iterator[Equipment]:
    """Open an environment for a run; its caller's exclusion from pull times ends with it.

    `alone` holds its folder, which keeps the state of a run: two at once would take over each other's.
    """
    project = open_project(ctx)
    environment = project.load(name)
    settings = settings_from_environment(environment)
    session = registry_session(project, environment, local=local)
    check_account(session, environment)
    folder = project.own_folder("lifecycle", name, local=local)
    with ExitStack() as stack:
        if alone:
            stack.enter_context(hold(folder, name, messages.tell))
        storage, where, notes = open_storage(session, environment, settings, folder, snapshots)
        if environment.lifecycle_manager is None:
            defaults = f'environment "{name}" sets no lifecycle_manager: the defaults are used'
            notes.append(f"{defaults} ({describe_settings(settings)})")
        registry = registry_of(
            session, node_roles=node_roles(environment), noted=folder / "excluded", inspector=settings.inspector
        )
        host = ConsoleHost(verbose=bool(ctx.obj["verbose"]))
        notes = [*session.notes, *notes]
        try:
            yield Equipment(environment, settings, session, registry, storage, where, notes, folder, host)
        finally:
            try:
                with explained(session, "ecr"):
                    registry.exclusion.end()
            except OrchestratorError as error:
                messages.warn(f"this caller's pulls stay excluded from pull times. {error}")


def registry_session(project: Project, environment: Environment, *, local: bool) -> AwsSession:
    """A session for the environment's registry. Raises RefusedInput where another environment owns it."""
    if not environment.owns_registry:
        raise RefusedInput(
            f'environment "{environment.name}" does not own the registry of account {environment.registry.account} '
            f"in {environment.registry.region}.",
            why="Its images are kept or expired by the environment that owns it.",
            remedy="Run it for that environment (manage_registry = true).",
        )
    return project_session(project, environment, local=local)


def node_roles(environment: Environment) -> list[str]:
    """Names of roles whose pulls must go on counting."""
    pools = environment.machine_pools.values()
    return [*environment.node_role_names, *(pool.instance_profile for pool in pools)]
