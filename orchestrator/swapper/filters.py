"""The configuration's filters: JMESPath, compiled once and run on the request's own dictionaries. Pure.

The expressions were written for go-jmespath 0.4, which k8s-image-swapper runs. Where Python's jmespath answers
otherwise, this follows Go's: only numbers have an order, true is no 1, `to_string` writes Go's JSON, and a literal
between backticks must be JSON. https://github.com/jmespath/go-jmespath
"""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath import exceptions, functions, visitor

from orchestrator.errors import Location, RefusedInput

# Characters of an expression. More is no filter that a person wrote, and its parser recurses.
LONGEST_FILTER = 4096
# What Go's strconv.ParseFloat takes of decimal numbers.
_GO_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_EXACT = 1e21  # from here on Go writes numbers with an exponent


class InvalidFilter(RefusedInput):
    """A filter that does not compile."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: true skips the container, everything else does not.

    `tree` is what jmespath made of `expression`. `missed` counts evaluations that said nothing: `error` (such as
    `starts_with` of a label that is not there) and `no boolean`.
    """

    expression: str
    tree: Any = field(compare=False, repr=False)
    where: Location | None = field(default=None, compare=False)
    missed: Counter[str] = field(default_factory=Counter, compare=False, repr=False)

    def skips(self, obj: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether the container is left alone: the filter is true of `{obj, container}`. Never raises."""
        try:
            found = _INTERPRETER.visit(self.tree, {"obj": obj, "container": container})
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
        why = "What stands between backticks is JSON, and a string there has double quotes."
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
    return Filter(expression, tree, where)


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
        found = self.visit(node["children"][0], value)
        return found is None or found is False or found in ("", [], {})


_INTERPRETER = _GoInterpreter(visitor.Options(custom_functions=_GoFunctions()))
