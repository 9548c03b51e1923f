"""Where an image stands in an object: a path, written as text, and the images that are found along it.

A path is keys with dots between them: `spec.image`. `[]` after a key stands for every element of a list, `{}` for every value
of a map. A key with dots in it stands in quotation marks. The end says what is there:

    spec.image                                  the image, as text
    spec.image(repository:tag)                  an object whose two fields make an image; also three, (repository/image:version)
    spec@pod                                    what a Pod's spec holds: containers, initContainers, image volumes
    spec.template@template                      a Pod template
    spec.trigger.resource@object                a whole object of any known kind
    spec.tags[].from@docker-image               OpenShift's reference: {kind: DockerImage, name: the image}; other kinds name no image
    spec.taskRef@bundle                         Tekton's reference: `bundle`, or the parameter of that name for the resolver of bundles
    spec@oci-source                             Flux's url and ref: {url: oci://…, ref: {tag or digest}}
    spec.source.registry.url@docker             the image with docker:// before it; so is @oci

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

End = Literal["image", "parts", "pod", "template", "object", "docker-image", "bundle", "oci-source", "docker", "oci"]

_STEP = re.compile(
    r'(?:"(?P<quoted>[^"]+)"|(?P<key>[A-Za-z0-9_-]+))(?P<each>\[\]|\{\})?(?:\.(?=["A-Za-z0-9_-])|\Z|(?=[@(]))'
)
_PARTS = re.compile(r"\((?:(?P<registry>\w+)/)?(?P<repository>\w+):(?P<tag>\w+)\)")
# What OpenShift's reference says where it names an image of a registry; ImageStreamTag and others name no such one.
DOCKER_IMAGE = "DockerImage"
# A field of this name holds a whole name, or one that the operator puts its own registry before.
BEHIND_REGISTRY = "name"
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Step:
    """One key; `each` is "[]" or "{}" where every element or value below it is meant."""

    key: str
    each: str = ""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A path as steps, and what stands at its end; `parts` are the names of the fields that make an image."""

    text: str
    steps: tuple[Step, ...]
    end: End = "image"
    parts: tuple[str, ...] = ()


def parse_path(text: str) -> FieldPath:
    """The path that `text` describes. Raises ValueError."""
    head, _, name = text.partition("@")
    parts: tuple[str, ...] = ()
    end: End = "image"
    if name:
        if name not in get_args(End) or name in ("image", "parts"):
            raise ValueError(f"{text}: no end is called {name}")
        end = name  # type: ignore[assignment]
    elif "(" in head:
        head, _, rest = head.partition("(")
        matched = _PARTS.fullmatch(f"({rest}")
        if matched is None:
            raise ValueError(f"{text}: parts are (repository:tag) or (repository/image:version)")
        end, parts = "parts", tuple(matched.group("registry", "repository", "tag"))
    return FieldPath(text, tuple(_steps(head, text)), end, parts)


def _steps(head: str, text: str) -> Iterator[Step]:
    position = 0
    while position < len(head):
        matched = _STEP.match(head, position)
        if matched is None:
            raise ValueError(f"{text}: no key at {head[position:]}")
        yield Step(matched["quoted"] or matched["key"], matched["each"] or "")
        position = matched.end()


@dataclass(frozen=True, slots=True)
class FieldImage:
    """An image at `place` (`spec.templates[0].container.image`), and the labels of the Pod template that holds it."""

    reference: str
    place: str
    labels: Mapping[str, str]


def images_at(value: object, path: FieldPath) -> Iterator[FieldImage]:
    """The images along the path. A value that is not as it should be is left out, never guessed. `@object` gives none
    here.
    """
    for there, place in values_at(value, path.steps):
        match path.end:
            case "pod":
                yield from pod_images(there, place, {})
            case "template":
                template = mapping(there)
                labels = mapping(mapping(template.get("metadata")).get("labels"))
                yield from pod_images(template.get("spec"), f"{place}.spec", labels)
            case "object":
                pass
            case _:
                reference = _reference(there, path)
                if reference:
                    yield FieldImage(reference, place, {})


