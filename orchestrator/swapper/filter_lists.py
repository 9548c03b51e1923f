"""Filters -> what an environment's lists say of the same: exclude_namespaces, exclude_pods, exclude. Pure.

Only what the lists say exactly is turned into them; of every other filter, `Inexpressible` gives the reason. A filter
that can match nothing that the environment redirects is left out, too, with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.environment.pods import is_pod_selector
from orchestrator.routes.source import InvalidSource, Source, parse_source
from orchestrator.routes.upstreams import DOCKER_HUB, REGISTRY_ALIASES
from orchestrator.swapper.filters import Filter

NAMESPACE = ("obj", "metadata", "namespace")
LABELS = ("obj", "metadata", "labels")
IMAGE = ("container", "image")
_NAMESPACE_PART = re.compile(r"[a-z0-9-]{1,63}")
_ECR_PARTS = frozenset({".dkr.ecr.", ".amazonaws.com", ".dkr.ecr", "dkr.ecr.", "amazonaws.com", ".amazonaws.com/"})
_SEVERAL_NAMES = frozenset({DOCKER_HUB, *REGISTRY_ALIASES, *REGISTRY_ALIASES.values()})


class Inexpressible(Exception):
    """Why no list says what a filter says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FilterLists:
    """What filters say in an environment's words; `kept` are (filter, reason) that only the webhook can apply."""

    namespaces: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    images: tuple[Source, ...] = ()
    kept: tuple[tuple[Filter, str], ...] = ()
    needless: tuple[tuple[Filter, str], ...] = ()

    @property
    def skips_ecr(self) -> bool:
        """Whether a filter leaves every image of ECR alone."""
        return any(why == _ECR[1] for _, why in self.needless)


def lists_of(filters: Iterable[Filter]) -> FilterLists:
    """The lists of all filters together: a Pod or image that one of them takes is left alone."""
    namespaces: dict[str, None] = {}
    pods: dict[str, None] = {}
    images: dict[Source, None] = {}
    kept, needless = [], []
    for one in filters:
        try:
            said = list(_alternatives(one.tree))
        except Inexpressible as error:
            kept.append((one, error.reason))
            continue
        for word, value in said:
            if word == "namespace":
                namespaces[str(value)] = None
            elif word == "pod":
                pods[str(value)] = None
            elif isinstance(value, Source):
                images[value] = None
            else:
                needless.append((one, str(value)))
    return FilterLists(tuple(namespaces), tuple(pods), tuple(images), tuple(kept), tuple(needless))


_Said = tuple[str, str | Source]


def _alternatives(node: Mapping[str, Any]) -> Iterable[_Said]:
    kind, children = node["type"], node.get("children", [])
    if kind == "or_expression":
        operands = list(_operands(node))
        if any(_is_label(one) for one in operands[:-1]):
            raise Inexpressible("Where that label is there, its text is what the whole filter says: it is not true.")
        return [said for one in operands for said in _alternatives(one)]
    if kind == "and_expression":
        if all(_is_ecr(child) for child in children):
            return [_ECR]
        raise Inexpressible("Conditions that must hold together have no list: each entry of a list holds by itself.")
    if kind == "not_expression":
        raise Inexpressible("The lists say what is left alone; they cannot say all but that.")
    if kind == "comparator" and node["value"] in ("eq", "ne"):
        return [_comparison(node["value"] == "eq", *children)]
    if kind == "function_expression":
        return _called(node["value"], children)
    if _is_label(node):
        return [("needless", "A label is a text, so that the filter is never true.")]
    raise Inexpressible("No list of an environment looks at that.")


