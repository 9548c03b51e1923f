"""Text of a `*.tfvars` file -> its values, and the line of every value.

First station of the flow. Values come from HashiCorp's own parser (pygohcl). Lines and kinds of expressions come
from one pass over plain values, else from tree-sitter. The parser gives no positions and returns some expressions as their
source text. Only values are accepted: what Terraform would have to compute is refused. Both parsers are imported when a
text is parsed, not before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.environment.hcl_syntax import parse_hcl
from orchestrator.environment.tfvars_bounds import Unclosed, scan_bounds
from orchestrator.environment.tfvars_plain import Path, read_plain
from orchestrator.errors import Location, RefusedInput

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["InvalidTfvars", "Path", "Tfvars", "dotted", "merge", "parse_tfvars"]


class InvalidTfvars(RefusedInput):
    """A text that is no list of plain variable values. `where` is the first place that cannot be read."""


@dataclass(frozen=True, slots=True)
class Tfvars:
    """The variables of one file, or of several merged ones, with the line of every variable, nested key and element."""

    file: str
    values: Mapping[str, object]
    locations: Mapping[Path, Location] = field(default_factory=dict)
    numbers: Mapping[Path, str] = field(default_factory=dict)
    """Numbers as they were written (1.30), because their value has lost that."""

    def where(self, path: Path) -> Location:
        """The line of `path`, or of the nearest thing around it that is written, or the whole file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.locations:
                return self.locations[path[:length]]
        return Location(self.file)


def parse_tfvars(text: str, file: str) -> Tfvars:
    """The values and lines of `text`; `file` is only its name in messages.

    Raises InvalidTfvars with the line of the first syntax error or the first expression that is no plain value.
    """
    import pygohcl

    _refuse_what_the_parser_hides(text, file)
    plain = read_plain(text, file)
    unclosed = None if plain else _unclosed_within_bounds(text, file)
    try:
        values = pygohcl.attributes_loads(text)
    except pygohcl.HCLParseError as error:
        message = str(error)
        if not message.startswith("invalid HCL:"):
            # It parses, but holds blocks or something to compute: the tree names it better than the parser does.
            _Reader(text, file).read()
        raise _syntax_error(message, text, file, unclosed) from error
    if plain:
        return Tfvars(file, values, plain.locations, plain.numbers)
    reader = _Reader(text, file)
    return Tfvars(file, values, reader.read(), reader.numbers)


def merge(files: Sequence[Tfvars]) -> Tfvars:
    """One Tfvars of several, in the order that Terraform would get them: a later file replaces a variable whole."""
    values: dict[str, object] = {}
    locations: dict[Path, Location] = {}
    numbers: dict[Path, str] = {}
    for tfvars in files:
        for path in [path for path in locations if path[0] in tfvars.values]:
            del locations[path]
            numbers.pop(path, None)
        values.update(tfvars.values)
        locations.update(tfvars.locations)
        numbers.update(tfvars.numbers)
    return Tfvars(files[-1].file if files else "", values, locations, numbers)


def _refuse_what_the_parser_hides(text: str, file: str) -> None:
    # The parser takes a C string: it would silently stop at a NUL. Lone surrogates cannot be encoded for it.
    match = re.search("[\x00\ud800-\udfff]", text)
    if match:
        raise InvalidTfvars(
            f"The file holds the character U+{ord(match.group()):04X}.",
            why="Terraform reads UTF-8 text.",
            remedy="Save the file as UTF-8.",
            where=Location(file, text.count("\n", 0, match.start()) + 1),
        )


def _unclosed_within_bounds(text: str, file: str) -> Unclosed | None:
    bounds = scan_bounds(text)
    if bounds.excess:
        raise InvalidTfvars(
            bounds.excess.what,
            why="It is more than a parser reads in reasonable time.",
            remedy=bounds.excess.remedy,
            where=Location(file, bounds.excess.line),
        )
    return bounds.unclosed


_DIAGNOSTIC = re.compile(r"tmp\.hcl:(\d+),\d+-(?:\d+,)?\d+: ([^;]*); (.*)", re.DOTALL)


