"""A configuration file as k8s-image-swapper reads it: YAML whose keys have no case and whose scalars have no fixed type. Pure.

`read_tree` gives what was written by canonical key, each with its place, and complains of what nobody would read. The
types are those of yaml.v3, read as loosely as viper and mapstructure do. `"8s"`, `"true"` and `123456789012` are a
duration, a boolean and a text. https://pkg.go.dev/github.com/go-viper/mapstructure/v2 (`WeaklyTypedInput`)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.spelling import nearest
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping, cut_documents, parse_yaml

# Bytes of a ConfigMap.
LONGEST_CONFIG = 1 << 20
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False", ""})
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")

# A key's kind: None is a scalar, a mapping has keys of its own. A list of one mapping is a list of those.
Shape = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A scalar that somebody wrote: `value` is None, bool, int, float or str; `key` its whole path; `text` the spelling."""

    value: bool | int | float | str
    key: str
    where: Location
    text: str

    def as_text(self) -> str:
        """As mapstructure makes a string of it. A number keeps its leading zeros, which Go's readers lose."""
        value = self.value
        if isinstance(value, bool):
            return "1" if value else "0"
        if not isinstance(value, str) and self.text.isascii() and self.text.isdigit():
            return self.text
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float):
            plain = format(Decimal(repr(value)), "f")
            return plain.rstrip("0").rstrip(".") if "." in plain else plain
        return value

    def as_boolean(self) -> bool | None:
        """True or false, None where it is neither."""
        if isinstance(self.value, str):
            return True if self.value in _TRUE else False if self.value in _FALSE else None
        return bool(self.value)

    def as_seconds(self) -> float | None:
        """A Go duration in seconds; a bare number counts nanoseconds. None where it is none."""
        value = self.value
        if isinstance(value, bool):
            return None
        if not isinstance(value, str):
            return int(value) / 1e9
        sign = -1.0 if value.startswith("-") else 1.0
        rest = value.removeprefix("-") if sign < 0 else value.removeprefix("+")
        if rest == "0":
            return 0.0
        seconds, position = 0.0, 0
        while position < len(rest):
            part = _DURATION.match(rest, position)
            if part is None:
                return None
            seconds += float(part[1]) * _UNITS[part[2]]
            position = part.end()
        return sign * seconds if rest else None


@dataclass(frozen=True, slots=True)
class LooseTree:
    """What a file says: scalars by canonical path (`target.aws.region`), and lists of such trees."""

    scalars: Mapping[str, Written] = field(default_factory=dict)
    lists: Mapping[str, tuple[LooseTree, ...]] = field(default_factory=dict)
    where: Location | None = None


Complain = Callable[[RefusedInput], None]


def read_tree(text: str, file: str, shape: Shape, complain: Complain) -> LooseTree:
    """The tree of the first document, as the reader has it. Complains of every problem; never raises for what is written."""
    if len(text) > LONGEST_CONFIG:
        complain(
            RefusedInput(
                f"The file has {len(text)} characters.",
                why=f"{LONGEST_CONFIG} are read: a ConfigMap holds no more.",
                remedy="Write a smaller file.",
                where=Location(file),
            )
        )
        return LooseTree()
    text = text.removeprefix("\ufeff")
    starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(start: int) -> Location:
        return Location(file, bisect_right(starts, start))

    try:
        roots = [root for start, end in cut_documents(text) for root in parse_yaml(text, start, end)][:1]
    except BrokenYaml as error:
        remedy = "Correct the YAML there."
        complain(RefusedInput("This is not YAML.", why=f"{error.reason}.", remedy=remedy, where=place(error.start)))
        return LooseTree()
    if not roots or (isinstance(roots[0], Scalar) and plain_value(roots[0]) is None):
        return LooseTree()
    return _Walk(place, complain).tree(roots[0], shape, "")


def plain_value(scalar: Scalar) -> bool | int | float | str | None:
    """The value that yaml.v3 decodes: `yes` and `on` stay texts, 010 is eight, quotes make a text."""
    text = scalar.value
    if scalar.style != "plain" or (scalar.tag or "").endswith(":str"):
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if len(text) <= 40 and _INT.fullmatch(text):
        digits = text.replace("_", "")
        try:
            octal = re.fullmatch(r"[-+]?0[0-7]+", digits)
            return int(digits, 8 if octal else 0)
        except ValueError:
            return float(digits)
    if len(text) <= 40 and _FLOAT.fullmatch(text) and isfinite(float(text)):
        return float(text)
    return text


