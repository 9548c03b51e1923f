"""The reader of plain lines gives the trees that libyaml gives, or leaves a document to it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.workloads.plain_blocks import parse_plain_blocks
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, cut_documents, parse_yaml

READ = {
    "a mapping": "a: 1\nb: two words\n",
    "a list in the column of its key": "a:\n- b\n- c: 1\n  d: 2\ne: f\n",
    "a list behind the column of its key": "a:\n    - b\n    -   c: 1\n        d:\n        - e\nf:\n",
    "a list alone": "- a\n- b: c\n  d:\n    e: f\n- {}\n- []\n",
    "keys without values": "a:\nb:\n  c:\n  d:\ne:",
    "comments and blank lines": "# a\n\na: b # c\n  # d\nb:   # e\n\n\n  c: d#e\n#f\n",
    "quotes": "'a b': \"c: #d\"\n\"e\": '*'\nf: ''\n",
    "marks inside words": "a: b:c\nd: e#f\ng/h: -i\nj: a,b[c]{d} & 'e' \"f\"\n.k: ...\nl: http://m:80/n#o\n",
    "arguments": "a:\n- --b=c:d\n- -e\n- $(F)\n- <<\n",
    "a marker with a comment": "--- # a\nb: c\n",
    "carriage returns": "a:\r\n- b\r\n\r\n- 'c' # d\r\n",
    "indentation of its own": "   a: b\n   c:\n    d: e\n",
    "a merge key without an alias": "<<: {}\n",
}
LEFT = {
    "an anchor": "a: &b c\n",
    "an alias": "a: *b\n",
    "a tag": "a: !b c\n",
    "a word over two lines": "a: b\n  c\n",
    "a word on the next line": "a:\n  b\n",
    "a block scalar": "a: |\n  b\n",
    "a flow": "a: [b]\n",
    "an escape": 'a: "\\n"\n',
    "a doubled quote": "a: 'b''c'\n",
    "a tab": "a:\tb\n",
    "a lone carriage return": "a: b\rc: d\n",
    "a letter outside ASCII": "a: ü\n",
    "a control character": "a: \x07\n",
    "an item without a word": "-\n- a\n",
    "a list in a list": "- - a\n",
    "a key that is asked for": "? a\n: b\n",
    "a key of 2,000 characters": f"{'a' * 2000}: b\n",
    "the end of a document": "a: b\n...\n",
    "an end of a document that looks like a key": "a:\n... b: c\n",
    "a directive": "%YAML 1.1\n---\na: b\n",
    "two documents": "a: b\n---\nc: d\n",
    "a colon in a value": "a: b: c\n",
    "a value behind quotes": "a: 'b' c\n",
    "a mapping below a word": "a: b\n  c: d\n",
    "a mapping between two columns": "a:\n    b: c\n  d: e\n",
    "a column before the first": "  a: b\n c: d\n",
    "a key behind a list": "a:\n  - b\n  c: d\n",
    "a list behind a value": "a: b\n- c\n",
    "a key behind a list alone": "- a\nb: c\n",
    "a word alone": "a\n",
    "nothing": "# a\n",
    "more levels than are read": "".join(f"{' ' * level}a:\n" for level in range(300)),
}
PIECES = (
    *("a: b\n", "c:\n", "- d\n", "- e: f\n", "  ", " ", "\n", "# g\n", "h: 'i'\n", '"j": "k"\n', "l: {}\n", "- []\n", "m", ":"),
    *("-", "#", "'", '"', "...", "...\n", "--- \n", "\t", "\r\n", "&n ", "*n", "|\n", "? ", ", ", "é", "o:\n  - p: q\n    r:\n", "\\"),
)  # fmt: skip


def drawn(nodes: list[Node]) -> list[object]:
    """Trees as values that can be compared: places, values and styles."""
    return [_drawn(node) for node in nodes]


def _drawn(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.value, node.start, node.end, node.style, node.tag
    if isinstance(node, YamlList):
        return node.start, drawn(node.items)
    return node.start, [(_drawn(key), _drawn(value)) for key, value in node.pairs]


@pytest.mark.parametrize("name", READ)
def test_plain_lines_give_the_tree_that_libyaml_gives(name: str) -> None:
    text = f"before: it\n{READ[name]}"
    start = text.index("\n") + 1
    found = parse_plain_blocks(text, start, len(text))
    assert found is not None
    assert drawn(found) == drawn(parse_yaml(text, start, len(text)))


@pytest.mark.parametrize("name", LEFT)
def test_a_line_that_needs_another_one_is_left_to_libyaml(name: str) -> None:
    assert parse_plain_blocks(LEFT[name], 0, len(LEFT[name])) is None


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_what_is_read_is_what_libyaml_reads(text: str) -> None:
    for start, end in cut_documents(text):
        found = parse_plain_blocks(text, start, end)
        if found is None:
            continue
        try:
            expected = parse_yaml(text, start, end)
        except BrokenYaml as error:
            pytest.fail(f"libyaml refuses {text[start:end]!r}: {error.reason}")
        assert drawn(found) == drawn(expected)


@pytest.mark.speed
@pytest.mark.parametrize("line", ["a: {}é", "a: {}: b", "- {}: c", "'{}' d", "{}"])
def test_a_long_line_takes_a_time_that_grows_with_it(line: str) -> None:
    def seconds(length: int) -> float:
        text = line.format("x " * length)
        began = time.process_time()
        assert parse_plain_blocks(text, 0, len(text)) is None
        return time.process_time() - began

    assert any(seconds(40_000) < 9 * max(seconds(10_000), 0.02) for _ in range(3))
