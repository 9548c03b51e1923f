"""JSON text -> the same trees as those of YAML, as Kubernetes' JSON reader takes it.

JSON is not quite a part of YAML. JSON alone has pairs of escapes for one character (`\\ud83d\\ude00`), control
characters as they are. Keys of more than 1,024 characters are refused, too, and several values one after another. A
text that is no JSON is left to the
reader of YAML, which says what is wrong with it.
"""

from __future__ import annotations

import json
import re

from orchestrator.workloads.plain_blocks import parse_plain_blocks
from orchestrator.workloads.yaml_tree import DEEPEST, BrokenYaml, Node, Scalar, YamlList, YamlMapping, parse_yaml

_BLANK = r"[ \t\r\n]*+"
# A value with what follows it: the token's end says whether a list or a mapping goes on.
_TOKEN = re.compile(_BLANK + r'(?:("(?:[^"\\]|\\.)*+")|([^\s\[\]{},:"]++)|([\[{\]},:]))', re.S)
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?", re.A)
_END = re.compile(_BLANK + r"\Z")


def parse_objects(text: str, start: int = 0, end: int | None = None) -> list[Node]:
    """The roots of the documents between two characters of `text`, JSON or YAML, by the fastest reader that knows them. Raises BrokenYaml."""
    end = len(text) if end is None else end
    first = _TOKEN.match(text, start, end)
    json_like = first is not None and first[3] in {"{", "["}
    roots = _json_values(text, start, end) if json_like else parse_plain_blocks(text, start, end)
    return parse_yaml(text, start, end) if roots is None else roots


def _json_values(text: str, start: int, end: int) -> list[Node] | None:
    """The values one after another, None where this is no JSON."""
    roots: list[Node] = []
    position = start
    while not _END.match(text, position, end):
        reader = _Reader(text, end, position)
        root = reader.value()
        if root is None:
            return None
        roots.append(root)
        position = reader.position
    return roots


class _Reader:
    """One value: open lists and mappings wait on a stack, so that deep texts take no deep calls."""

    def __init__(self, text: str, end: int, position: int) -> None:
        self._text = text
        self._end = end
        self.position = position

    def value(self) -> Node | None:
        """The next value with all that it holds, None where this is no JSON."""
        text, end = self._text, self._end
        open_nodes: list[YamlList | YamlMapping] = []
        key: Scalar | None = None
        keys: list[Scalar | None] = []
        # What may come: a value, the end of an empty list or mapping beside it, or what follows a value.
        expects, may_close = "value", False
        while True:
            match = _TOKEN.match(text, self.position, end)
            if match is None:
                return None
            self.position = match.end()
            string, word, mark = match.groups()
            if expects == "comma":
                parent = open_nodes[-1]
                if mark == ",":
                    expects, may_close = ("key" if isinstance(parent, YamlMapping) else "value"), False
                    continue
                may_close = True
            if mark in {"]", "}"}:
                if not may_close or not open_nodes or isinstance(open_nodes[-1], YamlMapping) != (mark == "}"):
                    return None
                node: Node = open_nodes.pop()
                key = keys.pop()
            elif expects == "comma":
                return None
            elif expects == "key":
                found = None if string is None else _string(match)
                colon = _TOKEN.match(text, self.position, end)
                if found is None or colon is None or colon[3] != ":":
                    return None
                key, expects, may_close = found, "value", False
                self.position = colon.end()
                continue
            elif mark in {"[", "{"}:
                opened = YamlList([], match.start(3)) if mark == "[" else YamlMapping([], match.start(3))
                open_nodes.append(opened)
                keys.append(key)
                if len(open_nodes) > DEEPEST:
                    raise BrokenYaml(f"it is nested deeper than {DEEPEST} levels", match.start(3))
                expects, may_close = ("value" if mark == "[" else "key"), True
                continue
            elif string is not None or (word is not None and _WORD.fullmatch(word)):
                scalar = _string(match) if string is not None else Scalar(word, match.start(2), match.end(2), "plain")
                if scalar is None:
                    return None
                node = scalar
            else:
                return None
            if not open_nodes:
                return node
            parent = open_nodes[-1]
            if isinstance(parent, YamlList):
                parent.items.append(node)
            elif key is not None:
                parent.pairs.append((key, node))
            expects = "comma"


def _string(match: re.Match[str]) -> Scalar | None:
    raw = match[1]
    start, end = match.span(1)
    if "\\" not in raw:
        return Scalar(raw[1:-1], start, end, "double")
    try:
        return Scalar(json.loads(raw, strict=False), start, end, "double")
    except ValueError:
        return None