def _operands(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those of `a || b || c`, which is a tree of pairs."""
    if node["type"] != "or_expression":
        yield node
        return
    for child in node["children"]:
        yield from _operands(child)


def _is_label(node: Mapping[str, Any]) -> bool:
    path = _path(node)
    return path is not None and path[:3] == LABELS and len(path) == 4


_ECR: _Said = ("needless", "Images of ECR are not redirected: none of its registries gets a mirror.")


def _comparison(equal: bool, left: Mapping[str, Any], right: Mapping[str, Any]) -> _Said:
    path, other = (_path(left), right) if _path(left) is not None else (_path(right), left)
    found, value = _literal(other)
    if path is None or not found:
        raise Inexpressible("It compares what no list of an environment looks at.")
    if path == NAMESPACE and isinstance(value, str):
        if equal:
            return "namespace", _namespace(value)
        raise Inexpressible("exclude_namespaces names what is left alone; it cannot say all but one.")
    if path[:3] == LABELS and len(path) == 4:
        key = path[3]
        if value is None:
            return "pod", _selector(f"!{key}" if equal else key)
        if isinstance(value, str) and value:
            return "pod", _selector(f"{key}={value}" if equal else f"{key}!={value}")
    if path == IMAGE:
        raise Inexpressible("exclude names registries and paths, not single references.")
    raise Inexpressible(f"No list of an environment looks at {'.'.join(path)}.")


def _called(function: str, arguments: list[Mapping[str, Any]]) -> Iterable[_Said]:
    if function not in ("starts_with", "ends_with", "contains"):
        raise Inexpressible(f"No list of an environment says what {function}() says.")
    first, second = arguments
    path = _path(first)
    found, value = _literal(second)
    if path is None and function == "contains":
        return _one_of(first, second)
    if path == NAMESPACE and found and isinstance(value, str):
        part = _namespace(value)
        return [("namespace", {"starts_with": f"{part}*", "ends_with": f"*{part}"}.get(function, f"*{part}*"))]
    if path == IMAGE and found and isinstance(value, str):
        return [_ECR] if function == "contains" and value.startswith(".dkr.ecr") else [_image(function, value)]
    raise Inexpressible(f"No list of an environment looks at {'.'.join(path or ('that',))} by {function}().")


def _one_of(members: Mapping[str, Any], looked_for: Mapping[str, Any]) -> Iterable[_Said]:
    """`contains(['a', 'b'], obj.metadata.namespace)`."""
    found, value = _literal(members)
    if not found and members["type"] == "multi_select_list":
        parts = [_literal(child) for child in members["children"]]
        found, value = all(part[0] for part in parts), [part[1] for part in parts]
    path = _path(looked_for)
    if found and isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        if path == NAMESPACE:
            return [("namespace", _namespace(one)) for one in value]
        if path is not None and path[:3] == LABELS and len(path) == 4:
            return [("pod", _selector(f"{path[3]} in ({', '.join(value)})"))]
    raise Inexpressible("It looks into a list that no list of an environment looks into.")


def _image(function: str, value: str) -> _Said:
    if function == "ends_with":
        raise Inexpressible("exclude names registries and paths, not what a reference ends with.")
    whole = value.removesuffix("/")
    try:
        source = parse_source(whole)
    except InvalidSource:
        raise Inexpressible("exclude names registries with their path, and this is none.") from None
    if source.registry in _SEVERAL_NAMES or whole.partition("/")[0] in _SEVERAL_NAMES:
        raise Inexpressible("The registry has several names, and exclude means all of them; the filter knows one.")
    if source.path and not value.endswith("/"):
        raise Inexpressible(
            f"It holds for {value}-more, too, and exclude takes whole parts. Write {value}/ if you can."
        )
    return "image", source


def _is_ecr(node: Mapping[str, Any]) -> bool:
    if node["type"] != "function_expression" or node["value"] not in ("contains", "ends_with"):
        return False
    first, second = node["children"]
    return _path(first) == IMAGE and _literal(second)[1] in _ECR_PARTS


def _namespace(text: str) -> str:
    if not _NAMESPACE_PART.fullmatch(text):
        raise Inexpressible("That is no namespace, so that the filter is never true of one.")
    return text


def _selector(text: str) -> str:
    if not is_pod_selector(text):
        raise Inexpressible("That is no label's key and value, so that no selector says it.")
    return text


def _path(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    """(`obj`, `metadata`, `namespace`) of a chain of fields; None for another expression."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    parts = [_path(child) for child in node["children"]]
    return tuple(name for part in parts for name in part or ()) if all(parts) else None


def _literal(node: Mapping[str, Any]) -> tuple[bool, Any]:
    """(whether it is one, its value); the bare word `null` is a field that is not there."""
    if node["type"] == "literal":
        return True, node["value"]
    return (True, None) if _path(node) == ("null",) else (False, None)
