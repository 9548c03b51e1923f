"""The top-level blocks of a Terraform file with the text of their attributes, as they were written."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser


@dataclass(frozen=True, slots=True)
class WrittenBlock:
    """`variable "x" { … }`: its kind, its labels, the text of each attribute, and of the blocks in it by kind."""

    kind: str
    labels: tuple[str, ...]
    attributes: Mapping[str, str]
    blocks: tuple[WrittenBlock, ...] = ()

    def text(self, name: str) -> str:
        """A quoted attribute without its quotes; "" when it is not there."""
        found = self.attributes.get(name, "")
        return re.sub(r"\\(.)", r"\1", found[1:-1]) if found.startswith('"') else found


@functools.cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_hcl.language()))


def blocks_of(path: Path) -> list[WrittenBlock]:
    """The blocks of one file, in its order."""
    source = path.read_bytes()
    root = _parser().parse(source).root_node
    return [block for body in root.children if body.type == "body" for block in _blocks(body)]


def blocks_below(folder: Path, kind: str) -> list[WrittenBlock]:
    """All blocks of a kind in a module's files, in their order."""
    return [block for path in sorted(folder.glob("*.tf")) for block in blocks_of(path) if block.kind == kind]


def _blocks(body: Node) -> Iterator[WrittenBlock]:
    for node in body.children:
        if node.type != "block":
            continue
        names = [_text(child) for child in node.children if child.type in ("identifier", "string_lit")]
        inner = next((child for child in node.children if child.type == "body"), None)
        attributes = {}
        for child in inner.children if inner else ():
            if child.type == "attribute":
                name, value = child.children[0], child.children[-1]
                attributes[_text(name)] = _text(value)
        below = tuple(_blocks(inner)) if inner else ()
        yield WrittenBlock(names[0], tuple(name.strip('"') for name in names[1:]), attributes, below)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")
