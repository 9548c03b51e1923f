"""Images that operators compose from fields of their custom resources: a registry, a name and a version.

A registry before names that only the operator knows is told by one of its images, as Istio's hub is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.workloads.formats.deliveries import select
from orchestrator.workloads.paths import BEHIND_REGISTRY
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable, below
from orchestrator.workloads.references import composed, has_domain, has_version, is_reference
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlMapping

FORMAT = "kubernetes"
# (group, kind): (the field of the registry, the image by which it is told, the field of the version)
OPERATORS = {
    # https://kubevirt.io/user-guide/cluster_admin/installation/, api/core/v1/types.go
    ("kubevirt.io", "KubeVirt"): ("spec.imageRegistry", "virt-api", "spec.imageTag"),
    # https://docs.tigera.io/calico/latest/reference/installation/api: registry + imagePath + imagePrefix + name
    ("operator.tigera.io", "Installation"): ("spec.registry", "node", ""),
    # https://github.com/submariner-io/submariner-operator, api/v1alpha1/submariner_types.go
    ("submariner.io", "Submariner"): ("spec.repository", "submariner-gateway", "spec.version"),
    # https://github.com/DataDog/datadog-operator/blob/main/docs/configuration.v2alpha1.md
    ("datadoghq.com", "DatadogAgent"): ("spec.global.registry", "agent", ""),
}
_DEFAULT = "UseDefault"


def find_in_operator(text: str, group: str, kind: str, entries: dict[str, Node], path: str, found: Found) -> None:
    """Add what an operator composes for an object of one of the OPERATORS."""
    told = OPERATORS[group, kind]
    registry, tag = _scalar(entries, told[0]), _scalar(entries, told[2])
    if kind == "DatadogAgent" and _overrides(text, entries, registry, path, found):
        return
    if registry is None or not has_domain(f"{registry.value}/"):
        return
    image = _calico(entries, told[1]) if kind == "Installation" else told[1]
    part = registry.part(text)
    bare = replace(part, end=part.end - 1) if registry.value.endswith("/") else part
    reference = composed(registry.value, image, tag.value if tag is not None else "", "")
    found.take(ImagePlace(below(path, told[0]), FORMAT, reference, Parts(registry=bare)), registry.value)


def _overrides(text: str, entries: dict[str, Node], registry: Scalar | None, path: str, found: Found) -> bool:
    """DatadogAgent's `override.*.image`: a whole name, or one behind the registry. Whether one is behind it."""
    behind = False
    for where, node in select(entries, "spec.override.*.image"):
        own = node.entries() if isinstance(node, YamlMapping) else {}
        name, tag = own.get("name"), own.get("tag")
        if not isinstance(name, Scalar) or not name.value:
            continue
        part, field = name.part(text), below(path, f"{where}.name")
        version = tag.value if isinstance(tag, Scalar) and ":" not in name.value else ""
        if "/" in name.value:
            found.take(ImagePlace(field, FORMAT, composed("", name.value, version, ""), Parts(repository=part)))
        elif registry is None:
            reason = "the operator's own registry stands before it"
            found.unreadable.append(Unreadable(part.start, reason, name.value))
        else:
            behind = True
            reference = composed(registry.value, name.value, version, "")
            parts = Parts(registry=registry.part(text), repository=part)
            found.take(ImagePlace(field, FORMAT, reference, parts))
    return behind


def _calico(entries: dict[str, Node], image: str) -> str:
    folder, prefix = (_scalar(entries, f"spec.{name}") for name in ("imagePath", "imagePrefix"))
    middle = folder.value if folder is not None and folder.value not in {"", _DEFAULT} else "calico"
    before = prefix.value if prefix is not None and prefix.value != _DEFAULT else ""
    return f"{middle.strip('/')}/{before}{image}"


def _scalar(entries: dict[str, Node], path: str) -> Scalar | None:
    found = next((node for _, node in select(entries, path)), None) if path else None
    return found if isinstance(found, Scalar) else None


def joined(text: str, own: dict[str, Node], path: str, names: tuple[str, ...]) -> ImagePlace | None:
    """The image that the fields `(registry, repository, tag)` of one object make; None where they make none."""
    registry, repository, tag = (_given(own.get(name)) for name in names)
    if repository is None or (names[0] and registry is None) or not is_reference(repository.value):
        return None
    if names[1] == BEHIND_REGISTRY and "/" not in repository.value:
        return None
    version = "" if tag is None or has_version(repository.value) else tag.value
    if not version and "/" not in repository.value and registry is None:
        return None
    reference = composed(registry.value if registry is not None else "", repository.value, version, "")
    if not is_reference(reference):
        return None
    parts = Parts(registry=_part(text, registry), repository=_part(text, repository))
    return ImagePlace(below(path, names[1]), FORMAT, reference, parts)


def triples(text: str, entries: dict[str, Node], path: str) -> Iterator[ImagePlace]:
    """The image of an object with `repository`, `image` and `version`, whatever its kind: NVIDIA's operators have many."""
    registry = entries.get("repository")
    if "image" in entries and isinstance(registry, Scalar) and has_domain(f"{registry.value}/"):
        for tag in ("version", "tag"):
            place = joined(text, entries, path, ("repository", "image", tag))
            if tag in entries and place is not None:
                yield place
                return


def _given(node: Node | None) -> Scalar | None:
    return node if isinstance(node, Scalar) and node.value else None


def _part(text: str, node: Scalar | None) -> Part | None:
    return None if node is None else node.part(text)
