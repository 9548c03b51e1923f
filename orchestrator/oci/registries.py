"""All registries of a run by name, over one pool of connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from orchestrator.oci.auth import FirstOf, Logins
from orchestrator.oci.blobs import BlobSource
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.copy_events import Event, Listener, ignore
from orchestrator.oci.errors import Unreachable
from orchestrator.oci.http import Transport
from orchestrator.oci.lists import TagList
from orchestrator.oci.manifest import Manifest
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.retry import Budget

_HUB_NAMES = {"index.docker.io": "docker.io", "registry-1.docker.io": "docker.io"}


class SourceRegistry(BlobSource, Protocol):
    """What images are read from."""

    def manifest(self, repository: str, reference: str) -> Manifest: ...

    def manifest_digest(self, repository: str, reference: str) -> str | None: ...

    def tags(self, repository: str, *, pages: int = ...) -> TagList | None: ...

    def referrers(self, repository: str, digest: str) -> tuple[dict[str, Any], ...] | None: ...


class Registries:
    """The client of each registry, made when it is first asked for.

    `endpoints` are the registries of which more is known than their name; `logins` serve those that bring none.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint] = (),
        *,
        logins: Iterable[Logins] = (),
        find: Callable[[str], Endpoint | None] | None = None,
        variables: Mapping[str, str] | None = None,
        budget: Budget | None = None,
        on_event: Listener = ignore,
        read_seconds: float = 60.0,
    ) -> None:
        self._endpoints = {endpoint.registry: endpoint for endpoint in endpoints}
        self._find = find
        self._logins = FirstOf(tuple(logins))
        self.budget = budget or Budget()
        self._listener = on_event
        self._event_lock = threading.Lock()
        self._lock = threading.Lock()
        self._made: dict[str, RemoteRegistry] = {}
        self._sources: dict[str, SourceRegistry] = {}
        self.transport = Transport(variables=variables, read_seconds=read_seconds)
        self.stop = threading.Event()

    def of(self, name: str) -> RemoteRegistry:
        """The client of a registry by the name that references have."""
        name = _HUB_NAMES.get(name, name)
        with self._lock:
            found = self._made.get(name)
            if found is None:
                endpoint = self._endpoints.get(name) or (self._find(name) if self._find else None) or Endpoint(name)
                if endpoint.logins is None:
                    endpoint = replace(endpoint, logins=self._logins)
                found = self._made[name] = RemoteRegistry(
                    endpoint, self.transport, budget=self.budget, on_event=self.tell, stop=self.stop
                )
            return found

    def source(self, name: str) -> SourceRegistry:
        """What answers for a registry as a source: its client, or an archive that was added."""
        return self._sources.get(name) or self.of(name)

    def add_source(self, source: SourceRegistry) -> None:
        """Have an open archive answer by its name."""
        self._sources[source.name] = source

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Say more of a registry than its name, before it is first asked for."""
        self._endpoints[endpoint.registry] = endpoint

    def tell(self, event: Event) -> None:
        """Hand an event to the listener, one at a time."""
        with self._event_lock:
            self._listener(event)

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run is stopped."""
        if self.stop.wait(seconds):
            raise Unreachable("The run was stopped.")

    @property
    def requests(self) -> dict[str, dict[str, int]]:
        """{registry: {action: requests sent}}."""
        with self._lock:
            return {name: dict(registry.counts) for name, registry in self._made.items()}

    @property
    def throttled(self) -> int:
        """How many answers were 429."""
        with self._lock:
            return sum(registry.throttled for registry in self._made.values())

    def close(self) -> None:
        """Close every connection, and end every wait."""
        self.stop.set()
        self.transport.close()

    def __enter__(self) -> Registries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
