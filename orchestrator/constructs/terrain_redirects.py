"""The images of a stack that CDK Terrain synthesised -> which of its values change, and what stays unknown. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.constructs.terrain_text import Leaf, Path, StackText, elements, write_stack

if TYPE_CHECKING:
    from orchestrator.constructs.cluster_images import ImageRedirects
    from orchestrator.workloads.edits import Rewritten
    from orchestrator.workloads.place import Found

# Attributes whose text holds images: one that a deployment makes hides them.
_TEXTS = frozenset({"container_definitions", "container_properties", "manifest", "values", "yaml_body"})
_WHOLE = re.compile(r"\$\{(?!jsonencode\(|yamlencode\(|tolist\(|toset\().*\}", re.S)
# An image of a repository that the program itself makes or looks up.
_IN_ECR = re.compile(r"\$\{[^}]*\baws_ecr_")


@dataclass(frozen=True, slots=True)
class StackRedirects:
    """{way to a value: what it becomes}, and one sentence for each image that stays because it is not known."""

    values: dict[Path, str]
    unknown: tuple[str, ...]


def redirect_stack(
    redirects: ImageRedirects, stack: Mapping[str, Any], stack_path: str, mine: Callable[[str], bool]
) -> StackRedirects:
    """What redirects the images of the elements whose paths are `mine`. `stack` is `cdk.tf.json` as values."""
    paths = {path: _path(values, stack_path) for _, _, path, values in elements(stack)}
    written = write_stack(stack)

    def owner(leaf: Leaf) -> str:
        return paths.get(leaf.path[:3]) or paths.get(leaf.path[:2]) or stack_path

    def is_mine(index: int) -> bool:
        leaf = written.leaf(index)
        return leaf is not None and mine(owner(leaf))

    found, rewritten = redirects.read("stack.tf", written.text, lambda place: is_mine(place.anchor.start))
    unknown = [
        f"{owner(leaf)}: {_field(leaf)} {reason}. It stays as it is."
        for leaf, reason in _unknown(written, found, rewritten)
        if mine(owner(leaf))
    ]
    return StackRedirects(_values(written, rewritten), tuple(dict.fromkeys(unknown)))


def _values(written: StackText, rewritten: Rewritten) -> dict[Path, str]:
    changed: dict[Path, str] = {}
    # From behind, so that places in front of an edit stay where they are.
    for edit in reversed(rewritten.edits):
        leaf = written.leaf(edit.start)
        assert leaf is not None
        before = changed.get(leaf.path, leaf.value)
        changed[leaf.path] = before[: leaf.within(edit.start)] + edit.new + before[leaf.within(edit.end) :]
    return changed


def _unknown(written: StackText, found: Found, rewritten: Rewritten) -> Iterator[tuple[Leaf, str]]:
    read = [place.anchor.start for place in found.places]
    for unreadable in found.unreadable:
        leaf = written.leaf(unreadable.start)
        if leaf is not None and not _IN_ECR.search(unreadable.text or leaf.value):
            yield leaf, f'has "{unreadable.text or leaf.value}", which is known at deployment only'
    for left in rewritten.left:
        leaf = written.leaf(left.place.anchor.start)
        if leaf is not None:
            yield leaf, f'has "{left.place.reference}": {left.reason}'
    for leaf in written.leaves:
        made = _is_text(leaf.path) and _WHOLE.fullmatch(leaf.value)
        if made and not any(leaf.start <= start < leaf.end for start in read):
            yield leaf, "is made at deployment, and with it its images"


def _is_text(path: Path) -> bool:
    """Whether the value is a text of images: `container_definitions`, or one of the `values` of a chart."""
    name = path[-2] if isinstance(path[-1], int) else path[-1]
    return path[0] == "resource" and len(path) <= 5 and name in _TEXTS


def _path(values: Mapping[str, Any], stack_path: str) -> str:
    """The path of the construct that an element comes from: CDK Terrain writes it beside the values."""
    noted = values.get("//")
    metadata = noted.get("metadata") if isinstance(noted, Mapping) else None
    path = metadata.get("path") if isinstance(metadata, Mapping) else None
    return path if isinstance(path, str) else stack_path


def _field(leaf: Leaf) -> str:
    start = 3 if leaf.path[0] == "resource" else 1
    names = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in leaf.path[start:])
    return names.lstrip(".")


def changed(stack: Mapping[str, Any], values: Mapping[Path, str]) -> Any:
    """The stack with the new values in it."""

    def copied(value: Any, path: Path) -> Any:
        if path in values:
            return values[path]
        if isinstance(value, Mapping):
            return {key: copied(one, (*path, key)) for key, one in value.items()}
        return [copied(one, (*path, index)) for index, one in enumerate(value)] if isinstance(value, list) else value

    return copied(stack, ())
