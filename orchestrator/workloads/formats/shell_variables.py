"""References with variables of a shell's kind: `nginx:${TAG:-1.25}`, `${BASE}`, with what stands for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.workloads.place import Part

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])([^{}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A text with its variables filled in: the parts that write the image, and what the whole says."""

    reference: str
    parts: dict[str, Part]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A text with a variable that nothing gives a value."""

    variable: str


def resolve(part: Part, known: Mapping[str, Part]) -> Resolved | Unresolved:
    """What `part` says when its variables have the values of `known` (or their defaults).

    The image is split where its variables stand, so that a rewriter changes what is written for the repository and
    leaves the rest: `nginx:${TAG:-1.25}` is the repository `nginx` and a tag. A whole reference in one variable is that
    variable's value, where it is written.
    """
    text = part.value
    pieces = list(_VARIABLE.finditer(text))
    if not pieces:
        return Resolved(text, {"image": part})
    if len(pieces) == 1 and pieces[0].span() == (0, len(text)):
        return _whole(part, pieces[0], known)
    filled, spans, position = "", [], 0
    for piece in pieces:
        value = _value(piece, known)
        if value is None:
            return Unresolved(_name(piece))
        filled += text[position : piece.start()]
        spans.append((len(filled), len(filled) + len(value), piece))
        filled += value
        position = piece.end()
    filled += text[position:]
    return _split(part, filled, spans, known)


def _split(
    part: Part, filled: str, spans: list[tuple[int, int, re.Match[str]]], known: Mapping[str, Part]
) -> Resolved | Unresolved:
    name = filled.partition("@")[0]
    slash = name.rfind("/") + 1
    repository_end = slash + len(name[slash:].partition(":")[0])
    first = spans[0]
    if first[0] == 0 and filled[first[1] : first[1] + 1] == "/":
        # `${REGISTRY}/nginx:1`: the registry is written where the variable gets its value.
        registry = known.get(_name(first[2])) or _default(part, first[2])
        if registry is not None and all(start >= repository_end for start, _, _ in spans[1:]):
            start, raw_end = first[2].end() + 1, _raw(spans, repository_end)
            repository = Part(
                part.start + start, part.start + raw_end, filled[first[1] + 1 : repository_end], part.style
            )
            return Resolved(filled, {"registry": registry, "repository": repository})
    if all(start >= repository_end for start, _, _ in spans):
        repository = Part(part.start, part.start + repository_end, filled[:repository_end], part.style)
        return Resolved(filled, {"repository": repository})
    return Resolved(filled, {})


def _raw(spans: list[tuple[int, int, re.Match[str]]], filled_end: int) -> int:
    """Where the character `filled_end` of the filled text stands in the written one; no variable lies after the first."""
    first = spans[0]
    return first[2].end() + filled_end - first[1]


def _whole(part: Part, piece: re.Match[str], known: Mapping[str, Part]) -> Resolved | Unresolved:
    value = known.get(_name(piece)) or _default(part, piece)
    if value is None:
        return Unresolved(_name(piece))
    if "$" in value.value:
        return resolve(value, {name: other for name, other in known.items() if name != _name(piece)})
    return Resolved(value.value, {"image": value})


def _default(part: Part, piece: re.Match[str]) -> Part | None:
    """The default that stands in the variable's own braces, as a part of the text."""
    if piece[2] in {":-", "-"} and piece[3]:
        return Part(part.start + piece.start(3), part.start + piece.end(3), piece[3], part.style)
    return None


def _value(piece: re.Match[str], known: Mapping[str, Part]) -> str | None:
    given = known.get(_name(piece))
    if given is not None:
        return None if "$" in given.value else given.value
    return piece[3] if piece[2] in {":-", "-"} else None


def _name(piece: re.Match[str]) -> str:
    return piece[1] or piece[4]
