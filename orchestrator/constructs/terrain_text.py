"""A stack of CDK Terrain as a text in Terraform's language, with the place of each value in it. Pure.

The finders read text. So the images of a program are those that `orchestrator rewrite` finds in a file. An edit of the
text is a change of the value that stands there.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""The way to a value: ("resource", "kubernetes_pod", "web", "spec", 0, …)."""

_DELIMITER = "ORCHESTRATOR_TEXT"
# `${jsonencode(…)}`, with which a program writes a text of values that are known at deployment only.
_CALL = re.compile(r"\$\{([A-Za-z_]\w*\(.*\))\}", re.S)
_FILLED_IN = re.compile(r"\$\{(?:[^{}\"]|\"[^\"]*\"|\{(?:[^{}\"]|\"[^\"]*\")*\})*\}", re.S)
_QUOTED = re.compile(r"\"[^\"]*\"")
_STRUCTURED = re.compile(r"\s*[\[{]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text of the stack: characters `start` to `end` write what stands in `value` from its character `skipped` on."""

    path: Path
    value: str
    start: int
    end: int
    skipped: int = 0

    def within(self, index: int) -> int:
        """The character of `value` that is written by the character `index` of the whole text."""
        return index - self.start + self.skipped


@dataclass(slots=True)
class StackText:
    """The text, and its leaves in their order."""

    text: str = ""
    leaves: list[Leaf] = field(default_factory=list)

    def leaf(self, index: int) -> Leaf | None:
        """The value that the character `index` belongs to."""
        position = bisect_right(self.leaves, index, key=lambda leaf: leaf.start) - 1
        return self.leaves[position] if position >= 0 and index < self.leaves[position].end else None


def write_stack(stack: Mapping[str, Any]) -> StackText:
    """The resources, modules, variables and locals of a synthesised stack (`cdk.tf.json`, as values)."""
    writer = _Writer()
    for kind, name, path, values in elements(stack):
        writer.put(f"{kind} {name} {{\n")
        for key, value in values.items():
            if key == "//" or not re.fullmatch(r"[A-Za-z_][\w-]*", key):
                continue
            writer.put(f"{key} = ")
            # What a manifest's kind says of its fields is read in a Kubernetes object alone.
            if name.startswith('"kubernetes_manifest"') and key == "manifest":
                writer.manifest(value, (*path, key))
            else:
                writer.value(value, (*path, key))
            writer.put("\n")
        writer.put("}\n")
    return StackText("".join(writer.pieces), writer.leaves)


def elements(stack: Mapping[str, Any]) -> Iterator[tuple[str, str, Path, Mapping[str, Any]]]:
    """(type of its block, labels, path, values) of each element that may name images."""
    for type_, named in stack.get("resource", {}).items():
        for name, values in named.items():
            yield "resource", f'"{type_}" "{name}"', ("resource", type_, name), values
    for kind in ("module", "variable"):
        for name, values in stack.get(kind, {}).items():
            yield kind, f'"{name}"', (kind, name), values
    if "locals" in stack:
        yield "locals", "", ("locals",), stack["locals"]


class _Writer:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.leaves: list[Leaf] = []
        self._length = 0

    def put(self, text: str) -> None:
        self.pieces.append(text)
        self._length += len(text)

    def value(self, value: Any, path: Path) -> None:
        if isinstance(value, str):
            self._text(value, path)
        elif isinstance(value, Mapping):
            self._collection("{}", [(f"{json.dumps(key)} = ", one, (*path, key)) for key, one in value.items()])
        elif isinstance(value, list):
            self._collection("[]", [("", one, (*path, index)) for index, one in enumerate(value)])
        else:
            self.put(json.dumps(value))

    def _collection(self, ends: str, items: list[tuple[str, Any, Path]]) -> None:
        self.put(ends[0])
        for key, one, path in items:
            self.put(key)
            self.value(one, path)
            self.put(", ")
        self.put(ends[1])

    def _text(self, value: str, path: Path) -> None:
        call = _CALL.fullmatch(value)
        values_of_chart = path[:2] == ("resource", "helm_release") and path[3:4] == ("values",)
        if call is not None:
            self._leaf(value, path, call[1], call.start(1))
        elif values_of_chart or "\n" in value or _STRUCTURED.match(value) or _needs_escapes(value):
            self.put(f"<<{_DELIMITER}\n")
            self._leaf(value, path, _without_quotes(value))
            self.put(f"\n{_DELIMITER}\n")
        else:
            self.put('"')
            self._leaf(value, path, value)
            self.put('"')

    def _leaf(self, value: str, path: Path, written: str, skipped: int = 0) -> None:
        self.leaves.append(Leaf(path, value, self._length, self._length + len(written), skipped))
        self.put(written)

    def manifest(self, value: Any, path: Path) -> None:
        self.put(f"<<{_DELIMITER}\n")
        self._json(value, path)
        self.put(f"\n{_DELIMITER}\n")

    def _json(self, value: Any, path: Path) -> None:
        if isinstance(value, Mapping):
            self._listed("{}", [(f"{json.dumps(key)}: ", one, (*path, key)) for key, one in value.items()])
        elif isinstance(value, list):
            self._listed("[]", [("", one, (*path, index)) for index, one in enumerate(value)])
        elif isinstance(value, str) and not _needs_escapes(value):
            self.put('"')
            self._leaf(value, path, _without_quotes(value))
            self.put('"')
        else:
            self.put(json.dumps(value, ensure_ascii=False))

    def _listed(self, ends: str, items: list[tuple[str, Any, Path]]) -> None:
        self.put(ends[0])
        for index, (key, one, path) in enumerate(items):
            self.put((", " if index else "") + key)
            self._json(one, path)
        self.put(ends[1])


def _needs_escapes(value: str) -> bool:
    """Whether a text cannot stand between quotes as it is. What stands in `${…}` can."""
    return bool(re.search(r'["\\\x00-\x1f]', _FILLED_IN.sub("", value)))


def _without_quotes(value: str) -> str:
    """A text as long as `value` whose `${…}` have no quotes: JSON and YAML are read around them."""
    return _FILLED_IN.sub(lambda hole: _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), hole[0]), value)
