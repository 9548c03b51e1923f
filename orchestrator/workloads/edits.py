"""Images of a text + the route table -> edits: what changes, character by character, and nothing else.

A place is rewritten as it is written: whole, or part by part. A part that several places share (a registry for all
images of a chart) changes only when all of them agree. Otherwise they all stay, and the answer says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from orchestrator.routes.reference import DEFAULT_DOMAIN, InvalidReference, parse_reference
from orchestrator.routes.table import Redirected, RouteTable
from orchestrator.workloads.place import ImagePlace, Part
from orchestrator.workloads.references import has_version

Target = Callable[[str], str | None]
"""The reference that takes another's place, None where it stays."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters `start` to `end` of a text become `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Left:
    """A place that would be redirected and is left as it is, with the reason."""

    place: ImagePlace
    reason: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What one text needs: its edits in their order, and what was left."""

    edits: tuple[Edit, ...] = ()
    left: tuple[Left, ...] = ()

    def apply(self, text: str) -> str:
        """The text with its edits."""
        pieces, position = [], 0
        for edit in self.edits:
            pieces += [text[position : edit.start], edit.new]
            position = edit.end
        return "".join([*pieces, text[position:]])


def nowhere(_: str) -> str | None:
    """The target of what stays as it is."""
    return None


def forward(table: RouteTable) -> Target:
    """Where the table sends a reference. It can be handed to another process."""
    return partial(_forward, table)


def _forward(table: RouteTable, reference: str) -> str | None:
    answer = table.redirect(reference)
    return answer.target if isinstance(answer, Redirected) else None


def backward(table: RouteTable) -> Target:
    """The upstream, in its familiar form, of a reference to the environment's registry. It can be handed to another process."""
    return partial(_backward, table)


def _backward(table: RouteTable, reference: str) -> str | None:
    try:
        parsed = parse_reference(reference)
    except InvalidReference:
        return None
    source = table.at_source(parsed)
    if source is None:
        return None
    return str(source).removeprefix(f"{DEFAULT_DOMAIN}/library/").removeprefix(f"{DEFAULT_DOMAIN}/")


def everywhere(_: ImagePlace) -> bool:
    """Every place is meant."""
    return True


def rewrite(
    places: Sequence[ImagePlace],
    target: Target,
    consents: Iterable[str] = (),
    chosen: Callable[[ImagePlace], bool] = everywhere,
) -> Rewritten:
    """The edits that send each chosen place to its target. `consents` are the kinds that the caller asks for (`ci`, `env`)."""
    allowed = {"", *consents}
    wanted: list[tuple[ImagePlace, dict[Part, str]]] = []
    kept: set[tuple[int, int]] = set()
    left: list[Left] = []
    for place in places:
        new = target(place.reference) if place.consent in allowed and chosen(place) else None
        changes = None if new is None else _changes(place, new)
        if changes is None:
            kept |= {(part.start, part.end) for part in _named(place)}
            if new is not None:
                left.append(Left(place, "its parts cannot say the new name"))
        else:
            wanted.append((place, changes))
    return _settled(wanted, kept, left)


def _settled(
    wanted: list[tuple[ImagePlace, dict[Part, str]]], kept: set[tuple[int, int]], left: list[Left]
) -> Rewritten:
    """Drop the places that disagree about a part, until the rest agree."""
    while True:
        new: dict[tuple[int, int], str] = {}
        disputed = set(kept)
        for _, changes in wanted:
            for part, value in changes.items():
                span = (part.start, part.end)
                if new.setdefault(span, value) != value:
                    disputed.add(span)
        bad = [(place, changes) for place, changes in wanted if any((p.start, p.end) in disputed for p in changes)]
        if not bad:
            edits = tuple(Edit(start, end, value) for (start, end), value in sorted(new.items()))
            return Rewritten(edits, tuple(left))
        for place, _ in bad:
            left.append(Left(place, "it shares its registry with an image that stays"))
            kept |= {(part.start, part.end) for part in _named(place)}
        gone = {id(place) for place, _ in bad}
        wanted = [(place, changes) for place, changes in wanted if id(place) not in gone]


def _shared(registry: Part | None, written: str, new: str) -> dict[Part, str] | None:
    """A registry with a namespace, before images that stand elsewhere: the new name must end with what follows it."""
    if registry is None:
        return None
    old, reference = parse_reference(written), parse_reference(new)
    name = written.removesuffix(old.suffix)
    before = registry.value.rstrip("/")
    last = name.removeprefix(before) if name.startswith(f"{before}/") else "/" + old.path.rpartition("/")[2]
    whole = f"{reference.registry}/{reference.path}"
    return {registry: whole.removesuffix(last)} if whole.endswith(last) else None


def _behind_host(host: Part, registry: Part | None, repository: Part, new: str) -> dict[Part, str] | None:
    """A host, an organisation where a registry would be, and a repository: the last one stays where it can."""
    reference = parse_reference(new)
    if registry is None:
        return {host: reference.registry, repository: _as_written(repository, new)}
    last = f"/{_bare(repository)}"
    if not reference.path.endswith(last):
        return None
    return {host: reference.registry, registry: reference.path.removesuffix(last)}


def _bare(repository: Part) -> str:
    """A repository's text without the tag or the digest that it may carry."""
    name = repository.value.partition("@")[0]
    end = name.rfind(":")
    return name[:end] if end > name.rfind("/") else name


def _as_written(repository: Part, new: str) -> str:
    """The new path, with its tag or digest where the repository's text carries one."""
    reference = parse_reference(new)
    return reference.path + (reference.suffix if has_version(repository.value) else "")


def _hosted(new: str) -> str:
    """A reference with its registry: `grafana/a` -> `docker.io/grafana/a`."""
    reference = parse_reference(new)
    if reference.domain is not None:
        return new
    return f"{reference.registry}/{reference.repository}{reference.suffix}"


def _named(place: ImagePlace) -> list[Part]:
    """The parts that say where the image is; tags may be shared freely, nobody changes them."""
    parts = place.parts
    return [part for part in (parts.image, parts.host, parts.registry, parts.repository) if part is not None]


def _changes(place: ImagePlace, new: str) -> dict[Part, str] | None:
    """{part: its new value} that make the place say `new`; None where that cannot be."""
    parts = place.parts
    if parts.image is not None:
        return {parts.image: _hosted(new) if parts.image.hosted else new}
    if parts.repository is None:
        return _shared(parts.registry, place.reference, new)
    if parts.host is not None:
        return _behind_host(parts.host, parts.registry, parts.repository, new)
    new = _hosted(new) if parts.repository.hosted else new
    reference = parse_reference(new)
    domain, path = reference.registry, reference.path
    if parts.registry is None:
        tagged = has_version(parts.repository.value)
        return {parts.repository: new if tagged else new.removesuffix(reference.suffix)}
    if "/" not in parts.registry.value:
        return {parts.registry: domain, parts.repository: _as_written(parts.repository, new)}
    # The registry's part holds a namespace too; what follows it stays where it can.
    whole, last = f"{domain}/{path}", f"/{_bare(parts.repository)}"
    return {parts.registry: whole.removesuffix(last)} if whole.endswith(last) else None
