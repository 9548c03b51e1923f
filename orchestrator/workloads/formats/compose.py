"""Images of Compose files: `services.*.image`, image volumes and Dockerfiles in the file, with Compose's own variables.

A variable gets its value from `.env` beside the file, else its default. What a shell exports would win, and is not read: it
is not the shell that starts the services. An image that `.env` writes is found and rewritten there (`images_in_variables`).
A file of the first version has its services at the top.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestrator.workloads.formats import dotenv
from orchestrator.workloads.formats.dockerfile import find_in_dockerfile
from orchestrator.workloads.formats.dotenv import Variables, read_variables
from orchestrator.workloads.formats.inner_yaml import inside
from orchestrator.workloads.formats.shell_variables import Unresolved, resolve, variable_names
from orchestrator.workloads.json_tree import parse_objects
from orchestrator.workloads.place import Consent, Found, ImagePlace, Part, Parts, Unreadable, filled_in_later
from orchestrator.workloads.references import is_reference
from orchestrator.workloads.vicinity import NOTHING, Vicinity
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping

FORMAT = "compose"
NAME = re.compile(r"(?:docker-|podman-)?compose(?:[-_.].*)?\.ya?ml", re.I)


def is_compose(root: Node) -> bool:
    """Whether a document is a Compose file by its content: every service says where its image comes from."""
    services = root.entries().get("services") if isinstance(root, YamlMapping) else None
    if not isinstance(services, YamlMapping):
        return False
    entries = [value for value in services.entries().values() if isinstance(value, YamlMapping)]
    return bool(entries) and all({"image", "build", "extends"} & entry.entries().keys() for entry in entries)


def find_in_compose(text: str, root: Node, found: Found, beside: Vicinity = NOTHING) -> None:
    """Add the images of a Compose file's services to `found`. One that is built here is pushed, not pulled."""
    variables = read_variables(beside.variables)
    for node, path, built in _images(root):
        if built:
            continue
        read = _read(text, node, path, FORMAT, variables)
        if isinstance(read, ImagePlace) and any(part.elsewhere for part in read.parts.given().values()):
            if read.anchor.elsewhere and beside.variables_are_read:
                continue
            own = {name: part for name, part in read.parts.given().items() if not part.elsewhere}
            read = replace(read, parts=Parts(**(own or {"image": node.part(text)})), consent="never")
        _take(read, found)
    for service, path in _services(root):
        build = service.get("build")
        if isinstance(build, YamlMapping):
            _inline(text, build.entries().get("dockerfile_inline"), f"{path}.build", found)


def images_in_variables(variables_text: str, composes: Iterable[tuple[str, str]]) -> list[ImagePlace]:
    """The images that `.env` writes for the Compose files beside it (`(name, text)`), as places in its own text.

    A variable that also names an image which is built here stays: that one is pushed there. A variable that stands in
    anything else than an image is changed on request (`env`).
    """
    variables = read_variables(variables_text)
    pulled: dict[tuple[int, str], ImagePlace] = {}
    pushed: set[int] = set()
    mixed: set[str] = set()
    for name, text in composes:
        for root in _roots(name, text):
            images = list(_images(root))
            mixed |= _used_beside(text, [node.part(text) for node, _, _ in images])
            for node, path, built in images:
                read = _read(text, node, path, dotenv.FORMAT, variables)
                if not isinstance(read, ImagePlace):
                    continue
                parts = {key: part for key, part in read.parts.given().items() if part.elsewhere}
                if built:
                    pushed |= {part.start for part in parts.values()}
                elif parts:
                    here = Parts(**{key: replace(part, elsewhere=False) for key, part in parts.items()})
                    place = replace(read, parts=here)
                    pulled.setdefault((place.anchor.start, place.reference), place)
    named = sorted((part.start, name) for name, part in variables.values.items())
    starts = [start for start, _ in named]
    placed = []
    for place in pulled.values():
        begins = {part.start for part in place.parts.given().values()}
        names = {named[bisect_right(starts, begin) - 1][1] for begin in begins}
        consent: Consent = "never" if pushed & begins else "env" if mixed & names else ""
        field = named[bisect_right(starts, place.anchor.start) - 1][1]
        placed.append(replace(place, field=field, consent=consent))
    return placed


