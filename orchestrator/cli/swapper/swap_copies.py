"""The webhook's AWS: looks and copies, with a session that is opened when the first image needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.oci.copies import Copy, CopyOptions, CopyState
from orchestrator.oci.copy import copy_images
from orchestrator.oci.journal import Journal
from orchestrator.oci.logins import docker_logins
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.registries import Registries
from orchestrator.routes.reference import parse_reference

if TYPE_CHECKING:
    from orchestrator.aws.mirror_target import MirrorTarget
    from orchestrator.aws.session import AwsSession
    from orchestrator.mirroring.repository import RepositorySettings
    from orchestrator.routes.upstreams import PrivateRegistry
    from orchestrator.swapper.metrics import SwapMetrics

_THREADS = 8


@dataclass(frozen=True, slots=True)
class CopyHome:
    """Where copies go: the registry, a session for it (opened at the first use), how its repositories are made.

    `folder` holds the queue and the journal; `writes` is false for a registry that belongs to others.
    """

    registry: PrivateRegistry
    session: Callable[[], AwsSession]
    settings: Callable[[str], RepositorySettings]
    folder: Path
    writes: bool = True


class SwapCopies:
    """Looks and copies. Used from several threads; nothing is opened before it is needed."""

    def __init__(self, home: CopyHome, metrics: SwapMetrics, via: Mapping[str, str]) -> None:
        self._home = home
        self._metrics = metrics
        self._via = via
        self._lock = threading.Lock()
        self._session: AwsSession | None = None
        self._opened: tuple[MirrorTarget, Registries, Journal] | None = None

    def _aws(self) -> AwsSession:
        with self._lock:
            if self._session is None:
                self._session = self._home.session()
            return self._session

    def is_there(self, target: str) -> bool:
        """Is the target in the registry? Raises OrchestratorError when nobody can tell."""
        from orchestrator.aws.image_lookup import is_pullable

        return is_pullable(self._aws(), self._home.registry, parse_reference(target))

    def copy(self, source: str, target: str) -> None:
        """Copy one image with its signatures. Raises OrchestratorError."""
        copier, registries, journal = self._open()
        copier.forget()
        wanted = Copy(parse_reference(source), parse_reference(target))
        report = copy_images([wanted], registries, options=CopyOptions(threads=_THREADS), journal=journal)
        self._metrics.copied_bytes.inc(report.sent)
        (result,) = report.results
        if result.state is CopyState.FAILED and result.error is not None:
            raise result.error

    def _open(self) -> tuple[MirrorTarget, Registries, Journal]:
        from orchestrator.aws.mirror_target import MirrorTarget

        session = self._aws()
        with self._lock:
            if self._opened is None:
                target = MirrorTarget(session, self._home.registry, self._home.settings)
                ways = [Endpoint(name, url=url) for name, url in self._via.items()]
                registries = Registries([target.endpoint(), *ways], logins=docker_logins(), find=target.find)
                self._opened = target, registries, Journal(self._home.folder / "copies.sqlite")
            return self._opened
