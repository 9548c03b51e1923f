"""Where a wish comes from and goes to. The route table decides; a wish that needs no copy is told why.

Wish + RouteTable -> Placed | NotCopied; Placed + tags of the source -> pairs of references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from orchestrator.lifecycle.provenance import tag_of_digest
from orchestrator.mirroring.tag_selection import TagSelection
from orchestrator.mirroring.wishes import Wish
from orchestrator.routes.reference import ImageReference, parse_reference
from orchestrator.routes.source import Source
from orchestrator.routes.table import ECR_NAME_LIMIT, CachePlace, Route, RouteTable


@dataclass(frozen=True, slots=True)
class Placed:
    """`source` is the canonical reference, with the wish's tag and digest; `repository` its place in the registry.

    `registry` is the host that it goes to; `route` is None for a target that another tool's configuration names.
    """

    wish: Wish
    source: ImageReference
    registry: str
    repository: str
    route: Route | None

    def pairs(self, tags: Iterable[str] = ()) -> Iterator[tuple[ImageReference, ImageReference]]:
        """(source, target) of this wish: of its own tag or digest, or of the chosen ones of `tags`."""
        if self.wish.tags is None:
            yield self._pair(self.source)
            return
        for tag in chosen(self.wish.tags, tags):
            yield self._pair(ImageReference(self.source.domain, self.source.path, tag))

    def _pair(self, source: ImageReference) -> tuple[ImageReference, ImageReference]:
        tag = source.tag or (tag_of_digest(source.digest) if source.digest else "latest")
        return source, ImageReference(self.registry, self.repository, tag)


def chosen(selection: TagSelection, tags: Iterable[str]) -> tuple[str, ...]:
    """The tags to copy: names as they are (one that is missing fails by itself), the others from the list."""
    if not selection.needs_list:
        return selection.names
    known = tuple(tags)
    return (*selection.choose(known), *selection.missing(known))


@dataclass(frozen=True, slots=True)
class NotCopied:
    """A wish that is not copied, with the reason in words and what to do."""

    wish: Wish
    reason: Literal["pull-through", "mirror", "excluded", "no route", "own", "name"]
    detail: str
    remedy: str


def place(table: RouteTable, wish: Wish, kind: Literal["mirror", "pull-through"] = "mirror") -> Placed | NotCopied:
    """Where `wish` goes by a route of `kind`; `kind` is what the command that asks can do."""
    if wish.target:
        return _as_named(table, wish)
    source = _upstream(table, wish)
    if source is None:
        return NotCopied(
            wish,
            "own",
            "It is an own image of the registry: no route brought it there.",
            "Push it, or name the image that it is made from.",
        )
    registry, path = table.canonical(source)
    found = table.decide(Source(registry, path))
    canonical = ImageReference(registry, path, source.tag, source.digest)
    if not isinstance(found, CachePlace):
        return _unrouted(wish, found, registry)
    route, repository = found.route, found.repository
    if not found.rest or len(repository) > ECR_NAME_LIMIT:
        return NotCopied(
            wish, "name", f"ECR cannot hold a repository {repository[:100]!r}.", "Shorten the prefix of its route."
        )
    if route.kind == kind:
        return Placed(wish, canonical, table.registry_host, repository, route)
    if route.kind == "pull-through":
        return NotCopied(
            wish,
            "pull-through",
            f"ECR pulls it through the rule {route.name!r}.",
            "`orchestrator warm` brings it ahead of time.",
        )
    return NotCopied(wish, "mirror", f"It belongs to the mirror {route.name!r}.", "`orchestrator mirror` copies it.")


def place_all(
    table: RouteTable, wishes: Iterable[Wish], kind: Literal["mirror", "pull-through"] = "mirror"
) -> tuple[tuple[NotCopied, ...], list[Placed]]:
    """The wishes that are left, and those that have a place by a route of `kind`."""
    answers = [place(table, wish, kind) for wish in wishes]
    left = tuple(answer for answer in answers if isinstance(answer, NotCopied))
    return left, [answer for answer in answers if isinstance(answer, Placed)]


def _upstream(table: RouteTable, wish: Wish) -> ImageReference | None:
    """The image at its source; manifests that were rewritten already name it in the registry."""
    image = wish.image
    if image.domain not in table.own_hosts:
        return image
    return table.at_source(image)


def _unrouted(wish: Wish, found: str, registry: str) -> NotCopied:
    if found == "excluded":
        return NotCopied(wish, "excluded", "It is excluded (include, exclude).", "Take it out of exclude to copy it.")
    return NotCopied(
        wish,
        "no route",
        f"No route takes images of {registry}.",
        f'Add an entry to mirrors with source = "{registry}".',
    )


def _as_named(table: RouteTable, wish: Wish) -> Placed:
    target = parse_reference(wish.target)
    image = wish.image
    source = ImageReference(image.registry, image.repository, image.tag, image.digest)
    # The FIPS and dual-stack hosts are the same registry, where repositories are made and lists are compared by one name.
    registry = table.registry_host if target.domain in table.own_hosts else target.registry
    return Placed(wish, source, registry, target.repository, None)
