"""Environment -> RouteTable: rules and mirrors as routes, each source claimed once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from orchestrator.errors import RefusedInput
from orchestrator.lifecycle.ports import ROOT
from orchestrator.routes.reach import ReachSettings, reach_of
from orchestrator.routes.source import Source, parse_source
from orchestrator.routes.table import Route, RouteTable
from orchestrator.routes.upstreams import canonical_registry, upstream_of


class RuleSettings(Protocol):
    """What the table reads of a pull-through cache rule."""

    @property
    def upstream_registry_url(self) -> str: ...
    @property
    def upstream_repository_prefix(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def secret_name(self) -> str | None: ...
    @property
    def credential_arn(self) -> str | None: ...
    @property
    def custom_role_arn(self) -> str | None: ...


class MirrorSettings(Protocol):
    """What the table reads of a mirror."""

    @property
    def source(self) -> str: ...


class RouteSettings(ReachSettings, Protocol):
    """What the table reads of an environment."""

    @property
    def pull_through_cache_rules(self) -> Mapping[str, RuleSettings]: ...
    @property
    def mirrors(self) -> Mapping[str, MirrorSettings]: ...
    @property
    def include(self) -> Iterable[str]: ...
    @property
    def exclude(self) -> Iterable[str]: ...
    @property
    def allow_upstream(self) -> bool: ...
    @property
    def digest_references(self) -> str | None: ...


def build_route_table(environment: RouteSettings) -> RouteTable:
    """The table of an environment. Raises RefusedInput for what the environment's own checks refuse, too."""
    own = environment.registry
    rules = [_rule_route(name, rule, own.account) for name, rule in environment.pull_through_cache_rules.items()]
    mirrors = [
        Route(_prefix(name), parse_source(mirror.source), "mirror") for name, mirror in environment.mirrors.items()
    ]
    routes: dict[Source, Route] = {}
    for route in sorted((*rules, *mirrors), key=_order):
        first = routes.setdefault(route.source, route)
        if first is not route:
            raise RefusedInput(
                f"{first.name!r} and {route.name!r} both claim {route.source}.",
                why="Images of one source go to one place.",
                remedy="Remove one, or narrow it with a path.",
            )
    includes, excludes = _sources(environment.include), _sources(environment.exclude)
    wanted = environment.digest_references or ("leave" if environment.allow_upstream else "redirect")
    return RouteTable(
        registry_host=own.host,
        own_hosts=own.hosts,
        routes=tuple(routes.values()),
        includes=includes,
        excludes=excludes,
        digest_references="leave" if wanted == "leave" else "redirect",
        allow_upstream=environment.allow_upstream,
        reach=reach_of(environment, (*routes, *includes, *excludes)),
    )


def _order(route: Route) -> tuple[str, str, str, str]:
    # Texts and no Source: thousands are compared faster.
    return route.source.registry, route.source.path, route.kind, route.prefix


def _rule_route(name: str, rule: RuleSettings, account: str) -> Route:
    upstream = upstream_of(rule.upstream_registry_url)
    credentials: bool | None = None
    if upstream is not None and upstream.needs_credentials:
        credentials = bool(rule.secret_name or rule.credential_arn)
    elif upstream is not None and upstream.needs_role(account):
        credentials = bool(rule.custom_role_arn)
    strip = _prefix(rule.upstream_repository_prefix or "")
    whole = Source(canonical_registry(rule.upstream_registry_url), strip)
    source = parse_source(rule.source) if rule.source else whole
    if source.registry != whole.registry or not f"{source.path}/".startswith(f"{strip}/" if strip else ""):
        raise RefusedInput(
            f"Rule {name!r}: source {rule.source!r} is not below {whole}.",
            why="A rule's source can only narrow what its upstream offers.",
            remedy=f"Write {str(whole)!r} or a path below it.",
        )
    return Route(_prefix(name), source, "pull-through", strip, credentials)


def _prefix(name: str) -> str:
    """A prefix without ROOT's name and without the slash that ECR assumes at its end anyway."""
    return "" if name == ROOT else name.rstrip("/")


def _sources(texts: Iterable[str]) -> tuple[Source, ...]:
    return tuple(sorted({parse_source(text) for text in texts}))
