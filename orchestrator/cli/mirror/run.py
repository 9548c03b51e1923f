"""One run of `mirror`: the registries with their logins, the journal, the tags of sources, plan and execution."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.aws.caller import check_account
from orchestrator.aws.mirror_queue import MirrorQueue
from orchestrator.aws.mirror_target import MirrorTarget
from orchestrator.cli.lifecycle.prices import STANDARD
from orchestrator.cli.mirror.catalogs import images_wanted
from orchestrator.cli.mirror.copy_progress import CopyProgress
from orchestrator.cli.mirror.gather import own_wishes
from orchestrator.cli.mirror.show import Shown
from orchestrator.cli.mirror.source_tags import references_of
from orchestrator.cli.mirror.write_routes import missing_routes
from orchestrator.cli.project_session import project_session
from orchestrator.files.own_folders import make_own
from orchestrator.mirroring.copy_jobs import CopyJob
from orchestrator.mirroring.gaps import Gap
from orchestrator.mirroring.mirror_entries import entry_lines
from orchestrator.mirroring.operator_selection import Wanted
from orchestrator.mirroring.placing import Placed, place_all
from orchestrator.mirroring.repository import RepositorySettings, settings_of_repository
from orchestrator.mirroring.wishes import Wish
from orchestrator.oci.archive import Archive, in_archive
from orchestrator.oci.auth import Logins
from orchestrator.oci.copies import Copy, CopyOptions, CopyReport
from orchestrator.oci.copy import execute, prepare
from orchestrator.oci.copy_plan import CopyPlan
from orchestrator.oci.copy_shares import cut_into_jobs
from orchestrator.oci.cosign_check import SignatureDemand
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Endpoint, Place
from orchestrator.oci.registries import Registries
from orchestrator.routes.build import build_route_table

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project
    from orchestrator.routes.reference import ImageReference


class MirrorRun:
    """Opened for one environment; close it, or use it as a context."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        *,
        via: dict[str, str],
        local: bool,
        referrers: bool,
        archive: Archive | None = None,
        demand: SignatureDemand,
        logins: Sequence[Logins],
        filter_catalogs: bool = False,
    ) -> None:
        self._archive = archive
        self._filter_catalogs = filter_catalogs
        self._environment = environment
        self._table = build_route_table(environment)
        self._session = project_session(project, environment, local=local)
        check_account(self._session, environment)
        self._target = MirrorTarget(self._session, environment.registry, self._settings)
        self._progress = CopyProgress()
        ways = [Endpoint(name, url=url) for name, url in via.items()]
        self.registries = Registries(
            [self._target.endpoint(), *ways],
            logins=logins,
            find=self._target.find,
            on_event=self._progress.heard,
        )
        self._trusted = demand.trusted(self.registries)
        accept = self._trusted.accept if self._trusted is not None else None
        self._options = CopyOptions(referrers=referrers, accept=accept)
        if archive is not None:
            self.registries.add_source(archive)
        folder = project.own_folder("mirror", local=local)
        make_own(folder)
        self._journal = Journal(folder / f"{environment.name}.sqlite")

    def __enter__(self) -> MirrorRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.close()
        self.registries.close()
        self._journal.close()

    def _settings(self, repository: str) -> RepositorySettings:
        return settings_of_repository(self._environment, self._table, repository)

    def resolve(self, wishes: Sequence[Wanted], gap: Gap) -> list[Wish]:
        """The images that the wishes stand for: catalogs are read, charts rendered. `gap` is told what was not read."""
        return images_wanted(wishes, self.registries, filter_catalogs=self._filter_catalogs, gap=gap)

    def route_by(self, environment: Environment) -> None:
        """Go on with other routes of the same environment: its file has new ones."""
        self._environment, self._table = environment, build_route_table(environment)

    def prepare(self, wishes: Sequence[Wish]) -> Shown:
        """Place the wishes, read the sources, and plan."""
        left, placed = place_all(self._table, wishes)
        copies = self._copies(placed)
        prepared = prepare(copies, self.registries, options=self._options, journal=self._journal)
        targets = {step.wanted.target.repository for step in prepared.plan.puts}
        return Shown(
            self._environment.name,
            prepared,
            left,
            tuple(sorted(targets & self._target.absent)),
            STANDARD.get(self._session.partition),
            self._trusted.unsigned_names if self._trusted is not None else (),
            tuple(entry_lines(missing_routes(self._environment, left))),
        )

    def _copies(self, placed: Sequence[Placed]) -> list[Copy]:
        found: dict[Copy, None] = {}
        for item, source, target in references_of(self.registries, placed):
            # In an archive an image has the name that was written there, not its canonical one.
            read = in_archive(item.wish.image) if self._archive is not None else source
            found.setdefault(Copy(read, target, item.wish.platforms))
        return list(found)

    def pairs_of(self, environment: Environment) -> list[tuple[ImageReference, ImageReference]]:
        """(source, target) of what the environment's own mirror_images stand for. Raises RefusedInput."""
        _, placed = place_all(build_route_table(environment), own_wishes(environment))
        return [(source, target) for _, source, target in references_of(self.registries, placed, tell=False)]

    def execute(self, shown: Shown, *, quiet: bool) -> CopyReport:
        """Copy what was planned."""
        plan = shown.prepared.plan
        self._progress.begin(plan.bytes_to_send, len(plan.puts), quiet=quiet, images=_images_of(plan))
        try:
            return execute(shown.prepared, self.registries, options=self._options, journal=self._journal)
        finally:
            self._progress.close()

    def queue(self) -> MirrorQueue:
        """The environment's queue. Raises RefusedInput where there is none."""
        return MirrorQueue(self._session, self._environment.mirror_queue_name)

    def jobs(self, shown: Shown) -> list[CopyJob]:
        """What was planned, as jobs for workers."""
        found = shown.prepared
        return cut_into_jobs(found.found, found.plan, referrers=self._options.referrers)


def _images_of(plan: CopyPlan) -> dict[Place, tuple[str, int]]:
    """{target: (its repository and tags, bytes that are sent to it)}."""
    tags: dict[Place, set[str]] = {}
    for put in plan.puts:
        if not put.wanted.is_signature:
            tags.setdefault(put.wanted.target, set()).update(put.wanted.tags)
    sent: dict[Place, int] = {}
    for step in plan.blobs:
        if step.leads:
            sent[step.target] = sent.get(step.target, 0) + step.blob.size
    return {
        place: (f"{place.repository}:{','.join(sorted(tags[place]))}" if tags.get(place) else place.repository, count)
        for place, count in sent.items()
    }
