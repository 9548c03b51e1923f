"""YAML text -> trees whose scalars know their place in the text.

The events are libyaml's, which Kubernetes' own reader is a port of. Everything above them is different from PyYAML's
composer on purpose. An anchor may be defined again, the last one of two equal keys counts, and no value is converted. A
document that is broken costs only itself, because documents are cut apart first, as Kubernetes does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from orchestrator.workloads.place import Part, Style

DEEPEST = 200
_DOCUMENT = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
# An anchor and a tag, which a comment may follow before the scalar's own line.
_PROPERTIES = re.compile(r"(?:[&!][^\s]*[ \t\r\n]+(?:#[^\n]*\n[ \t\r\n]*)*)*+")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*\r?\n)*[ ]*")
_STYLES: dict[str | None, Style] = {
    None: "plain",
    "": "plain",
    "'": "single",
    '"': "double",
    "|": "literal",
    ">": "folded",
}


class BrokenYaml(Exception):
    """A document that is not YAML, or not such as Kubernetes' reader takes: the reason, and where."""

    def __init__(self, reason: str, start: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.start = start


@dataclass(eq=False, slots=True)
class Scalar:
    """A scalar: `start` is its first character, quote or block indicator included, without anchor and tag."""

    value: str
    start: int
    end: int
    style: Style
    tag: str | None = None

    def part(self, text: str) -> Part:
        """The scalar's text without its quotes, or a block scalar's without header, indentation and last line feed."""
        start, end = self.start, self.end
        if self.style in {"single", "double"}:
            start, end = start + 1, end - 1
        elif self.style in {"literal", "folded"}:
            header = _BLOCK_HEADER.match(text, start, end)
            start = header.end() if header else start
            while end > start and text[end - 1] in " \t\r\n":
                end -= 1
        return Part(start, end, self.value, self.style)


@dataclass(eq=False, slots=True)
class YamlList:
    """A list of nodes."""

    items: list[Node]
    start: int


@dataclass(eq=False, slots=True)
class YamlMapping:
    """Keys and values in their order; of equal keys the last one counts."""

    pairs: list[tuple[Node, Node]]
    start: int
    _by_key: dict[str, Node] | None = None

    def entries(self) -> dict[str, Node]:
        """{key: value} of the keys that are scalars, with what a merge key (`<<`) brings."""
        if self._by_key is None:
            self._by_key = {}
            for key, value in self.pairs:
                if not isinstance(key, Scalar):
                    continue
                if key.value == "<<" and key.style == "plain":
                    for merged in value.items if isinstance(value, YamlList) else [value]:
                        if isinstance(merged, YamlMapping) and merged is not self:
                            self._by_key = {**merged.entries(), **self._by_key}
                else:
                    self._by_key[key.value] = value
        return self._by_key

    def own_entries(self) -> Iterator[tuple[str, Node]]:
        """The pairs that stand here, merge keys with their values included: every node is met where it is written."""
        for key, value in self.pairs:
            yield (key.value if isinstance(key, Scalar) else "?"), value


Node = Scalar | YamlList | YamlMapping


def cut_documents(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of every document: a line that begins with `---` begins one, whatever is open."""
    start = 0
    for match in _DOCUMENT.finditer(text) if "\n---" in text else ():
        if match.start() > start:
            yield start, match.start()
        start = match.start()
    if start < len(text):
        yield start, len(text)


class _Composer:
    """Nodes as they open and close; what a mapping waits for is its key or its value."""

    def __init__(self) -> None:
        self.roots: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self._open: list[tuple[YamlList | YamlMapping, list[Node]]] = []

    def place(self, node: Node, anchor: str | None = None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self._open:
            self.roots.append(node)
            return
        parent, keys = self._open[-1]
        if isinstance(parent, YamlList):
            parent.items.append(node)
        elif keys:
            parent.pairs.append((keys.pop(), node))
        else:
            keys.append(node)

    def open(self, node: YamlList | YamlMapping, anchor: str | None) -> None:
        self.place(node, anchor)
        self._open.append((node, []))
        if len(self._open) > DEEPEST:
            raise BrokenYaml(f"it is nested deeper than {DEEPEST} levels", node.start)

    def close(self) -> None:
        self._open.pop()


def compose_yaml(text: str) -> yaml.Node | None:
    """PyYAML's own nodes of the one document of `text`, None without one. Raises BrokenYaml.

    libyaml's composer ends the process where the nesting is some ten thousand levels deep: the depth is looked at first.
    """
    parse_yaml(text)
    try:
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise BrokenYaml(_one_line(reason), mark.index if mark else 0) from error


def parse_yaml(text: str, start: int = 0, end: int | None = None) -> list[Node]:
    """The roots of the documents between two characters of `text`. Raises BrokenYaml.

    Time and memory grow with the text: an alias gives the node that it names, not a copy.
    """
    piece = text if start == 0 and end is None else text[start:end]
    composer = _Composer()
    try:
        # libyaml's events have these attributes; its types say less than it gives. `yaml.parse` asks twice for each.
        next_event = cast("Callable[[], Any]", yaml.CSafeLoader(piece).get_event)
        while type(event := next_event()) is not yaml.StreamEndEvent:
            _take(composer, event, piece, start)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenYaml(_one_line(error.problem or str(error)), start + (mark.index if mark else 0)) from error
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        raise BrokenYaml(_one_line(getattr(error, "reason", str(error))), start + int(position or 0)) from error
    return composer.roots


def _take(composer: _Composer, event: Any, piece: str, start: int) -> None:
    kind = type(event)
    if kind is yaml.ScalarEvent:
        first = event.start_mark.index
        if event.anchor is not None or event.tag is not None:
            properties = _PROPERTIES.match(piece, first)
            first = properties.end() if properties else first
        node = Scalar(event.value, start + first, start + event.end_mark.index, _STYLES[event.style], event.tag)
        composer.place(node, event.anchor)
    elif kind is yaml.MappingStartEvent:
        composer.open(YamlMapping([], start + event.start_mark.index), event.anchor)
    elif kind is yaml.SequenceStartEvent:
        composer.open(YamlList([], start + event.start_mark.index), event.anchor)
    elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
        composer.close()
    elif kind is yaml.AliasEvent:
        known = composer.anchors.get(event.anchor)
        if known is None:
            raise BrokenYaml(f"the alias *{event.anchor} names no anchor", start + event.start_mark.index)
        composer.place(known)
    elif kind is yaml.DocumentStartEvent:
        composer.anchors.clear()


def _one_line(text: str) -> str:
    return " ".join(text.split())