def _syntax_error(message: str, text: str, file: str, unclosed: Unclosed | None) -> InvalidTfvars:
    match = _DIAGNOSTIC.search(message)
    if match is None:
        # Only `{ null = … }` and the like get here: the parser gives up without a place.
        return InvalidTfvars(
            f"HashiCorp's parser cannot read the file ({message.removeprefix('panic HCL: ')}).",
            remedy="Put map keys that are words of the language, such as null, in quotes.",
            where=Location(file),
        )
    line, summary = int(match[1]), match[2].strip()
    detail = re.split(r", tmp\.hcl:\d+,", match[3])[0].replace("tmp.hcl:", f"{file}:").strip()
    lines = text.split("\n")
    written = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    if summary == "Attribute redefined":
        first = re.search(rf"{re.escape(file)}:(\d+),", detail)
        name = written.split("=")[0].strip()
        return InvalidTfvars(
            f"{name} is set a second time.",
            why=f"It was already set on line {first[1] if first else '?'}, and Terraform takes a variable once a file.",
            remedy="Keep one of the two.",
            where=Location(file, line),
        )
    if unclosed and line >= unclosed.line:
        seen = f"`{_shorten(written)}` on line {line}" if written else "the end of the file"
        return InvalidTfvars(
            f"The `{unclosed.bracket}` on this line is not closed.",
            why=f"{summary} at {seen}.",
            remedy=f"Add `{unclosed.closer}` where it ends.",
            where=Location(file, unclosed.line),
        )
    quoted = f" in `{_shorten(written)}`" if written else " at the end of the file"
    return InvalidTfvars(f"{summary}{quoted}.", why=detail, where=Location(file, line))


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


_REFUSED_KINDS = {
    "variable_expr": "a reference",
    "function_call": "a function call",
    "conditional": "a conditional",
    "operation": "an operator",
    "for_expr": "a for expression",
    "template_interpolation": "an interpolation",
    "template_directive": "a template directive",
    "get_attr": "a reference",
    "index": "an index",
    "splat": "a splat expression",
    "expression": "an expression in parentheses",
}
# tree-sitter-hcl knows no exponents; digits in their place keep every position.
_EXPONENT = re.compile(rb"(?<![\w.])\d+(?:\.\d+)?[eE][+-]?\d+")
_PLAIN_STRING = re.compile(r'"[^"\\$%\n]*+"')
_IDENTIFIER = re.compile(r"[^\W\d][\w-]*")


