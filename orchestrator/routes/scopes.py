"""The route table as a flat list of scopes: the form that every enforcer can express.

A table's answers can only change at the keys that somebody wrote (a route's source, an exclude, an include).
Asking it at those keys gives the whole function as {source: where images below it live}. Generators read scopes and
never decide a route themselves.
Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.routes.source import Source
from orchestrator.routes.table import CachePlace, Route, RouteTable
from orchestrator.routes.upstreams import REGISTRY_ALIASES

# Docker's parser turns this alias into docker.io by itself; the others reach nodes as they were written.
_PARSED_AWAY = "index.docker.io"


@dataclass(frozen=True, slots=True)
class Scope:
    """Images below `source` live below `repository` in ECR; with `route` None they are left alone.

    `repository` is a path without the registry's host: `docker-hub/library` for source `docker.io/library`. It is empty
    where a ROOT rule keeps the upstream's path.
    """

    source: Source
    route: Route | None
    repository: str = ""

    @property
    def redirected(self) -> bool:
        """Are images of this scope pulled from ECR?"""
        return self.route is not None


def scopes(table: RouteTable) -> tuple[Scope, ...]:
    """The table as scopes, sorted by source, each one different from what the next wider scope says."""
    keys = {route.source for route in table.routes} | set(table.excludes) | set(table.includes)
    found = [(key, _scope(table, key)) for key in sorted(keys)]
    # Between two keys nothing changes: the path right above a key has what the next wider scope says.
    return tuple(scope for key, scope in found if scope.route is not _route_above(table, key))


def _scope(table: RouteTable, key: Source) -> Scope:
    place = table.decide(key)
    return Scope(key, place.route, place.repository) if isinstance(place, CachePlace) else Scope(key, None)


def _route_above(table: RouteTable, key: Source) -> Route | None:
    """The route of the path right above; None above a whole registry."""
    if not key.path:
        return None
    return _scope(table, Source(key.registry, key.path.rpartition("/")[0])).route


def needs_more(scope: Scope) -> bool:
    """Whether the source itself is no image of the route: an upstream prefix is stripped, and nothing would be left."""
    return scope.route is not None and bool(scope.route.strip) and scope.source.path == scope.route.strip


def on_nodes(found: Sequence[Scope], aliases: Mapping[str, str] = REGISTRY_ALIASES) -> tuple[Scope, ...]:
    """The scopes under every name that a node may see, sorted by source: `aliases` is {other name: canonical registry}."""
    named = [
        Scope(Source(registry, scope.source.path), scope.route, scope.repository)
        for scope in found
        for registry in (scope.source.registry, *(a for a, c in aliases.items() if c == scope.source.registry))
        if registry != _PARSED_AWAY
    ]
    return tuple(sorted(named, key=lambda scope: (scope.source.registry, scope.source.path)))
