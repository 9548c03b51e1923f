"""Images of Compose files: `services.*.image`, image volumes and Dockerfiles in the file, with Compose's own variables.

A file of the first version has its services at the top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.workloads.formats.dockerfile import find_in_dockerfile
from orchestrator.workloads.formats.inner_yaml import inside
from orchestrator.workloads.formats.shell_variables import Unresolved, resolve
from orchestrator.workloads.place import Consent, Found, ImagePlace, Part, Parts, Unreadable, filled_in_later
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

FORMAT = "compose"


def find_in_compose(text: str, root: Node, found: Found) -> None:
    """Add the images of a Compose file's services to `found`. One that is built here is pushed, not pulled."""
    if not isinstance(root, YamlMapping):
        return
    services = root.entries().get("services")
    before = "services."
    if services is None and not {"include", "version", "name"} & root.entries().keys():
        services, before = root, ""
    for name, service in _mappings(services):
        entries = service.entries()
        image, build, volumes = (entries.get(key) for key in ("image", "build", "volumes"))
        if isinstance(image, Scalar) and image.value and build is None:
            add_image(text, image, f"{before}{name}.image", FORMAT, found)
        if isinstance(build, YamlMapping):
            _inline(text, build.entries().get("dockerfile_inline"), f"{before}{name}.build", found)
        for index, volume in enumerate(volumes.items if isinstance(volumes, YamlList) else []):
            own = volume.entries() if isinstance(volume, YamlMapping) else {}
            kind, source = own.get("type"), own.get("source")
            if isinstance(kind, Scalar) and kind.value == "image" and isinstance(source, Scalar):
                add_image(text, source, f"{before}{name}.volumes[{index}].source", FORMAT, found)


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


def _mappings(node: Node | None) -> Iterator[tuple[str, YamlMapping]]:
    if isinstance(node, YamlMapping):
        for name, value in node.entries().items():
            if isinstance(value, YamlMapping):
                yield name, value


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
    part = node.part(text)
    if not part.value.strip():
        return
    resolved = resolve(part, known or {})
    if isinstance(resolved, Unresolved):
        reason = f"the variable {resolved.variable} has no value here"
        found.unreadable.append(Unreadable(part.start, reason, node.value))
        return
    problem = filled_in_later(resolved.reference, part.start, node.value)
    if problem is None and not resolved.parts:
        problem = Unreadable(part.start, "a variable stands inside the repository's name", node.value)
    if problem is not None:
        found.unreadable.append(problem)
        return
    place = ImagePlace(path, form, resolved.reference, Parts(**resolved.parts), consent=consent)
    if not any(other.anchor.start == place.anchor.start for other in found.places):
        found.places.append(place)
