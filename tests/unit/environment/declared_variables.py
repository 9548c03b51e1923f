"""Variables of Terraform and fields of the model as one shape, so that they can be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from orchestrator.checks.convert import _without_none
from orchestrator.environment.tfvars import parse_tfvars

ROOT = Path(__file__).parents[3]


VARIABLES = ROOT / "environments" / "variables.tf"


def declared(file: Path = VARIABLES) -> dict[str, dict[str, str]]:
    """{variable: {"type": text, "default": text}} of a variables.tf, read with tree-sitter; attributes as written."""
    import tree_sitter
    import tree_sitter_hcl

    source = file.read_bytes()
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language())).parse(source)
    assert not tree.root_node.has_error
    variables: dict[str, dict[str, str]] = {}
    body = next(child for child in tree.root_node.named_children if child.type == "body")
    for block in body.named_children:
        if block.type != "block":
            continue
        _, label = block.named_children[:2]
        assert label.text is not None
        inner = next(child for child in block.named_children if child.type == "body")
        attributes = {}
        for attribute in inner.named_children:
            if attribute.type == "attribute":
                name, value = attribute.named_children
                assert name.text is not None
                assert value.text is not None
                attributes[name.text.decode()] = value.text.decode()
        variables[label.text.decode().strip('"')] = attributes
    return variables


def terraform_type(text: str) -> Any:
    """A type constraint as data: "string", ["list", inner], ["map", inner], {attribute: [inner, optional?, default]}."""
    parser = _TypeParser(text)
    result = parser.type()
    parser.blank()
    assert parser.rest == ""
    return result


class _TypeParser:
    def __init__(self, text: str) -> None:
        self.rest = text

    def blank(self) -> None:
        self.rest = self.rest.lstrip(" \n,")

    def take(self, text: str) -> bool:
        self.blank()
        if self.rest.startswith(text):
            self.rest = self.rest[len(text) :]
            return True
        return False

    def type(self) -> Any:
        for word in ("any", "string", "number", "bool"):
            if self.take(word):
                return word
        for word in ("list", "map"):
            if self.take(f"{word}("):
                inner = self.type()
                assert self.take(")")
                return [word, inner]
        assert self.take("object({"), self.rest[:40]
        attributes = {}
        while not self.take("})"):
            name, _, self.rest = self.rest.lstrip(" \n,").partition("=")
            attributes[name.strip()] = self.attribute()
        return attributes

    def attribute(self) -> Any:
        if not self.take("optional("):
            return [self.type(), False, None]
        inner = self.type()
        default = None
        if self.rest.lstrip(" \n").startswith(","):
            self.blank()
            end = self.matching()
            default, self.rest = parse_tfvars(f"d = {self.rest[:end]}", "d").values["d"], self.rest[end:]
        assert self.take(")")
        return [inner, True, default]

    def matching(self) -> int:
        depth = 0
        for index, character in enumerate(self.rest):
            depth += (character in "([{") - (character in ")]}")
            if depth < 0:
                return index
        raise AssertionError(self.rest)


def model_type(annotation: Any) -> Any:
    """The same of an annotation of the model."""
    from typing import get_args, get_origin

    wanted, _ = _without_none(annotation)
    if wanted is Any or _without_none(annotation, []) != _without_none(annotation):
        # One or several, or of any shape, for which Terraform has no type.
        return "any"
    if get_origin(wanted) is tuple:
        return ["list", model_type(get_args(wanted)[0])]
    if get_origin(wanted) is dict:
        return ["map", model_type(get_args(wanted)[1])]
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return {name: attribute_type(field) for name, field in wanted.model_fields.items()}
    return {str: "string", int: "number", float: "number", bool: "bool"}[wanted]


def attribute_type(field: Any) -> list[Any]:
    default = None if field.is_required() else plain(field.get_default(call_default_factory=True))
    return [model_type(field.annotation), not field.is_required(), default]


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value.model_dump() if isinstance(value, BaseModel) else value))


# {variable: the module that takes its value whole, as `settings`, and has its defaults}
HANDED_ON = {"lifecycle_manager": "lifecycle-manager", "scan_findings": "scan-findings", "monitoring": "monitoring"}


def with_defaults_of(own: dict[str, Any], module: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an object, with the defaults that the module's attributes of the same name have."""
    return {
        name: _with_default(attribute, module[name]) if name in module else attribute for name, attribute in own.items()
    }


def _with_default(own: list[Any], module: list[Any]) -> list[Any]:
    assert own[2] in (None, module[2]), "a default that the module does not have"
    inner = _inner_with_defaults(own[0], module[0])
    # An object's own default fills it from its attributes' defaults; absent it is None here.
    return [inner, own[1], None if module[2] == {} and isinstance(inner, dict) else module[2]]


def _inner_with_defaults(own: Any, module: Any) -> Any:
    if isinstance(own, dict):
        return with_defaults_of(own, module)
    if isinstance(own, list):
        return [own[0], _inner_with_defaults(own[1], module[1])]
    assert own == module
    return own
