"""HCL text -> blocks whose values are the nodes that YAML gives, with their places in the text.

So one finder reads a chart's values in either language. A variable with a default and a local value are what they stand
for. `image = var.image` is the scalar of the default, where that is written. The value of an expression is no node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.environment.hcl_syntax import has_tree, parse_hcl
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

if TYPE_CHECKING:
    import tree_sitter

DEEPEST = 60
# Functions that give what they are given, as text or as another type.
_ENCODERS = frozenset({"yamlencode", "jsonencode", "tomap", "tolist", "toset", "tostring", "nonsensitive"})


@dataclass(frozen=True, slots=True)
class Heredoc:
    """The text between `<<EOT` and `EOT`: where its lines begin and end."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class HclBlock:
    """A block: `resource "helm_release" "web"` has the type resource and two labels. A file is one without type."""

    type: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, Node] = field(default_factory=dict)
    heredocs: list[Heredoc] = field(default_factory=list)
    blocks: list[HclBlock] = field(default_factory=list)

    def below(self) -> Iterator[HclBlock]:
        """This block and all that are in it."""
        yield self
        for block in self.blocks:
            yield from block.below()


@dataclass(frozen=True, slots=True)
class HclFile:
    """The blocks of a file, and what its variables and locals say: {"var.image": its default}."""

    root: HclBlock
    given: Mapping[str, Node]


def read_hcl(text: str) -> HclFile:
    """The blocks of a text; what is no HCL in it is passed over."""
    reader = _Reader(text)
    root = reader.root()
    for _ in range(2):
        # A local may name a variable, whose value is known after the first round.
        reader.given = dict(_given(root))
        root = reader.root()
    return HclFile(root, reader.given)


def _given(root: HclBlock) -> Iterator[tuple[str, Node]]:
    for block in root.blocks:
        if block.type == "variable" and block.labels and "default" in block.attributes:
            yield from _named(f"var.{block.labels[0]}", block.attributes["default"])
        elif block.type == "locals":
            for name, value in block.attributes.items():
                yield from _named(f"local.{name}", value)


def _named(name: str, node: Node, depth: int = 0) -> Iterator[tuple[str, Node]]:
    """The node under its name, and what an object holds under the names of its keys."""
    yield name, node
    if isinstance(node, YamlMapping) and depth < DEEPEST:
        for key, value in node.entries().items():
            yield from _named(f"{name}.{key}", value, depth + 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        data = text.encode()
        # A long text that is no HCL as a whole has no tree.
        self._tree = parse_hcl(data if has_tree(text, data) else b"")
        # The grammar counts bytes.
        self._characters: Sequence[int] = (
            range(len(data) + 1)
            if len(data) == len(text)
            else [*(index for index, one in enumerate(text) for _ in one.encode()), len(text)]
        )
        self.given: Mapping[str, Node] = {}

    def root(self) -> HclBlock:
        found = HclBlock("")
        for child in self._tree.root_node.named_children:
            if child.type == "body":
                self._body(child, found, 0)
        return found

    def _span(self, node: tree_sitter.Node) -> tuple[int, int]:
        return self._characters[node.start_byte], self._characters[node.end_byte]

    def _source(self, node: tree_sitter.Node) -> str:
        start, end = self._span(node)
        return self._text[start:end]

    def _body(self, body: tree_sitter.Node, into: HclBlock, depth: int) -> None:
        for child in body.named_children:
            if child.type == "attribute" and len(child.named_children) >= 2:
                name = self._source(child.named_children[0])
                value = self._value(child.named_children[-1], into, depth)
                if value is not None:
                    into.attributes[name] = value
            elif child.type == "block" and depth < DEEPEST:
                inner = child.named_children
                labels = [self._source(one).strip('"') for one in inner if one.type in {"string_lit", "identifier"}]
                block = HclBlock(labels[0] if labels else "", tuple(labels[1:]))
                for one in inner:
                    if one.type == "body":
                        self._body(one, block, depth + 1)
                into.blocks.append(block)

    def _value(self, node: tree_sitter.Node, block: HclBlock, depth: int) -> Node | None:
        """The node that an expression writes, None for one that a program computes."""
        inner = [child for child in node.named_children if child.type not in {"comment", "ERROR"}]
        if not inner or depth > DEEPEST:
            return None
        first = inner[0]
        match first.type:
            case "literal_value" if first.named_children:
                return self._literal(first.named_children[0])
            case "template_expr" if first.named_children:
                return self._template(first.named_children[0], block)
            case "collection_value" if first.named_children:
                return self._collection(first.named_children[0], block, depth)
            case "function_call" if len(inner) == 1:
                return self._encoded(first, block, depth)
            case "variable_expr" if all(one.type == "get_attr" for one in inner[1:]):
                start, end = self._span(node)
                name = self._text[start:end].strip()
                return self.given.get(name) or Scalar(f"${{{name}}}", start, end, "plain")
        return None

    def _literal(self, node: tree_sitter.Node) -> Scalar | None:
        start, end = self._span(node)
        written = self._text[start:end]
        if node.type == "string_lit":
            return None if "\\" in written else Scalar(written[1:-1], start, end, "double")
        return Scalar(written, start, end, "plain")

    def _template(self, node: tree_sitter.Node, block: HclBlock) -> Scalar | None:
        if node.type == "quoted_template":
            return self._literal_template(node)
        if node.type == "heredoc_template":
            start, end = self._span(node)
            first, last = self._text.find("\n", start) + 1, self._text.rfind("\n", start, end) + 1
            if 0 < first <= last:
                block.heredocs.append(Heredoc(first, last))
        return None

    def _literal_template(self, node: tree_sitter.Node) -> Scalar | None:
        start, end = self._span(node)
        written = self._text[start + 1 : end - 1]
        return None if "\\" in written or "%{" in written else Scalar(written, start, end, "double")

    def _collection(self, node: tree_sitter.Node, block: HclBlock, depth: int) -> Node | None:
        start, _ = self._span(node)
        if node.type == "tuple":
            items = [self._value(one, block, depth + 1) for one in node.named_children if one.type == "expression"]
            return YamlList([item for item in items if item is not None], start)
        if node.type != "object":
            return None
        pairs: list[tuple[Node, Node]] = []
        for element in node.named_children:
            named = [one for one in element.named_children if one.type == "expression"]
            if element.type != "object_elem" or len(named) != 2:
                continue
            value = self._value(named[1], block, depth + 1)
            if value is not None:
                first, last = self._span(named[0])
                pairs.append((Scalar(self._text[first:last].strip('"'), first, last, "plain"), value))
        return YamlMapping(pairs, start)

    def _encoded(self, node: tree_sitter.Node, block: HclBlock, depth: int) -> Node | None:
        name, *rest = node.named_children
        arguments = [one for call in rest for one in call.named_children if one.type == "expression"]
        if self._source(name) in _ENCODERS and len(arguments) == 1:
            return self._value(arguments[0], block, depth + 1)
        for argument in arguments:
            # The result of a function is not known; texts in it are still read.
            self._value(argument, block, depth + 1)
        return None
