"""Images that a kustomization sets: `images:` with `newName`, or with the name itself where only the tag is new.

`name` is what the bases carry, a key and no image. It is reported through `newName`, and a kustomization is rewritten
together with its bases. An entry without `newName` is rewritten by getting one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.workloads.formats import kubernetes
from orchestrator.workloads.formats.deliveries import find_oci_charts
from orchestrator.workloads.formats.inner_yaml import inside
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable, filled_in_later
from orchestrator.workloads.references import composed
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping, parse_yaml

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
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        for index, item in enumerate(_items(root.entries().get(key))):
            patch = item.entries().get("patch") if isinstance(item, YamlMapping) else item
            if isinstance(patch, Scalar) and "\n" in patch.value:
                _inline_patch(text, patch, f"{key}[{index}]", found)
    find_oci_charts(text, {"helmCharts": root.entries().get("helmCharts", YamlList([], 0))}, found)


def _inline_patch(text: str, patch: Scalar, path: str, found: Found) -> None:
    """A patch that stands in the kustomization as text: a part of an object, or operations on one."""
    window = inside(text, patch)
    if window is None:
        return
    nested = Found()
    try:
        for root in parse_yaml(window.text):
            kubernetes.find_in_object(window.text, root, nested)
    except BrokenYaml as error:
        nested.unreadable.append(Unreadable(error.start, f"this is no YAML: {error.reason}"))
    nested.places[:] = [replace(place, field=f"{path}.patch: {place.field}") for place in nested.places]
    window.move(nested, found)


def _entry(text: str, item: YamlMapping, path: str, found: Found) -> None:
    entries = item.entries()
    name = entries.get("newName") or entries.get("name")
    if not isinstance(name, Scalar) or not name.value:
        return
    tag, digest = entries.get("newTag"), entries.get("digest")
    part = name.part(text)
    problem = filled_in_later(name.value, part.start)
    if problem is not None:
        found.unreadable.append(problem)
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


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One entry of `images:`: `new_after` is where a `newName` would be inserted, with the text before and after it."""

    name: Part
    new_name: Part | None
    suffix: str
    new_after: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Kustomization:
    """What a kustomization reads (files, folders, URLs), what it does to images, and the namespace that it puts all into."""

    resources: tuple[str, ...]
    entries: tuple[ImageEntry, ...]
    namespace: str = ""


def read_kustomization(text: str, root: Node) -> Kustomization:
    """The resources, components and patches of a kustomization, and its images, as kustomize takes them."""
    if not isinstance(root, YamlMapping):
        return Kustomization((), ())
    entries = root.entries()
    resources: list[str] = []
    for key in ("resources", "bases", "components", "patchesStrategicMerge"):
        listed = entries.get(key)
        resources += [item.value for item in _items(listed) if isinstance(item, Scalar)]
    for key in ("patches", "patchesJson6902"):
        patches = (item.entries().get("path") for item in _items(entries.get(key)) if isinstance(item, YamlMapping))
        resources += [path.value for path in patches if isinstance(path, Scalar)]
    images = [
        entry
        for item in _items(entries.get("images"))
        if isinstance(item, YamlMapping) and (entry := _image_entry(text, item)) is not None
    ]
    return Kustomization(tuple(resources), tuple(images), _text(entries.get("namespace")))


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, YamlList) else []


def _image_entry(text: str, item: YamlMapping) -> ImageEntry | None:
    entries = item.entries()
    name, new_name = entries.get("name"), entries.get("newName")
    if not isinstance(name, Scalar) or not name.value:
        return None
    tag, digest = _text(entries.get("newTag")), _text(entries.get("digest"))
    suffix = f"@{digest}" if digest else f":{tag}" if tag else ""
    after, before, behind = _insertion(text, item, name)
    given = new_name.part(text) if isinstance(new_name, Scalar) and new_name.value else None
    return ImageEntry(name.part(text), given, suffix, after, before, behind)


def _insertion(text: str, item: YamlMapping, name: Scalar) -> tuple[int, str, str]:
    """Where `newName: x` goes after a name: (character, text before it, text after it)."""
    if text[item.start : item.start + 1] == "{":
        return name.end, ", newName: ", ""
    key = next(key for key, value in item.pairs if value is name)
    indent = " " * (key.start - text.rfind("\n", 0, key.start) - 1)
    end = text.find("\n", name.end)
    if end < 0:
        return len(text), f"\n{indent}newName: ", ""
    ending = "\r\n" if text[end - 1] == "\r" else "\n"
    return end + 1, f"{indent}newName: ", ending


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) else ""
