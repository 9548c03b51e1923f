"""The route table that a configuration file alone gives: every registry below the target's prefix. Pure.

k8s-image-swapper names a copy `<registry><prefix>/<source host>/<path>`: `quay.io/team/app:1` is
`<registry>/cache/quay.io/team/app:1`, `nginx` is `<registry>/cache/docker.io/library/nginx`. Its names are kept to the
letter, so that what it copied is found again. Of Docker Hub's hosts only `index.docker.io` is another name, and
`k8s.gcr.io` stays what it is. Tag and digest are both carried over, as written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.environment.pods import SHIPPED_SELECTORS
from orchestrator.errors import RefusedInput
from orchestrator.routes.reference import ImageReference, is_path
from orchestrator.routes.source import Source
from orchestrator.routes.table import CachePlace, Route, RouteTable
from orchestrator.swapper.swap_settings import SwapSettings
from orchestrator.workloads.stays import LeftAlone, left_alone


@dataclass(frozen=True, slots=True)
class OpenTable(RouteTable):
    """A table with a mirror for every registry: `above` is what stands before the source's host, "" or `cache/`."""

    above: str = ""

    def canonical(self, reference: ImageReference) -> tuple[str, str]:
        """(registry, repository) under the names that k8s-image-swapper uses."""
        return reference.registry, reference.repository

    def decide(self, source: Source) -> CachePlace | Literal["excluded", "no route"]:
        """A mirror of the source's registry; no route where the host is no part of a repository's name (a port)."""
        if not is_path(source.registry):
            return "no route"
        return CachePlace(self._mirror(source.registry), source.path)

    def upstream_of(self, ecr_repository: str) -> str:
        """The way back: `cache/quay.io/team/app` -> `quay.io/team/app`; empty for another repository."""
        inner = ecr_repository.removeprefix(self.above)
        host, _, path = inner.partition("/")
        inside = ecr_repository.startswith(self.above) and path and ("." in host or host == "localhost")
        return inner if inside else ""

    def route_of(self, ecr_repository: str) -> Route | None:
        """The mirror that a repository of the registry came by; None for another one."""
        source = self.upstream_of(ecr_repository)
        return self._mirror(source.partition("/")[0]) if source else None

    def _mirror(self, registry: str) -> Route:
        return Route(f"{self.above}{registry}", Source(registry), "mirror")


def open_table(settings: SwapSettings, file: str) -> OpenTable:
    """The table of a file that stands alone. Raises RefusedInput where it says no target."""
    target = settings.target
    for key, value in (("accountId", target and target.account), ("region", target and target.region)):
        if not value:
            raise RefusedInput(
                f"{file}: target.aws.{key} is missing.",
                why="Without an environment's NAME the file alone says where images go.",
                remedy=f"Write target.aws.{key}, or name an environment: `orchestrator swapper serve NAME`.",
            )
    assert target is not None
    own = target.registry
    return OpenTable(
        registry_host=own.host,
        own_hosts=own.hosts,
        routes=(),
        includes=(),
        excludes=(),
        digest_references="redirect",
        allow_upstream=True,
        above=f"{target.prefix}/" if target.prefix else "",
    )


def left_by_file() -> LeftAlone:
    """What a file that stands alone leaves alone besides its filters: Pods whose operator would remake them for ever."""
    return left_alone((), SHIPPED_SELECTORS, None)
