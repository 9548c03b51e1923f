"""References with variables of a shell's kind: `nginx:${TAG:-1.25}`, `${BASE}`, with what stands for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.workloads.place import Part

_VARIABLE = re.compile(
    r"\$(?:\{([A-Za-z_][A-Za-z0-9_.]*)(?:(:?[-+?])((?:[^{}]|\{[^{}]*\})*))?\}|([A-Za-z_][A-Za-z0-9_]*))"
)

_NAMED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_.]*)")


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
        return _whole(part, pieces[0], known, pattern)
    filled, spans, position = "", [], 0
    for piece in pieces:
        value = _value(part, piece, known, pattern)
        if value is None:
            return Unresolved(_name(piece))
        filled += text[position : piece.start()]
        spans.append((len(filled), len(filled) + len(value), piece))
        filled += value
        position = piece.end()
    filled += text[position:]
    return _split(part, filled, spans, known)


def variable_names(text: str) -> Iterator[str]:
    """The names of the variables that stand in a text, those in the words of others too."""
    for match in _NAMED.finditer(text):
        yield match[1]


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
    if first[0] == 0 and registry is not None and "$" not in registry.value:
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
    # What is empty cuts the text in two as well.
    touching = [span for span in spans if span[0] < end and (span[1] > start or start < span[0] == span[1])]
    if not touching:
        # The text before it is as much longer as its variables are longer than their values.
        moved = sum(piece.end() - piece.start() - (last - begin) for begin, last, piece in spans if last <= start)
        return replace(part, start=part.start + start + moved, end=part.start + end + moved, value=filled[start:end])
    begin, last, piece = touching[0]
    given = _given(part, piece, known) if len(touching) == 1 and (begin, last) == wanted else None
    return None if given is None or "$" in given.value else given


def _given(part: Part, piece: re.Match[str], known: Mapping[str, Part]) -> Part | None:
    """What a variable stands for, where that is written: its value, or the word in its own braces. None where neither is.

    `:-` and `-` give the word in place of a missing value, `:+` and `+` in place of a value. With a colon an empty
    value is missing.
    """
    operator, value = piece[2] or "", known.get(_name(piece))
    if value is not None and operator.startswith(":") and not value.value:
        value = None
    if operator.endswith(("-", "+")):
        start, end = part.start + piece.start(3), part.start + piece.end(3)
        word = replace(part, start=start, end=end, value=piece[3])
        if operator.endswith("+"):
            return word if value is not None else replace(word, end=start, value="")
        return word if value is None else value
    return value


def _whole(
    part: Part, piece: re.Match[str], known: Mapping[str, Part], pattern: re.Pattern[str]
) -> Resolved | Unresolved:
    value = _given(part, piece, known)
    if value is None:
        return Unresolved(_name(piece))
    if "$" not in value.value:
        return Resolved(value.value, {"image": value})
    if value.elsewhere:
        # Its file was read in its own order: what had no value there has none here.
        return Unresolved(_name(piece))
    if value is not known.get(_name(piece)):
        return resolve(value, known, pattern)
    others = {name: other for name, other in known.items() if name != _name(piece)}
    return resolve(value, others, pattern)


def _value(part: Part, piece: re.Match[str], known: Mapping[str, Part], pattern: re.Pattern[str]) -> str | None:
    given = _given(part, piece, known)
    if given is None or "$" not in given.value:
        return None if given is None else given.value
    if given is known.get(_name(piece)):
        return None
    # A word is a part of the text that it stands in, so that this ends.
    inner = resolve(given, known, pattern)
    return inner.reference if isinstance(inner, Resolved) else None


def _name(piece: re.Match[str]) -> str:
    return piece[1] or piece[4]
