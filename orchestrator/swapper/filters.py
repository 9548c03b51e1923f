"""The configuration's filters: JMESPath, compiled once and run on the request's own dictionaries. Pure.

The expressions were written for go-jmespath 0.4, which k8s-image-swapper runs. Where Python's jmespath answers
otherwise, this follows Go's. Only numbers have an order, true is no 1, `to_string` writes Go's JSON, and a literal
between backticks must be JSON. https://github.com/jmespath/go-jmespath
"""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath import exceptions, functions, visitor

from orchestrator.errors import Location, RefusedInput
from orchestrator.swapper.review_shape import Asks

# Characters of an expression. More is no filter that a person wrote, and its parser recurses.
LONGEST_FILTER = 4096
# What Go's strconv.ParseFloat takes of decimal numbers.
_GO_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_EXACT = 1e21  # from here on Go writes numbers with an exponent


Run = Callable[[Any], Any]


class InvalidFilter(RefusedInput):
    """A filter that does not compile."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: true skips the container, everything else does not.

    `run` is what `expression` became: it takes the document and gives the value. `missed` counts evaluations that said nothing: `error` (such as
    `starts_with` of a label that is not there) and `no boolean`.
    """

    expression: str
    tree: Any = field(compare=False, repr=False)
    run: Run = field(compare=False, repr=False)
    where: Location | None = field(default=None, compare=False)
    missed: Counter[str] = field(default_factory=Counter, compare=False, repr=False)

    @property
    def asks(self) -> Asks:
        """What of a Pod it asks for."""
        return "metadata" if _is_of_metadata(self.tree) else "whole"

    def skips(self, obj: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether the container is left alone: the filter is true of `{obj, container}`. Never raises."""
        try:
            found = self.run({"obj": obj, "container": container})
        except Exception:
            # jmespath lets Python's own errors through, and a filter never breaks a review.
            self.missed["error"] += 1
            return False
        if not isinstance(found, bool):
            self.missed["no boolean"] += 1
            return False
        return found


def compile_filter(expression: str, where: Location | None = None) -> Filter:
    """The filter of an expression. Raises InvalidFilter with the place of what does not compile."""
    shown = expression if len(expression) <= 200 else f"{expression[:200]}…"
    if len(expression) > LONGEST_FILTER:
        raise _invalid(shown, f"It has {len(expression)} characters; {LONGEST_FILTER} are read.", where)
    try:
        with warnings.catch_warnings():
            # Python's jmespath reads `kube-system` between backticks as a string, with this warning; Go's does not.
            warnings.simplefilter("error", PendingDeprecationWarning)
            tree = jmespath.compile(expression).parsed
    except PendingDeprecationWarning:
        why = "The text between backticks is JSON, and a string there has double quotes."
        raise _invalid(shown, why, where, "Write strings as 'kube-system'.") from None
    except exceptions.EmptyExpressionError:
        raise _invalid(shown, "It is empty.", where, "Write a condition, or remove the entry.") from None
    except exceptions.ParseError as error:
        why = f"It is no JMESPath from character {error.lex_position + 1} on."
        raise _invalid(shown, why, where) from error
    except exceptions.JMESPathError as error:
        raise _invalid(shown, " ".join(str(error).split()), where) from error
    except (RecursionError, ValueError) as error:
        raise _invalid(shown, "It is nested too deep, or holds a number that is none.", where) from error
    fault = next(_faults(tree), None)
    if fault is not None:
        raise _invalid(shown, fault, where)
    return Filter(expression, tree, _closure(tree), where)


def _invalid(shown: str, why: str, where: Location | None, remedy: str = "") -> InvalidFilter:
    return InvalidFilter(
        f"source.filters: jmespath {shown!r} does not compile.",
        why=why,
        remedy=remedy or "Correct it: obj.metadata.namespace == 'kube-system' is one. https://jmespath.org",
        where=where,
    )


def _faults(node: Any) -> Iterator[str]:
    """Calls of functions that do not exist, or with a number of arguments that they do not take."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, Mapping):
            continue
        children = one.get("children", [])
        waiting.extend(children if isinstance(children, list) else ())
        if one.get("type") != "function_expression":
            continue
        known = _GoFunctions.FUNCTION_TABLE.get(one["value"])
        if known is None:
            yield f"There is no function {one['value']}()."
            continue
        wanted = known["signature"]
        variadic = bool(wanted) and wanted[-1].get("variadic", False)
        if len(children) < len(wanted) or (len(children) > len(wanted) and not variadic):
            yield f"{one['value']}() takes {len(wanted)} argument{'s' * (len(wanted) != 1)}, not {len(children)}."


def _same(left: Any, right: Any) -> bool:
    """Equality as Go compares decoded JSON: a boolean equals no number, at any depth."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _is_empty(value: Any) -> bool:
    """What JMESPath takes for false."""
    return value is None or value is False or value == "" or value == [] or value == {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_go(value: Any) -> Any:
    """A decoded document with its numbers as Go's encoder would write them: 2.0 is 2."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, list):
        return [_as_go(one) for one in value]
    if isinstance(value, dict):
        return {key: _as_go(one) for key, one in value.items()}
    return value


class _GoFunctions(functions.Functions):
    """The functions where Go's answers differ."""

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(_same(one, search) for one in subject)

    @functions.signature({"types": []})
    def _func_to_string(self, arg: Any) -> str:
        if isinstance(arg, str):
            return arg
        text = json.dumps(_as_go(arg), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return "".join(_GO_ESCAPES.get(character, character) for character in text)

    @functions.signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        if _is_number(arg):
            return arg
        return float(arg) if isinstance(arg, str) and _GO_NUMBER.fullmatch(arg) else None


class _GoInterpreter(visitor.TreeInterpreter):
    """The comparisons where Go's answers differ."""

    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        operator = node["value"]
        if operator in ("eq", "ne"):
            return _same(left, right) == (operator == "eq")
        if not (_is_number(left) and _is_number(right)):
            return None
        return self.COMPARATOR_FUNC[operator](left, right)

    def visit_not_expression(self, node: Any, value: Any) -> bool:
        return _is_empty(self.visit(node["children"][0], value))


_INTERPRETER = _GoInterpreter(visitor.Options(custom_functions=_GoFunctions()))


def _closure(node: Any) -> Run:
    """The node as nested functions, five times as fast as a walk. Rare kinds of nodes are walked all the same."""
    kind, children = node["type"], node.get("children", [])
    if kind == "subexpression" and all(child["type"] == "field" for child in children):
        return _chain(tuple(child["value"] for child in children))
    if kind == "literal":
        value = node["value"]
        return lambda _: value
    if kind == "not_expression":
        inner = _closure(children[0])
        return lambda document: _is_empty(inner(document))
    if kind in ("and_expression", "or_expression", "comparator") and node.get("value", "eq") in ("eq", "ne"):
        return _pair(kind, node.get("value") != "ne", _closure(children[0]), _closure(children[1]))
    if kind == "function_expression" and node["value"] in ("starts_with", "ends_with", "contains"):
        return _on_texts(node, _closure(children[0]), _closure(children[1]))
    return lambda document: _INTERPRETER.visit(node, document)


def _is_of_metadata(node: Any) -> bool:
    """Does it ask for nothing but the Pod's metadata, and what a container is called?"""
    kind, children = node["type"], node.get("children", [])
    if kind == "subexpression" and all(child["type"] == "field" for child in children):
        first, second = (child["value"] for child in children[:2])
        return (first, second) in _OF_METADATA
    logical = ("not_expression", "and_expression", "or_expression", "comparator", "function_expression")
    return kind == "literal" or (kind in logical and all(map(_is_of_metadata, children)))


_OF_METADATA = (("obj", "metadata"), ("container", "name"), ("container", "image"))


def _chain(names: tuple[str, ...]) -> Run:
    def fields(document: Any) -> Any:
        for name in names:
            if not isinstance(document, dict):
                return None
            document = document.get(name)
        return document

    return fields


def _pair(kind: str, equal: bool, left: Run, right: Run) -> Run:
    if kind == "comparator":
        return lambda document: _same(left(document), right(document)) == equal

    def either(document: Any) -> Any:
        found = left(document)
        return found if _is_empty(found) == (kind == "and_expression") else right(document)

    return either


_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": str.__contains__,
}


def _on_texts(node: Any, left: Run, right: Run) -> Run:
    """Functions of two texts; with anything else jmespath itself says what is wrong."""
    call = _TEXTS[node["value"]]

    def texts(document: Any) -> Any:
        first, second = left(document), right(document)
        if isinstance(first, str) and isinstance(second, str):
            return call(first, second)
        return _INTERPRETER.visit(node, document)

    return texts