def _used_beside(text: str, images: Sequence[Part]) -> set[str]:
    """The variables that stand in a text outside its images."""
    pieces, position = [], 0
    for image in sorted(images, key=lambda part: part.start):
        pieces.append(text[position : image.start])
        position = max(position, image.end)
    return {name for piece in [*pieces, text[position:]] for name in variable_names(piece)}


def _roots(name: str, text: str) -> list[Node]:
    try:
        return [root for root in parse_objects(text) if NAME.fullmatch(name) or is_compose(root)]
    except BrokenYaml:
        return []


def _services(root: Node) -> Iterator[tuple[dict[str, Node], str]]:
    if not isinstance(root, YamlMapping):
        return
    services = root.entries().get("services")
    before = "services."
    if services is None and not {"include", "version", "name"} & root.entries().keys():
        services, before = root, ""
    for name, service in services.entries().items() if isinstance(services, YamlMapping) else ():
        if isinstance(service, YamlMapping):
            yield service.entries(), f"{before}{name}"


def _images(root: Node) -> Iterator[tuple[Scalar, str, bool]]:
    """(image, field, whether it is built here) of the services and of their image volumes."""
    for service, path in _services(root):
        image, volumes = service.get("image"), service.get("volumes")
        if isinstance(image, Scalar) and image.value.strip():
            yield image, f"{path}.image", service.get("build") is not None
        for index, volume in enumerate(volumes.items if isinstance(volumes, YamlList) else []):
            own = volume.entries() if isinstance(volume, YamlMapping) else {}
            kind, source = own.get("type"), own.get("source")
            if isinstance(kind, Scalar) and kind.value == "image" and isinstance(source, Scalar):
                yield source, f"{path}.volumes[{index}].source", False


def _inline(text: str, node: Node | None, path: str, found: Found) -> None:
    """A Dockerfile that stands in the file as a text."""
    window = inside(text, node) if isinstance(node, Scalar) else None
    # Compose itself fills in what begins with a dollar: what is left to the builder has two.
    if window is None or "$" in window.text:
        return
    nested = Found()
    find_in_dockerfile(window.text, nested)
    nested.places[:] = [replace(place, field=f"{path}.dockerfile_inline: {place.field}") for place in nested.places]
    window.move(nested, found)


def add_image(
    text: str,
    node: Scalar,
    path: str,
    form: str,
    found: Found,
    consent: Consent = "",
    known: Mapping[str, Part] | None = None,
) -> None:
    """Add one scalar that is an image, whose variables have values in `known`, or defaults."""
    if node.value.strip():
        read = _read(text, node, path, form, Variables(known or {}))
        _take(replace(read, consent=consent) if isinstance(read, ImagePlace) else read, found)


def _take(read: ImagePlace | Unreadable, found: Found) -> None:
    if isinstance(read, Unreadable):
        found.unreadable.append(read)
    elif not any(other.anchor.start == read.anchor.start for other in found.places):
        found.places.append(read)


def _read(text: str, node: Scalar, path: str, form: str, variables: Variables) -> ImagePlace | Unreadable:
    """The image that a scalar says with its variables filled in, or why it says none."""
    part = node.part(text)
    if "$$" in part.value:
        return Unreadable(part.start, "$$ is a dollar sign, which no image has", node.value)
    resolved = resolve(part, variables.values)
    if isinstance(resolved, Unresolved):
        return Unreadable(part.start, f"the variable {resolved.variable} has no value here", node.value)
    whole = resolved.parts.get("image")
    if whole is not None and whole.elsewhere:
        resolved = variables.composed.get(whole.start, resolved)
    problem = filled_in_later(resolved.reference, part.start, node.value)
    if problem is None and not resolved.parts:
        problem = Unreadable(part.start, "a variable stands inside the repository's name", node.value)
    if problem is None and "$" in part.value and not is_reference(resolved.reference):
        problem = Unreadable(part.start, f"its variables make {resolved.reference!r}, which is no image", node.value)
    return problem or ImagePlace(path, form, resolved.reference, Parts(**resolved.parts))