class _Reader:
    """Walks the syntax tree once: notes every line, refuses everything that is not a value."""

    def __init__(self, text: str, file: str) -> None:
        self.source = text.encode()
        self.file = file
        self.locations: dict[Path, Location] = {}
        self.numbers: dict[Path, str] = {}

    def read(self) -> dict[Path, Location]:
        tree = parse_hcl(self.source)
        if tree.root_node.has_error:
            tree = parse_hcl(_EXPONENT.sub(lambda match: b"1" * len(match[0]), self.source))
        for body in _named(tree.root_node):
            for node in _named(body):
                self._top_level(node)
        if tree.root_node.has_error:
            raise InvalidTfvars(
                "The line cannot be read as a plain value.",
                why="Positions and kinds of values must be known to check them.",
                remedy="Write it as `name = value`, with strings in double quotes.",
                where=self._location(_first_error(tree.root_node)),
            )
        return self.locations

    def _top_level(self, node: Node) -> None:
        if node.type == "block":
            name = self._text(node.named_children[0])
            raise InvalidTfvars(
                f"{name} is written as a block.",
                why="A tfvars file holds values only.",
                remedy=f"Write `{name} = {{ … }}`.",
                where=self._location(node),
            )
        if node.type != "attribute":
            return
        parts = _named(node)
        if len(parts) == 2:
            path = (self._text(parts[0]),)
            self.locations[path] = self._location(parts[0])
            self._value(parts[1], path)

    def _value(self, node: Node, path: Path) -> None:
        """`node` is an expression: note what lies in it, or refuse it."""
        if _PLAIN_STRING.fullmatch(self._text(node)):
            return  # most values, and nothing lies in them
        parts = _named(node)
        if len(parts) != 1:
            self._refuse(parts[-1] if parts else node, node, path)
        inner = parts[0]
        if inner.type == "literal_value":
            if inner.named_children and inner.named_children[0].type == "numeric_lit":
                self.numbers[path] = self._text(inner)
            return
        if inner.type == "template_expr":
            for part in _named(inner.named_children[0]):
                if part.type in {"template_interpolation", "template_directive"}:
                    self._refuse(part, part, path)
            return
        if inner.type == "operation" and re.fullmatch(r"-\s*[\d.eE+-]+", self._text(inner)):
            self.numbers[path] = re.sub(r"\s", "", self._text(inner))
            return
        if inner.type != "collection_value":
            self._refuse(inner, node, path)
        collection = inner.named_children[0]
        if collection.type == "tuple":
            elements = [part for part in _named(collection) if part.type == "expression"]
            for index, element in enumerate(elements):
                self.locations[*path, index] = self._location(element)
                self._value(element, (*path, index))
        elif collection.type == "object":
            for element in _named(collection):
                if element.type == "object_elem":
                    self._element(element, path)
        else:
            self._refuse(collection, collection, path)

    def _element(self, element: Node, path: Path) -> None:
        key_node, value_node = element.child_by_field_name("key"), element.child_by_field_name("val")
        if key_node is None or value_node is None:
            return
        key = self._key(key_node, path)
        here = (*path, key)
        if here in self.locations:
            raise InvalidTfvars(
                f'{dotted(path)} holds the key "{key}" twice.',
                why=f"It was already set on line {self.locations[here].line}; Terraform would silently take the last.",
                remedy="Keep one of the two.",
                where=self._location(key_node),
            )
        self.locations[here] = self._location(key_node)
        self._value(value_node, here)

    def _key(self, node: Node, path: Path) -> str:
        text = self._text(node)
        if _IDENTIFIER.fullmatch(text):
            return text
        if _PLAIN_STRING.fullmatch(text):
            return text[1:-1]
        inner = _named(node)
        if len(inner) != 1 or inner[0].type not in {"literal_value", "template_expr"}:
            raise InvalidTfvars(
                f"The key `{_shorten(text)}` in {dotted(path)} is no plain name.",
                why="Keys are written, not computed.",
                remedy="Put the key in quotes.",
                where=self._location(node),
            )
        if inner[0].type == "template_expr":
            self._value(node, path)
        import pygohcl

        return str(next(iter(pygohcl.attributes_loads(f"k = {{ {text} = 0 }}")["k"])))

    def _refuse(self, kind: Node, node: Node, path: Path) -> None:
        text = _shorten(self._text(node).replace("\r", "").replace("\n", " "))
        name = _REFUSED_KINDS.get(kind.type, "an expression")
        remedy = "Write the value itself."
        if kind.type == "variable_expr" and _IDENTIFIER.fullmatch(text):
            name, remedy = "a word without quotes", f'Write "{text}".'
        elif kind.type in {"template_interpolation", "template_directive"}:
            doubled = "$${" if kind.type == "template_interpolation" else "%%{"
            remedy = f"Write the value itself; for the characters {doubled[1:]} write {doubled}."
        raise InvalidTfvars(
            f"{dotted(path)} is {name}: `{text}`.",
            why="A tfvars file holds values only; nothing is computed there.",
            remedy=remedy,
            where=self._location(node),
        )

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode(errors="replace")

    def _location(self, node: Node) -> Location:
        return Location(self.file, node.start_point.row + 1)


def _named(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type not in {"comment", "ERROR"}]


def _first_error(node: Node) -> Node:
    def errors(here: Node) -> Iterator[Node]:
        if here.is_error or here.is_missing:
            yield here
        elif here.has_error:
            for child in here.children:
                yield from errors(child)

    return next(errors(node), node)


def dotted(path: Path) -> str:
    """A path as Terraform writes it: ("a", "b c", 0) -> `a["b c"][0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not text:
            text = part
        elif _IDENTIFIER.fullmatch(part):
            text += f".{part}"
        else:
            text += f'["{part}"]'
    return text
