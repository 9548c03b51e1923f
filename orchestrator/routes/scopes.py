"""The route table as a flat list of scopes: the form that every enforcer can express.

A table decides by the longest match over routes and excludes behind an include list. Its answer can only change at the
keys that somebody wrote (a route's source, an exclude, an include), so evaluating it at those keys gives the whole
function as {source: where images below it live}. Generators read scopes and never decide a route themselves.
Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.routes.source import covers
from orchestrator.routes.table import Route, RouteTable, Source
from orchestrator.routes.upstreams import REGISTRY_ALIASES

# Docker's parser turns this alias into docker.io by itself; the others reach nodes as they were written.
_PARSED_AWAY = "index.docker.io"


@dataclass(frozen=True, slots=True)
class Scope:
    """Images below `source` live below `repository` in ECR; with `route` None they are left alone.

    `repository` is a path without the registry's host: `docker-hub/library` for source `docker.io/library`, and empty
    where a ROOT rule keeps the upstream's path.
    """

    source: Source
    route: Route | None
    repository: str = ""

    @property
    def redirected(self) -> bool:
        return self.route is not None


def _longest(candidates: Iterable[Source], key: Source) -> Source | None:
    matching = [candidate for candidate in candidates if covers(candidate, key)]
    return max(matching, key=lambda source: len(source.path), default=None)


def _repository(route: Route, key: Source) -> str:
    """ECR path of images below `key`, which lies at or below the route's source."""
    path = key.path
    if route.strip:
        path = path[len(route.strip) :].lstrip("/")
    return "/".join(part for part in (route.prefix, path) if part)


def _decide(table: RouteTable, key: Source) -> Scope:
    if table.includes and _longest(table.includes, key) is None:
        return Scope(key, None)
    routes = {route.source: route for route in table.routes}
    source = _longest(routes, key)
    exclude = _longest(table.excludes, key)
    if source is None or (exclude is not None and len(exclude.path) >= len(source.path)):
        return Scope(key, None)
    return Scope(key, routes[source], _repository(routes[source], key))


def scopes(table: RouteTable) -> tuple[Scope, ...]:
    """The table as scopes, sorted by source, each one different from what the next wider scope says."""
    keys = {route.source for route in table.routes} | set(table.excludes) | set(table.includes)
    decided: dict[Source, Scope] = {}
    for key in sorted(keys, key=lambda source: (source.registry, len(source.path), source.path)):
        scope = _decide(table, key)
        outer = _longest(decided, key)
        inherited = decided[outer].route if outer is not None else None
        if scope.route is not inherited:
            decided[key] = scope
    return tuple(decided[key] for key in sorted(decided, key=lambda source: (source.registry, source.path)))


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
