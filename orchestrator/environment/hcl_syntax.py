"""HCL's bytes -> the syntax tree of tree-sitter, in time that grows with the text. Pure.

The grammar's scanner looks at the blanks before a token again for each of them: 60,000 blanks take half a minute.
So it is not shown what lies inside a long run of blanks. Places in the tree still count from the whole text.
The grammar's recovery takes a square of time for what is no HCL. HashiCorp's parser stops at the first error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from orchestrator.environment.tfvars_bounds import scan_bounds, without_heredocs

if TYPE_CHECKING:
    import tree_sitter

# Both ends of a run are left, so that a line's end and a heredoc's mark stay what they are.
_LONG = re.compile(rb"\s{64,}+")
_KEPT = 8
MOST_UNCHECKED = 16 << 10  # bytes


@cache
def _language() -> tree_sitter.Language:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Language(tree_sitter_hcl.language())


def parse_hcl(source: bytes) -> tree_sitter.Tree:
    """The tree of a file; where the text is no HCL its root has errors."""
    import tree_sitter

    return tree_sitter.Parser(_language(), included_ranges=list(_shown(source))).parse(source)


def has_tree(text: str, source: bytes) -> bool:
    """Is the text, whose bytes are `source`, one that the grammar reads in reasonable time: short, or all HCL?"""
    if len(_LONG.sub(b"", source)) <= MOST_UNCHECKED:
        return True
    import pygohcl

    bare = without_heredocs(text)
    # The parser takes a C string, which ends at a NUL.
    if bare is None or "\0" in bare or scan_bounds(bare).excess:
        return False
    try:
        pygohcl.loads(bare)
    except pygohcl.HCLParseError as error:
        return not str(error).startswith("invalid HCL:")
    return True


def _shown(source: bytes) -> Iterator[tree_sitter.Range]:
    """What the scanner sees: everything but the middle of each long run of blanks."""
    import tree_sitter

    places = _Places(source)
    start, begin = 0, (0, 0)
    for run in _LONG.finditer(source):
        stop = run.start() + _KEPT
        yield tree_sitter.Range(begin, places.at(stop), start, stop)
        start = run.end() - _KEPT
        begin = places.at(start)
    yield tree_sitter.Range(begin, places.at(len(source)), start, len(source))


class _Places:
    """(row, column) of one position after the other, both from 0 and the column in bytes."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._position = self._row = self._line = 0

    def at(self, position: int) -> tuple[int, int]:
        self._row += self._source.count(b"\n", self._position, position)
        line = self._source.rfind(b"\n", self._position, position) + 1
        self._line = line or self._line
        self._position = position
        return self._row, position - self._line
