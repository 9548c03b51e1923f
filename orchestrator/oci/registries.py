"""All registries of a run by name, over one pool of connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from orchestrator.oci.auth import FirstOf, Logins
from orchestrator.oci.client import RemoteRegistry
from orchestrator.oci.copy_events import Event, Listener, ignore
from orchestrator.oci.http import Transport
from orchestrator.oci.ports import Endpoint
from orchestrator.oci.retry import Budget

_HUB_NAMES = {"index.docker.io": "docker.io", "registry-1.docker.io": "docker.io"}


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
        self._budget = budget
        self._listener = on_event
        self._event_lock = threading.Lock()
        self._lock = threading.Lock()
        self._made: dict[str, RemoteRegistry] = {}
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
                    endpoint, self.transport, budget=self._budget, on_event=self.tell, stop=self.stop
                )
            return found

    def tell(self, event: Event) -> None:
        """Hand an event to the listener, one at a time."""
        with self._event_lock:
            self._listener(event)

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