def _reference(there: object, path: FieldPath) -> str:
    """The one image that stands there in the form that the path's end names; "" where none does."""
    match path.end:
        case "image":
            return text_of(there)
        case "parts":
            return _joined(there, path.parts)
        case "docker" | "oci":
            return _behind(f"{path.end}://", there)
        case "docker-image":
            held = mapping(there)
            return text_of(held.get("name")) if held.get("kind") == DOCKER_IMAGE else ""
        case "oci-source":
            return _flux_source(mapping(there))
        case "bundle":
            return _bundle(mapping(there))
    return ""


def _flux_source(source: Mapping[str, Any]) -> str:
    """Flux asks for the digest where `ref` has one, else for the tag. A range of versions names no one image."""
    url, ref = _behind("oci://", source.get("url")), mapping(source.get("ref"))
    digest, tag = text_of(ref.get("digest")), text_of(ref.get("tag"))
    if not url or digest:
        return url and f"{url}@{digest}"
    return f"{url}:{tag}" if tag and not ref.get("semver") else url


def _bundle(reference: Mapping[str, Any]) -> str:
    if reference.get("resolver") != "bundles":
        return text_of(reference.get("bundle"))
    values = [one.get("value") for one in elements(reference.get("params")) if one.get("name") == "bundle"]
    return text_of(values[0]) if values else ""


def _behind(scheme: str, value: object) -> str:
    text = text_of(value)
    return text.removeprefix(scheme) if text.startswith(scheme) else ""


def values_at(value: object, steps: Sequence[Step], place: str = "") -> Iterator[tuple[object, str]]:
    """Every (value, place) that the steps lead to."""
    if not steps:
        yield value, place
        return
    step, *rest = steps
    there = mapping(value).get(step.key)
    here = f"{place}.{step.key}" if place else step.key
    if step.each == "[]":
        for index, element in enumerate(there if isinstance(there, list) else []):
            yield from values_at(element, rest, f"{here}[{index}]")
    elif step.each == "{}":
        for name, element in mapping(there).items():
            yield from values_at(element, rest, f"{here}.{name}")
    elif there is not None:
        yield from values_at(there, rest, here)


def pod_images(spec: object, place: str, labels: Mapping[str, str]) -> Iterator[FieldImage]:
    """The images of a Pod's spec."""
    for name in _CONTAINERS:
        for index, container in enumerate(elements(mapping(spec).get(name))):
            image = container.get("image")
            if isinstance(image, str) and image:
                yield FieldImage(image, f"{place}.{name}[{index}].image", labels)
    for index, volume in enumerate(elements(mapping(spec).get("volumes"))):
        reference = mapping(volume.get("image")).get("reference")
        if isinstance(reference, str) and reference:
            yield FieldImage(reference, f"{place}.volumes[{index}].image.reference", labels)


def _joined(value: object, parts: tuple[str, ...]) -> str:
    """The image that the fields make; "" where one of them is missing. A digest is put on as one."""
    registry, repository, tag = (mapping(value).get(part) if part else "" for part in parts)
    if not isinstance(repository, str) or not isinstance(tag, str) or not repository or not tag:
        return ""
    if parts[0] and not (isinstance(registry, str) and registry):
        return ""
    if parts[1] == BEHIND_REGISTRY and "/" not in repository:
        return ""
    name = f"{registry}/{repository}" if parts[0] else repository
    return f"{name}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def mapping(value: object) -> Mapping[str, Any]:
    """`value` where it is an object, else an empty one."""
    # A decoder makes dicts, and to ask for one costs a tenth of asking for any mapping.
    if isinstance(value, dict):
        return value
    return value if value is not None and isinstance(value, Mapping) else {}


def text_of(value: object) -> str:
    """`value` where it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def elements(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; what is no list has none."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
