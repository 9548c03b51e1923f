"""The route table: where an image lives in ECR, decided once for everything that redirects pulls.

RouteTable -> Redirected | Unchanged | Refused; `build` makes the table of an environment. Generators of policies and
mirror sets, rewriter and webhook read the table or ask it. None decides again. Pure: values in, values
out.

How the lists meet, in one place:

- `include` is a gate: with a non-empty list, an image below none of its entries is excluded, whatever else matches.
- Among the sources of routes and the entries of `exclude`, the longest that holds the image decides. A path holds
  itself and what lies below it, at whole path components.
- Where a route and an exclude name the same source, the exclude wins.
- All of them compare canonical names: official Docker images are `docker.io/library/nginx`; `docker.io/nginx` is the
  namespace `nginx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from orchestrator.lifecycle.ports import ROOT
from orchestrator.lifecycle.upstream_names import UpstreamNames
from orchestrator.routes.reach import Reach
from orchestrator.routes.reference import OFFICIAL_PREFIX, ImageReference, InvalidReference, parse_reference
from orchestrator.routes.source import Source
from orchestrator.routes.upstreams import DOCKER_HUB, REGISTRY_ALIASES, ecr_registry

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
    own prefix. With strip `team`, `<source registry>/team/app` lives at `<prefix>/app`. `credentials` says whether a
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

    @property
    def upstream(self) -> Source:
        """What ECR puts before the rest of a name: `source` may be narrower, and names are whole below the prefix."""
        return Source(self.source.registry, self.strip)

    def rest(self, path: str) -> str:
        """What follows the prefix in ECR for the upstream's `path`, which lies at or below the route's source."""
        return path[len(self.strip) + 1 :] if self.strip else path


@dataclass(frozen=True, slots=True)
class CachePlace:
    """Where a route keeps a source: what ECR's repositories are called there is `rest` below the route's prefix.

    `rest` is empty for a whole registry, and for the stripped path, which has no repository of its own.
    """

    route: Route
    rest: str

    @property
    def repository(self) -> str:
        """The path in ECR without the registry's host: `docker-hub/library`; empty for all that is below ROOT."""
        prefix = self.route.prefix
        return f"{prefix}/{self.rest}" if prefix and self.rest else prefix or self.rest


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
    `excludes` are sorted by source, so that nothing depends on the order in a file. `reach` is what the environment's
    own VPC endpoints let through; it changes no answer.
    """

    registry_host: str
    own_hosts: tuple[str, ...]
    routes: tuple[Route, ...]
    includes: tuple[Source, ...]
    excludes: tuple[Source, ...]
    digest_references: DigestReferences
    allow_upstream: bool
    reach: Reach | None = field(default=None, compare=False)
    aliases: Mapping[str, str] = field(init=False, compare=False, repr=False)
    _decisions: _Tree[Route | Literal["excluded"]] = field(init=False, compare=False, repr=False)
    _gates: _Tree[bool] = field(init=False, compare=False, repr=False)
    _names: UpstreamNames = field(init=False, compare=False, repr=False)

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
        object.__setattr__(self, "_names", UpstreamNames({route.prefix: str(route.upstream) for route in self.routes}))

    def canonical(self, reference: ImageReference) -> tuple[str, str]:
        """(registry, repository) under the names that sources use: `nginx` -> (`docker.io`, `library/nginx`)."""
        registry = reference.registry
        registry = self.aliases.get(registry, registry)
        path = reference.path
        if registry == DOCKER_HUB and "/" not in path:
            path = OFFICIAL_PREFIX + path
        return registry, path

    def decide(self, source: Source) -> CachePlace | Literal["excluded", "no route"]:
        """What the lists say of a canonical source, a repository or all that lies below it: the one longest match.

        `docker.io/library/nginx` -> Place(route `docker-hub`, repository `docker-hub/library/nginx`).
        """
        if self.includes and _longest(self._gates.get(source.registry, {}), source.path) is None:
            return "excluded"
        found = _longest(self._decisions.get(source.registry, {}), source.path)
        if isinstance(found, Route):
            return CachePlace(found, found.rest(source.path))
        return found or "no route"

    def upstream_of(self, ecr_repository: str) -> str:
        """The way back: `docker-hub/library/nginx` -> `docker.io/library/nginx`; empty for an own repository."""
        return self._names.upstream_of(ecr_repository)

    def route_of(self, ecr_repository: str) -> Route | None:
        """The route that a repository of the registry came by; None for an own one."""
        prefix = self._names.prefix_of(ecr_repository)
        return next((route for route in self.routes if route.prefix == prefix), None)

    def at_source(self, reference: ImageReference) -> ImageReference | None:
        """The upstream image of one in the registry, tag and digest as written; None for an own or another image."""
        upstream = self.upstream_of(reference.path) if reference.domain in self.own_hosts else ""
        if not upstream:
            return None
        source = parse_reference(upstream)
        return ImageReference(source.domain, source.path, reference.tag, reference.digest)

    def out_of_reach(self, answer: Answer) -> bool:
        """Whether a cluster without a way out cannot pull what `answer` leaves at its source."""
        unrouted = isinstance(answer, Unchanged) and answer.reason in {"no route", "excluded"}
        return unrouted and not self.allow_upstream

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
        place = self.decide(Source(*self.canonical(reference)))
        if not isinstance(place, CachePlace):
            return Unchanged(place)
        route, target = place.route, place.repository
        if not place.rest or len(target) > ECR_NAME_LIMIT:
            return _refused_name(place)
        if reference.digest is not None and route.kind == "pull-through" and self.digest_references == "leave":
            return Unchanged("digest", route)
        return Redirected(f"{self.registry_host}/{target}{reference.suffix}", route)

    def meant(self, registry: str) -> str | None:
        """The registry of the table that `registry` differs from in case or by the port 443 only."""
        plain = registry.lower().removesuffix(":443")
        known = plain in self.own_hosts or self.aliases.get(plain, plain) in self._decisions
        return plain if known and plain != registry else None


def _refused_name(place: CachePlace) -> Refused:
    route = place.route
    if not place.rest:
        return Refused(
            "name",
            f"The rule {route.name!r} takes what lies below {route.source.registry}/{route.strip}, not that itself.",
            "Move the image below that path, or add a rule for it.",
        )
    return Refused(
        "name",
        f"Its repository in ECR would have {len(place.repository)} characters with the prefix {route.name!r}; "
        f"ECR takes {ECR_NAME_LIMIT}.",
        "Shorten the prefix of the route, or copy the image to a shorter name.",
    )
