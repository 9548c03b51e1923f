"""YAML as most manifests write it -> the trees of `yaml_tree`, line by line and in half of libyaml's time.

It is block mappings and lists of words on one line, plain or in quotes. Anchors, tags, texts of several lines, full
flows, escapes and tabs are not known here. They make the answer None, and libyaml reads the document. Nothing is
refused here, so that one reader alone says what is no YAML.
"""

from __future__ import annotations

import re

from orchestrator.workloads.yaml_tree import DEEPEST, Node, Scalar, YamlList, YamlMapping

# Printable ASCII: behind a blank `#` begins a comment, and before a blank `:` ends a key.
_LETTERS = '[!"$-9;-~]'
_REST = rf"{_LETTERS}*+(?:(?:[ ]++(?={_LETTERS})|:(?=[!-~])|\#){_LETTERS}*+)*+"
_FIRST = r"[A-Za-z0-9_./$(+~^\\<;=]"
_QUOTED = r"""'[ -&(-~]*+'|"[ !\#-\[\]-~]*+\""""
_VALUE = rf"(?:{_FIRST}|-(?=[!-~])){_REST}|{_QUOTED}|\{{\}}|\[\]"
# The mark of a list's item; a key, perhaps with its value, or a value alone; a comment. `...` ends a document.
# A match begins at a line's first character, so that any other line costs no more than its length.
_LINE = re.compile(
    rf"""(?<![^\n])[ ]*+(-[ ]++)?(?:((?!\.\.\.){_FIRST}{_REST}|{_QUOTED}):(?:[ ]++({_VALUE}))?(?=[ \r\n]|\Z)|({_VALUE}))?"""
    r"""(?:\n|[ ]*+(?:(?<![^ \n])\#[ -~]*+)?(?:\r?\n|\Z))""",
    re.VERBOSE,
)
_MARKER = re.compile(r"---[ ]*+(?:(?<=[ ])#[ -~]*+)?\r?\n")
_QUOTES = frozenset("'\"")
_SPECIAL = _QUOTES | frozenset("{[")
# libyaml looks for the colon of a key no further than 1,024 characters.
_LONGEST_KEY = 1000


def parse_plain_blocks(text: str, start: int, end: int) -> list[Node] | None:
    """The root of the document between two characters of `text`, None where libyaml has to read it."""
    marker = _MARKER.match(text, start, end)
    position = start if marker is None else marker.end()
    roots: list[Node] = []
    # The pairs or items and the column of the innermost node. `key` waits for its value, `outer` is what encloses them.
    pairs: list[tuple[Node, Node]] = []
    items: list[Node] | None = roots
    column, key = -1, None
    outer: list[tuple[int, list[tuple[Node, Node]], list[Node] | None]] = []
    for match in _LINE.finditer(text, position, end):
        (first, last), (mark, _), (name, name_end), (value, value_end), (alone, alone_end) = match.regs
        if first != position:
            return None
        position = last
        begin = mark if mark >= 0 else name
        if begin < 0:
            if alone >= 0:
                return None
            continue
        here = begin - first
        if here <= column:
            if key is not None and (here < column or mark < 0):
                pairs.append((key, _nothing(key)))
                key = None
            while here < column:
                column, pairs, items = outer.pop()
            if here == column and mark < 0 and items is not None:
                # A list may stand in the column of the key that it belongs to.
                column, pairs, items = outer.pop()
            if here != column:
                return None
        if here > column or (mark >= 0 and items is None):
            if (key is None and (roots or outer)) or len(outer) >= DEEPEST - 2:
                return None
            node: YamlMapping | YamlList = YamlMapping([], begin) if mark < 0 else YamlList([], begin)
            if key is None:
                roots.append(node)
            else:
                pairs.append((key, node))
                key = None
            outer.append((column, pairs, items))
            column, pairs, items = here, [], None
            if isinstance(node, YamlMapping):
                pairs = node.pairs
            else:
                items = node.items
        if mark >= 0 and items is not None:
            if name < 0:
                if alone < 0:
                    return None
                items.append(_value(text, alone, alone_end))
                continue
            item = YamlMapping([], name)
            items.append(item)
            outer.append((column, pairs, items))
            column, pairs, items = name - first, item.pairs, None
        if name_end - name > _LONGEST_KEY:
            return None
        # Most keys and many values are plain: they are made here, without a call.
        if text[name] in _QUOTES:
            named = _quoted(text, name, name_end)
        else:
            named = Scalar(text[name:name_end], name, name_end, "plain")
        if value < 0:
            key = named
        elif text[value] in _SPECIAL:
            pairs.append((named, _value(text, value, value_end)))
        else:
            pairs.append((named, Scalar(text[value:value_end], value, value_end, "plain")))
    if key is not None:
        pairs.append((key, _nothing(key)))
    return roots if roots and position == end else None


def _nothing(key: Scalar) -> Scalar:
    return Scalar("", key.end + 1, key.end + 1, "plain")


def _quoted(text: str, start: int, end: int) -> Scalar:
    return Scalar(text[start + 1 : end - 1], start, end, "single" if text[start] == "'" else "double")


def _value(text: str, start: int, end: int) -> Node:
    first = text[start]
    if first in _QUOTES:
        return _quoted(text, start, end)
    if first == "{":
        return YamlMapping([], start)
    return YamlList([], start) if first == "[" else Scalar(text[start:end], start, end, "plain")
