"""What a worker copies with: the registries with their logins, and one copy after the other."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.aws.caller import check_account
from orchestrator.aws.mirror_queue import MirrorQueue
from orchestrator.aws.mirror_target import MirrorTarget
from orchestrator.cli.project_session import project_session
from orchestrator.mirroring.copy_jobs import CopyJob, JobOutcome
from orchestrator.mirroring.repository import RepositorySettings, settings_of_repository
from orchestrator.oci.auth import Logins
from orchestrator.oci.copies import Copy, CopyOptions
from orchestrator.oci.copy import execute, prepare
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Endpoint, Place
from orchestrator.oci.registries import Registries
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import parse_reference

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project


class WorkerRun:
    """Opened for one environment; use it as a context. Several threads may copy by it."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        *,
        via: dict[str, str],
        local: bool,
        logins: Sequence[Logins],
    ) -> None:
        self._environment = environment
        self._table = build_route_table(environment)
        self._session = project_session(project, environment, local=local)
        check_account(self._session, environment)
        self._target = MirrorTarget(self._session, environment.registry, self._settings)
        ways = [Endpoint(name, url=url) for name, url in via.items()]
        self._registries = Registries([self._target.endpoint(), *ways], logins=logins, find=self._target.find)

    def __enter__(self) -> WorkerRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._registries.close()

    def _settings(self, repository: str) -> RepositorySettings:
        return settings_of_repository(self._environment, self._table, repository)

    def queue(self, lease: float) -> MirrorQueue:
        """The environment's queue. Raises RefusedInput where there is none."""
        return MirrorQueue(self._session, self._environment.mirror_queue_name, lease=lease)

    def copy(self, job: CopyJob) -> JobOutcome:
        """Copy one image with its signatures. Raises OrchestratorError."""
        target = parse_reference(job.target)
        copy = Copy(parse_reference(job.source), target, job.platforms)
        holders = {
            (target.registry, digest): [Place(target.registry, name) for name in repositories]
            for digest, repositories in job.mounts.items()
        }
        options, journal = CopyOptions(referrers=job.referrers), Journal()
        # Other workers have changed what the repositories hold.
        self._target.forget()
        try:
            prepared = prepare([copy], self._registries, options=options, journal=journal, holders=holders)
            report = execute(prepared, self._registries, options=options, journal=journal)
        finally:
            journal.close()
        (result,) = report.results
        if result.error is not None:
            raise result.error
        return JobOutcome(
            result.digest,
            report.sent,
            report.mounted,
            result.signatures,
            tuple(f"{loss.target}@{loss.digest} ({loss.kind} of {loss.subject}): {loss.why}" for loss in result.lost),
        )
