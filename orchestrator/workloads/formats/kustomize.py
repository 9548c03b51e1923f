"""Images that a kustomization sets: `images:` with `newName`, or with the name itself where only the tag is new.

`name` is what the bases carry, a key and no image: it is reported through `newName`, and a kustomization is rewritten
together with its bases. An entry without `newName` is rewritten by getting one.
"""

from __future__ import annotations

from orchestrator.workloads.formats import helm
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable
from orchestrator.workloads.references import composed, placeholder
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

FORMAT = "kustomize"
NAMES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})


def is_kustomization(root: Node) -> bool:
    """Whether a document is kustomize's own, by its kind; files of its name need none."""
    if not isinstance(root, YamlMapping):
        return False
    kind, version = root.entries().get("kind"), root.entries().get("apiVersion")
    return (
        isinstance(kind, Scalar)
        and kind.value in {"Kustomization", "Component"}
        and (not isinstance(version, Scalar) or version.value.startswith("kustomize.config.k8s.io/"))
    )


def find_in_kustomization(text: str, root: Node, found: Found) -> None:
    """Add the images that a kustomization names to `found`."""
    if not isinstance(root, YamlMapping):
        return
    images = root.entries().get("images")
    for index, item in enumerate(images.items if isinstance(images, YamlList) else []):
        if isinstance(item, YamlMapping):
            _entry(text, item, f"images[{index}]", found)
    charts = root.entries().get("helmCharts")
    for index, chart in enumerate(charts.items if isinstance(charts, YamlList) else []):
        values = chart.entries().get("valuesInline") if isinstance(chart, YamlMapping) else None
        if isinstance(values, YamlMapping):
            helm.find_in_values(text, values, found, f"helmCharts[{index}].valuesInline")


def _entry(text: str, item: YamlMapping, path: str, found: Found) -> None:
    entries = item.entries()
    name = entries.get("newName") or entries.get("name")
    if not isinstance(name, Scalar) or not name.value:
        return
    tag, digest = entries.get("newTag"), entries.get("digest")
    part = name.part(text)
    filled = placeholder(name.value)
    if filled:
        found.unreadable.append(Unreadable(part.start, f"{filled} is filled in later", name.value))
        return
    parts: dict[str, Part] = {}
    written = {"tag": tag, "digest": digest}
    for key, node in written.items():
        if isinstance(node, Scalar) and node.value:
            parts[key] = node.part(text)
    if not parts and "newName" not in entries:
        return
    # With a digest kustomize leaves the tag out.
    reference = composed(
        "", name.value, "" if "digest" in parts else _text(tag), parts["digest"].value if "digest" in parts else ""
    )
    key = "newName" if "newName" in entries else "name"
    found.places.append(ImagePlace(f"{path}.{key}", FORMAT, reference, Parts(repository=part, **parts)))


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) else ""
