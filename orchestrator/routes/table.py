"""The route table: where an image lives in ECR, decided once for everything that redirects pulls.

Environment -> RouteTable -> Redirected | Unchanged | Refused. Generators of policies and mirror sets, the rewriter and
the webhook read the table or ask it; none of them decides again. Pure: values in, values out.

How the lists meet, in one place:

- `include` is a gate: with a non-empty list, an image below none of its entries is excluded, whatever else matches.
- Among the sources of routes and the entries of `exclude`, the longest that holds the image decides; a path holds
  itself and what lies below it, at whole path components.
- Where a route and an exclude name the same source, the exclude wins.
- All of them compare canonical names: official Docker images are `docker.io/library/nginx`; `docker.io/nginx` is the
  namespace `nginx`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from orchestrator.errors import RefusedInput
from orchestrator.routes.reference import OFFICIAL_PREFIX, ImageReference, InvalidReference, parse_reference
from orchestrator.routes.source import InvalidSource, Source, parse_source
from orchestrator.routes.upstreams import (
    DOCKER_HUB,
    REGISTRY_ALIASES,
    EcrRegistry,
    canonical_registry,
    ecr_registry,
    upstream_of,
)

__all__ = [
    "Answer",
    "InvalidSource",
    "Redirected",
    "Refused",
    "Route",
    "RouteSettings",
    "RouteTable",
    "Source",
    "Unchanged",
    "build_route_table",
    "parse_source",
]

ROOT = "ROOT"
# Characters of an ECR repository's name with its prefix. ECR's own limit is 256; one less is what every client that
# follows Docker's grammar can still pull.
ECR_NAME_LIMIT = 255

Kind = Literal["pull-through", "mirror"]
DigestReferences = Literal["leave", "redirect"]
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Route:
    """Images below `source` live below `prefix` in ECR.

    `prefix` is "" for ROOT. `strip` is a rule's `upstream_repository_prefix`, which ECR puts before what follows its
    own prefix: with strip `team`, `<source registry>/team/app` lives at `<prefix>/app`. `credentials` says whether a
    rule whose upstream needs a secret or a role has it; None where none is needed.
    """

    prefix: str
    source: Source
    kind: Kind
    strip: str = ""
    credentials: bool | None = None

    @property
    def name(self) -> str:
        """The key of the rule or mirror in the environment's file."""
        return self.prefix or ROOT

    def repository(self, repository: str) -> str | None:
        """The ECR repository of the upstream's `repository`; None when nothing of its name is left after `strip`."""
        if self.strip:
            repository = repository[len(self.strip) + 1 :]
        if not repository:
            return None
        return f"{self.prefix}/{repository}" if self.prefix else repository


@dataclass(frozen=True, slots=True)
class Redirected:
    """The image is pulled from `target`: a whole reference, with tag and digest as they were written."""

    target: str
    route: Route


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The image is pulled from where its reference says. `route` is the one that would have taken it, for `digest`."""

    reason: Literal["own", "excluded", "no route", "digest"]
    route: Route | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not an image reference (`syntax`), or one whose repository ECR cannot hold (`name`). Policies leave it alone."""

    reason: Literal["syntax", "name"]
    detail: str
    remedy: str


Answer = Redirected | Unchanged | Refused


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


class RouteSettings(Protocol):
    """What the table reads of an environment."""

    @property
    def registry_account(self) -> str: ...
    @property
    def registry_region_name(self) -> str: ...
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


# {registry: {path: …}}; a lookup tries the image's own path and then each path above it.
_Tree = dict[str, dict[str, _Value]]


def _longest(paths: Mapping[str, _Value], path: str) -> _Value | None:
    while path:
        found = paths.get(path)
        if found is not None:
            return found
        path = path.rpartition("/")[0]
    return paths.get("")


