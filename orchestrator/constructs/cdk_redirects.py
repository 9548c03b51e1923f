"""Properties of CloudFormation resources, as AWS CDK resolved them -> the same with their images redirected. Pure.

A value of the deployment is an object (`{"Ref": …}`) where it stands alone. Within a text it is a part of `Fn::Join`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.constructs.cluster_images import ImageRedirects
    from orchestrator.workloads.place import ImagePlace

_IN_ECR = re.compile(r"\.dkr[.-]ecr\b")
_LIST = '{"apiVersion":"v1","kind":"List","items":'
# Digits stand for what is filled in: they are a value by themselves, and a part of any text.
_FIRST_MARK = 7_310_000_000_000_000
# No registry has it: the names below it belong to nobody (RFC 2606).
_HOST = "filled-in.invalid"
_IMAGE_KEY = re.compile(r'[iI]mage"\s*:\s*"\Z')


@dataclass(frozen=True, slots=True)
class RedirectedProperty:
    """The property with its images redirected, and a sentence for each that stays because it is not known."""

    value: Any
    unknown: tuple[str, ...] = ()


def redirect_containers(redirects: ImageRedirects, definitions: Any) -> RedirectedProperty:
    """The container definitions of an ECS task; conditions (`Fn::If`) are followed into both branches."""
    unknown: list[str] = []

    def image(value: Any, of: str) -> Any:
        if isinstance(value, str):
            return redirects.redirect_found(value) or value
        if not _is_nothing(value) and not is_built_image(value):
            unknown.append(f"The image of {of} is known at deployment only, and stays as it is.")
        return value

    def container(value: Any, index: int) -> Any:
        if _is_nothing(value):
            return value
        key = next((key for key in ("image", "Image") if isinstance(value, dict) and key in value), None)
        if key is not None:
            of = f"container {index + 1}"
            return {**value, key: _in_branches(value[key], lambda one: image(one, of))}
        if not isinstance(value, dict) or any(name.startswith("Fn::") or name == "Ref" for name in value):
            unknown.append(f"Container {index + 1} is known at deployment only, and its image stays as it is.")
        return value

    def containers(value: Any) -> Any:
        if isinstance(value, list):
            return [
                _in_branches(one, lambda each, index=index: container(each, index))  # type: ignore[misc]
                for index, one in enumerate(value)
            ]
        if value is not None and not _is_nothing(value):
            unknown.append("The containers are known at deployment only, and their images stay as they are.")
        return value

    return RedirectedProperty(_in_branches(definitions, containers), tuple(dict.fromkeys(unknown)))


def redirect_images(redirects: ImageRedirects, value: Any) -> RedirectedProperty:
    """What a property of AWS Batch's jobs holds: each `image` in it, however deep."""
    unknown: list[str] = []

    def image(one: Any) -> Any:
        if isinstance(one, str):
            return redirects.redirect_found(one) or one
        if not _is_nothing(one) and not is_built_image(one):
            unknown.append("An image is known at deployment only, and stays as it is.")
        return one

    def below(one: Any) -> Any:
        if isinstance(one, list):
            return [below(item) for item in one]
        if not isinstance(one, dict):
            return one
        return {
            key: _in_branches(item, image) if key in ("image", "Image") else below(item) for key, item in one.items()
        }

    return RedirectedProperty(below(value), tuple(dict.fromkeys(unknown)))


def redirect_manifests(redirects: ImageRedirects, text: Any) -> RedirectedProperty:
    """A JSON list of Kubernetes objects, as a text or as the pieces of one."""
    return _text(redirects, text, "documents.json", _LIST, "}")


def redirect_patch(redirects: ImageRedirects, text: Any) -> RedirectedProperty:
    """A patch of a Kubernetes object as JSON."""
    return _text(redirects, text, "documents.json", "", "")


def redirect_chart_values(redirects: ImageRedirects, text: Any) -> RedirectedProperty:
    """What a Helm chart is given, as JSON."""
    return _text(redirects, text, "values.json", "", "")


def is_built_image(image: object) -> bool:
    """Whether a resolved image comes from a repository of ECR that the program makes, builds for or looks up."""
    names = {"Fn::Join", "Fn::Sub"}
    return isinstance(image, dict) and bool(names & set(image)) and _IN_ECR.search(json.dumps(image)) is not None


def _is_nothing(value: Any) -> bool:
    return bool(value == {"Ref": "AWS::NoValue"})


def _in_branches(value: Any, change: Callable[[Any], Any]) -> Any:
    """`change` of a value, or of both branches of a condition."""
    branches = value.get("Fn::If") if isinstance(value, dict) and set(value) == {"Fn::If"} else None
    if isinstance(branches, list) and len(branches) == 3:
        return {"Fn::If": [branches[0], *(_in_branches(one, change) for one in branches[1:])]}
    return change(value)


def _text(redirects: ImageRedirects, value: Any, name: str, before: str, after: str) -> RedirectedProperty:
    if value is None:
        return RedirectedProperty(value)
    pieces = _pieces(value)
    if pieces is None:
        return RedirectedProperty(value, ("This text is known at deployment only, and images in it stay as they are.",))
    marks = _marks(pieces)
    marked = before + "".join(piece if isinstance(piece, str) else marks[index] for index, piece in enumerate(pieces))
    mark = re.compile("|".join(map(re.escape, marks.values())) or r"(?!)")

    def is_known(place: ImagePlace) -> bool:
        # A tag of its own may be filled in: the image is where it is with any.
        parts = (place.parts.image, place.parts.host, place.parts.registry, place.parts.repository)
        return not any(part is not None and mark.search(part.value) for part in parts)

    found, rewritten = redirects.read(name, marked + after, is_known)
    unknown = tuple(
        f"The image {place.field} is known at deployment only, and stays as it is."
        for place in found.places
        if not is_known(place) and not _IN_ECR.search(place.reference)
    )
    if not rewritten.edits:
        return RedirectedProperty(value, unknown)
    text = rewritten.apply(marked + after).removeprefix(before).removesuffix(after)
    if not marks:
        return RedirectedProperty(text, unknown)
    filled = {name: pieces[index] for index, name in marks.items()}
    parts = re.split(f"({mark.pattern})", text)
    return RedirectedProperty({"Fn::Join": ["", [filled.get(part, part) for part in parts if part]]}, unknown)


def _marks(pieces: list[Any]) -> dict[int, str]:
    """{index of a piece that is filled in: what stands for it}."""
    known = "".join(piece for piece in pieces if isinstance(piece, str))
    first = _FIRST_MARK
    while str(first)[:6] in known:
        first += 10_000_000_000
    marks: dict[int, str] = {}
    for index, piece in enumerate(pieces):
        if not isinstance(piece, str):
            before = pieces[index - 1] if index else ""
            after = pieces[index + 1] if index + 1 < len(pieces) else ""
            whole = isinstance(before, str) and _IMAGE_KEY.search(before) and str(after).startswith('"')
            # Values of a chart take a number for no image.
            marks[index] = f"{_HOST}/{first + index}:1" if whole else str(first + index)
    return marks


def _pieces(value: Any) -> list[Any] | None:
    """The pieces of a text; None where all of it is filled in."""
    if isinstance(value, str):
        return [value]
    joined = value.get("Fn::Join") if isinstance(value, dict) else None
    if isinstance(joined, list) and len(joined) == 2 and joined[0] == "" and isinstance(joined[1], list):
        return joined[1]
    return None
