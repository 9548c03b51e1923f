"""Images of Compose files: `services.*.image`, with Compose's own variables."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.workloads.formats.shell_variables import Unresolved, resolve
from orchestrator.workloads.place import Consent, Found, ImagePlace, Parts, Unreadable, filled_in_later
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlMapping

FORMAT = "compose"


def find_in_compose(text: str, root: Node, found: Found) -> None:
    """Add the images of a Compose file's services to `found`. One that is built here is pushed, not pulled."""
    services = root.entries().get("services") if isinstance(root, YamlMapping) else None
    for name, service in _mappings(services):
        entries = service.entries()
        image = entries.get("image")
        if isinstance(image, Scalar) and image.value and "build" not in entries:
            add_image(text, image, f"services.{name}.image", FORMAT, found)


def _mappings(node: Node | None) -> Iterator[tuple[str, YamlMapping]]:
    if isinstance(node, YamlMapping):
        for name, value in node.entries().items():
            if isinstance(value, YamlMapping):
                yield name, value


def add_image(text: str, node: Scalar, path: str, form: str, found: Found, consent: Consent = "") -> None:
    """Add one scalar that is an image, whose variables may have defaults."""
    part = node.part(text)
    resolved = resolve(part, {})
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
    found.places.append(ImagePlace(path, form, resolved.reference, Parts(**resolved.parts), consent=consent))
