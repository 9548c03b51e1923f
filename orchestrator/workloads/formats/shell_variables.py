"""References with variables of a shell's kind: `nginx:${TAG:-1.25}`, `${BASE}`, with what stands for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.workloads.place import Part

_VARIABLE = re.compile(
    r"\$(?:\{([A-Za-z_][A-Za-z0-9_.]*)(?:(:?[-+?])((?:[^{}]|\{[^{}]*\})*))?\}|([A-Za-z_][A-Za-z0-9_]*))"
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A text with its variables filled in: the parts that write the image, and what the whole says."""

    reference: str
    parts: dict[str, Part]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A text with a variable that nothing gives a value."""

    variable: str


def resolve(part: Part, known: Mapping[str, Part], pattern: re.Pattern[str] = _VARIABLE) -> Resolved | Unresolved:
    """What `part` says when its variables have the values of `known` (or their defaults).

    The image is split where its variables stand. A rewriter then changes the repository's text and leaves the
    rest. `nginx:${TAG:-1.25}` is the repository `nginx` and a tag. A whole reference in one variable is that
    variable's value, where it is written. `pattern` says how a variable is written. Its name is the first group or the
    fourth. The second and third are the operator and word of a shell's default.
    """
    text = part.value
    pieces = list(pattern.finditer(text))
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
    """The parts of an image whose name stands in one piece or two: a registry's variable, and the rest."""
    name = filled.partition("@")[0]
    slash = name.rfind("/") + 1
    repository_end = slash + len(name[slash:].partition(":")[0])
    whole = _piece(part, filled, spans, known, (0, repository_end))
    if whole is not None:
        return Resolved(filled, {"repository": whole})
    first = spans[0]
    registry = _given(part, first[2], known)
    if first[0] == 0 and registry is not None:
        # `${REGISTRY}/nginx:1` or `${REGISTRY}nginx:1`: the registry is written where the variable gets its value.
        start = first[1]
        if filled[start - 1 : start] == "/":
            registry = replace(registry, end=registry.end - 1, value=registry.value[:-1])
        elif filled[start : start + 1] == "/":
            start += 1
        else:
            return Resolved(filled, {})
        repository = _piece(part, filled, spans, known, (start, repository_end))
        if repository is not None:
            return Resolved(filled, {"registry": registry, "repository": repository})
    return Resolved(filled, {})


def _piece(
    part: Part,
    filled: str,
    spans: list[tuple[int, int, re.Match[str]]],
    known: Mapping[str, Part],
    wanted: tuple[int, int],
) -> Part | None:
    """The characters `wanted` of the filled text where they are written: in `part` itself, or as a variable's whole value."""
    start, end = wanted
    touching = [span for span in spans if span[0] < end and span[1] > start]
    if not touching:
        # The text before it is as much longer as its variables are longer than their values.
        moved = sum(piece.end() - piece.start() - (last - begin) for begin, last, piece in spans if last <= start)
        return Part(part.start + start + moved, part.start + end + moved, filled[start:end], part.style)
    begin, last, piece = touching[0]
    return _given(part, piece, known) if len(touching) == 1 and (begin, last) == wanted else None


def _given(part: Part, piece: re.Match[str], known: Mapping[str, Part]) -> Part | None:
    """What a variable stands for, where that is written: its value, else its own default."""
    return known.get(_name(piece)) or _default(part, piece)


def _whole(part: Part, piece: re.Match[str], known: Mapping[str, Part]) -> Resolved | Unresolved:
    value = _given(part, piece, known)
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
