"""The object that an image belongs to: kind, name, namespace, and the labels of its Pods.

Read again from a file's text, and only where a stage asks: finding images needs none of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from orchestrator.workloads.formats.kubernetes import is_object
from orchestrator.workloads.json_tree import parse_objects
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping, cut_documents

_Kind = TypeVar("_Kind", bound=Node)
# Where an object says in which namespace its Pods will be, the first that is there. Its own comes after them.
_NAMESPACES = {
    "HelmRelease": (("spec", "targetNamespace"),),
    "Application": (("spec", "destination", "namespace"),),
    "Kustomization": (("namespace",), ("spec", "targetNamespace")),
    "Component": (("namespace",),),
}
_TEMPLATES = (("spec", "jobTemplate", "spec", "template"), ("spec", "template"))


@dataclass(frozen=True, slots=True)
class Owner:
    """An object of Kubernetes: `labels` are those of its Pods, else its own; `namespace` is "" where it says none."""

    kind: str
    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owners:
    """The objects of one text by the character where each begins, in their order; None ends one."""

    starts: tuple[int, ...]
    objects: tuple[Owner | None, ...]

    def at(self, index: int) -> Owner | None:
        """The object that a character belongs to, None where it is in none."""
        position = bisect_right(self.starts, index) - 1
        return self.objects[position] if position >= 0 else None


def read_owners(text: str) -> Owners:
    """The objects of a text; a document that is no YAML has none."""
    found: list[tuple[int, Owner | None]] = []
    for start, end in cut_documents(text):
        found.append((start, None))
        try:
            roots = parse_objects(text, start, end)
        except BrokenYaml:
            continue
        for root in roots:
            found.extend(_objects(root))
    return Owners(tuple(start for start, _ in found), tuple(owner for _, owner in found))


def _objects(root: Node) -> Iterator[tuple[int, Owner | None]]:
    """A document's object, or those of a List or of a template of OpenShift."""
    if not isinstance(root, YamlMapping):
        return
    # A kustomization needs neither kind nor version; its name says what it is.
    if is_object(root) or isinstance(root.entries().get("namespace"), Scalar):
        yield root.start, _owner(root)
    items = [item for key in ("items", "objects") for item in _listed(root.entries().get(key))]
    for item in sorted(items, key=lambda item: item.start):
        if is_object(item):
            yield item.start, _owner(item)


def _listed(node: Node | None) -> list[YamlMapping]:
    return [item for item in node.items if isinstance(item, YamlMapping)] if isinstance(node, YamlList) else []


def _owner(node: YamlMapping) -> Owner:
    kind = _text(node, ("kind",)) or "Kustomization"
    places = (*_NAMESPACES.get(kind, ()), ("metadata", "namespace"))
    namespace = next(filter(None, (_text(node, place) for place in places)), "")
    template = next(filter(None, (_at(node, place, YamlMapping) for place in _TEMPLATES)), node)
    labels = _at(template, ("metadata", "labels"), YamlMapping)
    named = {} if labels is None else labels.entries()
    return Owner(
        kind,
        _text(node, ("metadata", "name")),
        namespace,
        {key: value.value for key, value in named.items() if isinstance(value, Scalar)},
    )


def _text(node: YamlMapping, way: tuple[str, ...]) -> str:
    found = _at(node, way, Scalar)
    return found.value if found is not None else ""


def _at(node: YamlMapping, way: tuple[str, ...], kind: type[_Kind]) -> _Kind | None:
    """What stands at the end of a way of keys, when it is of this kind."""
    here: Node | None = node
    for key in way:
        here = here.entries().get(key) if isinstance(here, YamlMapping) else None
    return here if isinstance(here, kind) else None