class _Walk:
    """The walk over the nodes of one file."""

    def __init__(self, place: Callable[[int], Location], complain: Complain) -> None:
        self._place = place
        self._complain = complain

    def tree(self, node: Node, shape: Shape, path: str) -> LooseTree:
        scalars: dict[str, Written] = {}
        lists: dict[str, tuple[LooseTree, ...]] = {}
        self._mapping(node, shape, path, scalars, lists)
        return LooseTree(scalars, lists, self._place(node.start))

    def _mapping(
        self,
        node: Node,
        shape: Shape,
        path: str,
        scalars: dict[str, Written],
        lists: dict[str, tuple[LooseTree, ...]],
    ) -> None:
        if not isinstance(node, YamlMapping):
            self._wrong(path or "The file", f"It is {_kind(node)}; it holds keys.", node.start)
            return
        known = {name.lower(): name for name in shape}
        for key, value in self._pairs(node, path):
            name = known.get(key.value.lower())
            if name is None:
                self._unknown(key, path, shape)
                continue
            whole = f"{path}.{name}" if path else name
            if isinstance(value, Scalar) and plain_value(value) is None:
                continue  # `key:` and `key: null` say nothing
            inner = shape[name]
            if inner is None:
                self._scalar(value, whole, scalars)
            elif isinstance(inner, list):
                # One mapping stands for a list of one.
                items = value.items if isinstance(value, YamlList) else [value]
                lists[whole] = tuple(self.tree(one, inner[0], f"{whole}[{at}]") for at, one in enumerate(items))
            else:
                self._mapping(value, inner, whole, scalars, lists)

    def _pairs(self, node: YamlMapping, path: str) -> Iterator[tuple[Scalar, Node]]:
        """Keys and values, merged ones where no own key says otherwise."""
        seen: dict[str, Scalar] = {}
        merged: list[Node] = []
        for key, value in node.pairs:
            if not isinstance(key, Scalar):
                self._wrong(path or "The file", "A key of it is no text.", key.start)
            elif key.value == "<<" and key.style == "plain":
                merged += value.items if isinstance(value, YamlList) else [value]
            elif key.value.lower() in seen:
                first = self._place(seen[key.value.lower()].start)
                whole = f"{path}.{key.value}" if path else key.value
                self._wrong(whole, f"It stands at line {first.line} already; keys have no case.", key.start)
            else:
                seen[key.value.lower()] = key
                yield key, value
        for one in merged:
            if isinstance(one, YamlMapping):
                for key, value in one.pairs:
                    if isinstance(key, Scalar) and key.value.lower() not in seen:
                        seen[key.value.lower()] = key
                        yield key, value

    def _scalar(self, value: Node, whole: str, scalars: dict[str, Written]) -> None:
        if not isinstance(value, Scalar):
            self._wrong(whole, f"It is {_kind(value)}; it holds one value.", value.start)
            return
        plain = plain_value(value)
        if plain is not None:
            scalars[whole] = Written(plain, whole, self._place(value.start), value.value)

    def _unknown(self, key: Scalar, path: str, shape: Shape) -> None:
        whole = f"{path}.{key.value}" if path else key.value
        near = nearest(key.value, shape)
        remedy = f'Did you mean "{near}"?' if near else f"The keys here are {', '.join(shape)}."
        self._complain(
            RefusedInput(
                f"There is no key {whole[:200]}.",
                why="Nothing would read it.",
                remedy=remedy,
                where=self._place(key.start),
            )
        )

    def _wrong(self, what: str, why: str, start: int) -> None:
        remedy = "Correct it there; k8s-image-swapper's documentation shows every key."
        self._complain(RefusedInput(f"{what} cannot be read.", why=why, remedy=remedy, where=self._place(start)))


def _kind(node: Node) -> str:
    return "a list" if isinstance(node, YamlList) else "a mapping" if isinstance(node, YamlMapping) else "one value"
