"""The webhook's AWS: looks and copies, with a session that is opened when the first image needs it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.routes.reference import parse_reference
from orchestrator.swapper.pod_secrets import PodSecrets

if TYPE_CHECKING:
    from orchestrator.aws.mirror_target import MirrorTarget
    from orchestrator.aws.session import AwsSession
    from orchestrator.mirroring.repository import RepositorySettings
    from orchestrator.oci import Endpoint, Journal, Logins, Registries
    from orchestrator.routes.reference import ImageReference
    from orchestrator.routes.upstreams import PrivateRegistry
    from orchestrator.swapper.metrics import SwapMetrics
    from orchestrator.swapper.pod_logins import ReadsObjects

_log = logging.getLogger("orchestrator.swapper")
_THREADS = 8


@dataclass(frozen=True, slots=True)
class SharedPlaces:
    """What replicas share: the queue of copies (its dead letters beside it), the table, the queue of deletions ("" for none)."""

    queue_url: str
    table: str
    deletions_url: str = ""


@dataclass(frozen=True, slots=True)
class CopyHome:
    """Where copies go: the registry, a session for it (opened at the first use), how its repositories are made.

    `folder` holds the queue and the journal; `writes` is false for a registry that belongs to others. `cached` says of a
    repository whether a rule fills it: a first pull stands for a copy there. `shared` is None where each process copies for itself.
    `sources` are sessions of roles that read a source in ECR, by its host. `maker` is what the tag says of a repository that
    is made, `makes` whether one of that name is; `scans` whether AWS takes a scanning setting of it.
    """

    registry: PrivateRegistry
    session: Callable[[], AwsSession]
    settings: Callable[[str], RepositorySettings]
    folder: Path
    writes: bool = True
    cached: Callable[[str], bool] = lambda _: False
    shared: SharedPlaces | None = None
    sources: Mapping[str, Callable[[], AwsSession]] = field(default_factory=dict)
    maker: str = "image-swapper"
    makes: Callable[[str], bool] = lambda _: True
    scans: bool = True


class SwapCopies:
    """Looks and copies. Used from several threads; nothing is opened, or loaded, before it is needed.

    `cluster` gives the pull secrets of Pods, None where none are read. With `keeps` the repositories that the webhook made
    get the settings of now, as soon as a session is opened.
    """

    def __init__(
        self,
        home: CopyHome,
        metrics: SwapMetrics,
        via: Mapping[str, str],
        cluster: ReadsObjects | None = None,
        *,
        keeps: bool = False,
    ) -> None:
        self._keeps = keeps
        self._cluster = cluster
        self._home = home
        self._metrics = metrics
        self._via = via
        self._lock = threading.Lock()
        self._session: AwsSession | None = None
        self._opened: tuple[MirrorTarget, Registries, Journal] | None = None

    def aws(self) -> AwsSession:
        """The session, opened by whoever needs it first. Raises OrchestratorError."""
        with self._lock:
            if self._session is None:
                self._session = self._home.session()
                if self._keeps:
                    threading.Thread(target=self._keep, args=(self._session,), daemon=True).start()
            return self._session

    def _keep(self, session: AwsSession) -> None:
        """Bring repositories that the webhook made to the settings of now, once in this process."""
        from orchestrator.aws.made_repositories import set_made

        try:
            home = self._home
            for repository, changed in set_made(session, home.maker, self._settings_of_made, scans=home.scans):
                _log.info("a repository was set", extra={"repository": repository, "settings": ", ".join(changed)})
        except OrchestratorError as error:
            # Copies go on; the next start tries again.
            why = " ".join(part for part in (error.headline, error.why, error.remedy) if part)
            _log.warning("repositories were not all set", extra={"why": why})

    def _settings_of_made(self, repository: str) -> RepositorySettings | None:
        return self._home.settings(repository) if self._home.makes(repository) else None

    def is_there(self, target: str) -> bool:
        """Is the target in the registry? Raises OrchestratorError when nobody can tell."""
        from orchestrator.aws.image_lookup import is_cached, is_pullable

        image = parse_reference(target)
        # A look at what a rule pulls through would pull it, and the Pod would wait.
        look = is_cached if self._home.cached(image.path) else is_pullable
        return look(self.aws(), self._home.registry, image)

    def copy(self, source: str, target: str, secrets: PodSecrets | None = None) -> None:
        """Copy one image with its signatures, with what opens it to its Pod. Raises OrchestratorError."""
        from orchestrator.oci import Copy, CopyOptions, CopyState, copy_images
        from orchestrator.oci.errors import JournalNotUsable
        from orchestrator.swapper.pod_logins import read_logins

        copier, registries, journal = self._open()
        logins = read_logins(self._cluster, secrets) if self._cluster is not None and secrets is not None else ()
        copier.forget()
        wanted = Copy(parse_reference(source), parse_reference(target))
        if self._home.cached(wanted.target.path):
            self._pull(wanted.target, registries)
            return
        # Clients remember who they are: those of one Pod's logins serve no other's copy.
        with self._registries(copier, logins) if logins else nullcontext(registries) as asked:
            try:
                report = copy_images([wanted], asked, options=CopyOptions(threads=_THREADS), journal=journal)
                refused = report.results[0].error
            except JournalNotUsable as error:
                refused = error
            if isinstance(refused, JournalNotUsable):
                # A full disk: the journal only saves requests.
                _log.warning("the journal of copies cannot be written", extra={"why": refused.headline})
                report = copy_images([wanted], asked, options=CopyOptions(threads=_THREADS))
        self._metrics.copied_bytes.inc(report.sent)
        (result,) = report.results
        if result.state is CopyState.FAILED and result.error is not None:
            raise result.error

    def _pull(self, target: ImageReference, registries: Registries) -> None:
        """A first pull through its rule, by the tag; its digest is compared."""
        if target.tag is None and target.digest is not None:
            raise OrchestratorError(
                f"{target} cannot be pulled for the first time by its digest.",
                why="ECR fetches an image by its tag only.",
                remedy="Write the tag beside the digest, as in name:tag@sha256:…",
            )
        manifest = registries.of(self._home.registry.host).manifest(target.path, target.tag or "latest")
        if target.digest is not None and manifest.digest != target.digest:
            raise OrchestratorError(
                f"The tag of {target} names {manifest.digest} now.",
                why="ECR fetches an image by its tag only, and so never this digest.",
                remedy="Write the digest's own tag beside it.",
            )

    def _open(self) -> tuple[MirrorTarget, Registries, Journal]:
        from orchestrator.aws.made_repositories import marked
        from orchestrator.aws.mirror_target import MirrorTarget

        session = self.aws()
        with self._lock:
            if self._opened is None:
                target = MirrorTarget(
                    session, self._home.registry, lambda name: marked(self._home.settings(name), self._home.maker)
                )
                self._opened = target, self._registries(target), _journal(self._home.folder / "copies.sqlite")
            return self._opened

    def _registries(self, target: MirrorTarget, logins: Sequence[Logins] = ()) -> Registries:
        from orchestrator.oci import Endpoint, Registries, docker_logins

        ways = [Endpoint(name, url=url) for name, url in self._via.items()]
        find = partial(self._find, target)
        return Registries([target.endpoint(), *ways], logins=[*logins, *docker_logins()], find=find)

    def _find(self, target: MirrorTarget, host: str) -> Endpoint | None:
        """A source in ECR: as the role that the file names for it, else as the webhook itself."""
        from orchestrator.aws.mirror_target import ecr_endpoint

        opened = self._home.sources.get(host)
        return target.find(host) if opened is None else ecr_endpoint(opened(), host)


def _journal(path: Path) -> Journal:
    """The journal of copies; one in memory where the file cannot be used: it only saves requests."""
    from orchestrator.oci import Journal
    from orchestrator.oci.errors import NotUsable

    try:
        return Journal(path)
    except NotUsable as error:
        _log.warning("the journal of copies is kept in memory", extra={"why": f"{error.headline} {error.remedy}"})
        return Journal()
