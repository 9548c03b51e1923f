"""A long run of blanks changes nothing in the tree, and its places count from the whole text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from orchestrator.environment.hcl_syntax import parse_hcl

if TYPE_CHECKING:
    from tree_sitter import Node

# Where blanks may stand: before a token, in a text, in a comment, at the ends.
PLACES = [
    'a = {blanks}x\nb = "y"\n',
    "a = 1\nb = [1,{blanks}2]\n",
    'a = {{{blanks}b = "c"{blanks}}}\n',
    'a = "${{{blanks}x}}"\n',
    "/* a{blanks}b */\na = 1\n",
    "# c{blanks}\na = 1\n",
    "a = <<E\n{blanks}x\nE\nb = 1\n",
    "{blanks}a = 1\n",
    "a{blanks}{{\n{blanks}}}\nb = 2{blanks}",
]


def shape(node: Node) -> object:
    return node.type, [shape(child) for child in node.children]


def leaves(node: Node, source: bytes) -> list[tuple[str, bytes, int]]:
    """(type, text without runs of blanks, row) of each token."""
    if node.children:
        return [leaf for child in node.children for leaf in leaves(child, source)]
    text = source[node.start_byte : node.end_byte]
    assert source.count(b"\n", 0, node.start_byte) == node.start_point[0]
    assert node.start_byte - (source.rfind(b"\n", 0, node.start_byte) + 1) == node.start_point[1]
    return [(node.type, re.sub(rb"\s+", b" ", text), 0)]


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n", " \n"])
@pytest.mark.parametrize("place", PLACES)
def test_a_long_run_of_blanks_is_a_short_one(place: str, blank: str) -> None:
    short, long = (place.format(blanks=blank * count).encode() for count in (3, 500))
    few, many = parse_hcl(short).root_node, parse_hcl(long).root_node
    assert shape(many) == shape(few)
    assert leaves(many, long) == leaves(few, short)