@dataclass(frozen=True, slots=True)
class RouteTable:
    """The routes of one environment.

    `own_hosts` are the hosts of its registry, the standard one (`registry_host`) first. `routes`, `includes` and
    `excludes` are sorted by source, so that nothing depends on the order in a file.
    """

    registry_host: str
    own_hosts: tuple[str, ...]
    routes: tuple[Route, ...]
    includes: tuple[Source, ...]
    excludes: tuple[Source, ...]
    digest_references: DigestReferences
    allow_upstream: bool
    aliases: Mapping[str, str] = field(init=False, compare=False, repr=False)
    _decisions: _Tree[Route | Literal["excluded"]] = field(init=False, compare=False, repr=False)
    _gates: _Tree[bool] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        decisions: _Tree[Route | Literal["excluded"]] = {}
        gates: _Tree[bool] = {}
        for route in self.routes:
            decisions.setdefault(route.source.registry, {})[route.source.path] = route
        for source in self.excludes:
            decisions.setdefault(source.registry, {})[source.path] = "excluded"
        for source in self.includes:
            gates.setdefault(source.registry, {})[source.path] = True
        aliases = dict(REGISTRY_ALIASES)
        for registry in {*decisions, *gates}:
            ecr = ecr_registry(registry)
            if ecr is not None:
                aliases.update(dict.fromkeys(ecr.hosts[1:], registry))
        # A frozen value fills its own derived fields once.
        object.__setattr__(self, "aliases", aliases)
        object.__setattr__(self, "_decisions", decisions)
        object.__setattr__(self, "_gates", gates)

    def canonical(self, reference: ImageReference) -> tuple[str, str]:
        """(registry, repository) under the names that sources use: `nginx` -> (`docker.io`, `library/nginx`)."""
        registry = reference.registry
        registry = self.aliases.get(registry, registry)
        path = reference.path
        if registry == DOCKER_HUB and "/" not in path:
            path = OFFICIAL_PREFIX + path
        return registry, path

    def redirect(self, reference: str | ImageReference) -> Answer:
        """Where the image is pulled from.

        `nginx:1.25` -> Redirected(`<registry_host>/docker-hub/library/nginx:1.25`). Never raises: text that is no
        reference is Refused. Redirecting an answer's target again leaves it alone.
        """
        if isinstance(reference, str):
            try:
                reference = parse_reference(reference)
            except InvalidReference as error:
                return Refused("syntax", error.why, error.remedy)
        if reference.domain in self.own_hosts:
            return Unchanged("own")
        registry, repository = self.canonical(reference)
        if self.includes and _longest(self._gates.get(registry, {}), repository) is None:
            return Unchanged("excluded")
        route = _longest(self._decisions.get(registry, {}), repository)
        if route is None:
            return Unchanged("no route")
        if route == "excluded":
            return Unchanged("excluded")
        target = route.repository(repository)
        if target is None or len(target) > ECR_NAME_LIMIT:
            return _refused_name(route, target)
        if reference.digest is not None and route.kind == "pull-through" and self.digest_references == "leave":
            return Unchanged("digest", route)
        return Redirected(f"{self.registry_host}/{target}{reference.suffix}", route)

    def warnings(self, reference: ImageReference, answer: Answer) -> tuple[str, ...]:
        """What to know before relying on `answer`, one sentence each."""
        if isinstance(answer, Refused):
            return ()
        found = []
        route = answer.route
        redirected = isinstance(answer, Redirected)
        if redirected and reference.digest is not None and route is not None and route.kind == "pull-through":
            found.append("ECR cannot make a first pull by digest: warm the cache by tag before a cluster asks for it.")
        elif not redirected and answer == Unchanged("digest", route):
            found.append(
                "ECR cannot make a first pull by digest, so the image still comes from its source: name a tag alone, "
                'or warm the cache and set digest_references = "redirect".'
            )
        if reference.digest is None and reference.tag in {None, "latest"}:
            written = "The tag latest" if reference.tag else "No tag means latest, which"
            found.append(f"{written} is another image tomorrow: name a version.")
        if route is not None and route.credentials is False:
            needed = "a role (custom_role_arn)" if ecr_registry(route.source.registry) else "credentials (secret_name)"
            found.append(f'{route.source.registry} needs {needed} and the rule "{route.name}" has none: pulls fail.')
        if isinstance(answer, Redirected) and not answer.route.prefix and len(self.canonical(reference)[1]) == 1:
            found.append("ECR repositories have names of two characters or more: copy the image to a longer one.")
        if isinstance(answer, Unchanged) and answer.reason != "own":
            registry, meant = reference.registry, self.meant(reference.registry)
            if meant:
                found.append(f"Hosts are compared as they are written: {registry} is another registry than {meant}.")
            elif not self.allow_upstream:
                found.append(f"The cluster cannot reach {registry} (allow_upstream is false): the pull fails.")
        return tuple(found)

    def meant(self, registry: str) -> str | None:
        """The registry of the table that `registry` differs from in case or by the port 443 only."""
        plain = registry.lower().removesuffix(":443")
        known = plain in self.own_hosts or self.aliases.get(plain, plain) in self._decisions
        return plain if known and plain != registry else None


def _refused_name(route: Route, target: str | None) -> Refused:
    if target is None:
        return Refused(
            "name",
            f"The rule {route.name!r} takes what lies below {route.source.registry}/{route.strip}, not that itself.",
            "Move the image below that path, or add a rule for it.",
        )
    return Refused(
        "name",
        f"Its repository in ECR would have {len(target)} characters with the prefix {route.name!r}; "
        f"ECR takes {ECR_NAME_LIMIT}.",
        "Shorten the prefix of the route, or copy the image to a shorter name.",
    )


def build_route_table(environment: RouteSettings) -> RouteTable:
    """The table of an environment. Raises RefusedInput for what the environment's own checks refuse, too."""
    own = EcrRegistry(environment.registry_account, environment.registry_region_name)
    rules = [_rule_route(name, rule, own.account) for name, rule in environment.pull_through_cache_rules.items()]
    mirrors = [
        Route(_prefix(name), parse_source(mirror.source), "mirror") for name, mirror in environment.mirrors.items()
    ]
    routes: dict[Source, Route] = {}
    for route in sorted((*rules, *mirrors), key=lambda route: (route.source, route.kind, route.prefix)):
        first = routes.setdefault(route.source, route)
        if first is not route:
            raise RefusedInput(
                f"{first.name!r} and {route.name!r} both claim {route.source}.",
                why="Images of one source go to one place.",
                remedy="Remove one, or narrow it with a path.",
            )
    wanted = environment.digest_references or ("leave" if environment.allow_upstream else "redirect")
    return RouteTable(
        registry_host=own.host,
        own_hosts=own.hosts,
        routes=tuple(routes.values()),
        includes=_sources(environment.include),
        excludes=_sources(environment.exclude),
        digest_references="leave" if wanted == "leave" else "redirect",
        allow_upstream=environment.allow_upstream,
    )


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
