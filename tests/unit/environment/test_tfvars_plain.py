"""The short way through plain values: it answers as the tree does, or leaves the text to it."""

from __future__ import annotations

from pathlib import Path

import pygohcl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.environment.tfvars import _Reader, parse_tfvars
from orchestrator.environment.tfvars_plain import read_plain

SHIPPED = sorted((Path(__file__).parents[3] / "environments").glob("*.tfvars"))

PLAIN = {
    "values of every kind": 'a = "x"\nb = 1\nc = 1.50\nd = true\ne = null\n',
    "nested": 'a = { b = ["x", { c = 2 }, []], "d e" = {} }\nf = [\n  "x",\n\n  # why\n  1,\n]\n',
    "comments and windows lines": '# first\r\na = 1 // why\r\n/* two\nlines */ b = {\r\n  c : "x",\r\n}\r\n',
    "a string that looks like more": 'a = "# {[ // /* 1"\nb = ["]"]\n',
    "letters of other scripts": 'größe = { ключ-1 = "värde" }\n',
    "no line at the end": "a = { b = 1 }",
    "nothing": "",
}
OF_THE_TREE = {
    "an escape": 'a = "x\\n"\n',
    "an interpolation": 'a = "${b}"\n',
    "a percent": 'a = "100%"\n',
    "a heredoc": "a = <<X\ny\nX\n",
    "a reference": "a = b\n",
    "a negative number": "a = -1\n",
    "an exponent": "a = 1e3\n",
    "an operator": "a = 1 + 2\n",
    "an index": "a = [1, 2][0]\n",
    "an index in a list": "a = [[1] [0]]\n",
    "an attribute": "a = { b = 1 }.b\n",
    "a for expression": "a = [for x in [1] : x]\n",
    "a block": "a {\n  b = 1\n}\n",
    "a key twice": "a = { b = 1, b = 2 }\n",
    "a key that is a number": "a = { 1 = 2 }\n",
    "a comparison": 'a = "x" == "y"\n',
    "a word that begins like true": "a = truest\n",
    "parentheses": "a = (1)\n",
    "a bracket that is open": "a = { b = 1\n",
    "a bracket too many": "a = 1 }\n",
    "too deep": f"a = {'[' * 60}{']' * 60}\n",
    "a number of 200 digits": f"a = {'1' * 200}\n",
}


def through_the_tree(text: str) -> tuple[object, object]:
    reader = _Reader(text, "x.tfvars")
    return reader.read(), reader.numbers


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_plain_values_have_the_lines_that_the_tree_says(text: str) -> None:
    plain = read_plain(text, "x.tfvars")
    assert plain is not None
    assert (plain.locations, plain.numbers) == through_the_tree(text)
    assert parse_tfvars(text, "x.tfvars").values == pygohcl.attributes_loads(text)


@pytest.mark.parametrize("text", OF_THE_TREE.values(), ids=OF_THE_TREE)
def test_what_is_not_plain_is_left_to_the_tree(text: str) -> None:
    assert read_plain(text, "x.tfvars") is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_read_alike_both_ways(path: Path) -> None:
    text = path.read_text()
    plain = read_plain(text, "x.tfvars")
    assert plain is not None
    assert (plain.locations, plain.numbers) == through_the_tree(text)


WORDS = 'a|b |=|:| |,|{|}|[|]|"x"|"|1|1.5|-|true|null|# c|/* | */|//|d = {|e = "f"|$|%|(|)|.|?'
PIECES = st.sampled_from([*WORDS.split("|"), "\n", "\r\n", "c = 1\n", "<<X\n"])


@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_the_parser_takes_and_is_plain_reads_alike(text: str) -> None:
    plain = read_plain(text, "x.tfvars")
    if plain is None:
        return
    try:
        pygohcl.attributes_loads(text)
    except (pygohcl.HCLParseError, pygohcl.HCLInternalError):
        return
    assert (plain.locations, plain.numbers) == through_the_tree(text)
