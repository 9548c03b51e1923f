"""Images in Kubernetes objects: wherever something has the shape of a Pod spec, and in fields of custom resources.

Objects are recognised by their shape, so that a kind that nobody listed is found too; what only looks like an image
(a CRD's schema, a policy's pattern) is left out by its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from orchestrator.workloads.fields import FIELDS, KUBELET, PULLED_BY, Field, Fields
from orchestrator.workloads.formats import helm
from orchestrator.workloads.formats.embedded import Window, assigned_images, inside, text_images
from orchestrator.workloads.formats.parameters import PARAMETRISED, Parameters, bundles, read_parameters
from orchestrator.workloads.place import Consent, Found, ImagePlace, Part, Parts, Unreadable, below
from orchestrator.workloads.references import composed, is_reference, looks_like_image, placeholder
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping, parse_yaml

FORMAT = "kubernetes"
_OCI = "oci://"
CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
# Schemas, patterns and mirror sets: they speak about images, and nothing pulls what they name.
NOT_PULLED = frozenset(
    {
        *("CustomResourceDefinition", "APIService", "ClusterPolicy", "Policy", "ClusterCleanupPolicy", "CleanupPolicy"),
        *("ValidatingPolicy", "MutatingPolicy", "GeneratingPolicy", "ImageValidatingPolicy", "PolicyException"),
        *("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy", "ConstraintTemplate", "AdmissionPolicy"),
        *("ClusterAdmissionPolicy", "ClusterImagePolicy", "ImagePolicy", "ImageContentSourcePolicy"),
        *("ImageContentPolicy", "ImageDigestMirrorSet", "ImageTagMirrorSet", "ImageUpdateAutomation"),
        *("PolicyReport", "ClusterPolicyReport", "VulnerabilityReport", "SbomReport", "ImageConfig", "Node"),
        "ImageRepository",
    }
)
# Text that programs read; what stands in it is named and never changed.
_TEXTS = frozenset({"ConfigMap", "Secret"})
# What a container has beside its image: without a `containers` above it, two words make one.
_CONTAINER = frozenset(
    {
        *(
            "name",
            "command",
            "args",
            "env",
            "envFrom",
            "ports",
            "resources",
            "volumeMounts",
            "imagePullPolicy",
            "script",
        ),
        *("workingDir", "securityContext", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
    }
)
_OPERATOR_VARIABLE = re.compile(r"RELATED_IMAGE_\w+|OPERATOR_IMAGE\w*|OPERAND_IMAGE_\w+", re.A)
_IMAGE_VARIABLE = re.compile(r"\w*(?:_IMAGE|IMAGE_)\w*|IMAGE", re.A)
_ARGUMENT = re.compile(r"--?[a-zA-Z0-9-]*image[a-zA-Z0-9-]*=(.+)", re.S)
_FUNCTION_ANNOTATIONS = frozenset({"config.kubernetes.io/function", "config.k8s.io/function"})
_IMAGE_ANNOTATIONS = frozenset(
    {"sidecar.istio.io/proxyImage", "linkerd.io/proxy-image", "config.linkerd.io/proxy-image"}
)
# Volumes of block devices call a disk an image.
_DISKS = frozenset({"rbd", "iscsi", "cephfs", "quobyte", "cinder"})


def is_object(root: Node) -> bool:
    """Whether a document is an object of Kubernetes: it has an apiVersion and a kind."""
    if not isinstance(root, YamlMapping):
        return False
    entries = root.entries()
    return isinstance(entries.get("kind"), Scalar) and isinstance(entries.get("apiVersion"), Scalar)


def find_in_object(text: str, root: Node, found: Found, fields: Fields = FIELDS) -> None:
    """Add the images of one document, an object, a List of objects or a part of a Pod spec, to `found`."""
    _Object(text, found, fields).read(root, "", "")


class _Object:
    """One walk through a document; every node is read once, whatever aliases name it."""

    def __init__(self, text: str, found: Found, fields: Fields) -> None:
        self._text = text
        self._found = found
        self._fields = fields
        self._seen: set[int] = set()
        self._parameters: Parameters | None = None

    def read(self, root: Node, path: str, kind: str) -> None:
        if not isinstance(root, YamlMapping):
            self._walk(root, path, kind)
            return
        entries = root.entries()
        own = _scalar(entries.get("kind"))
        if is_object(root):
            kind = own
            if kind in NOT_PULLED and not _scalar(entries.get("apiVersion")).startswith("nvidia.com/"):
                return
            if kind in _TEXTS:
                self._texts(root, path)
                return
            if kind in PARAMETRISED and self._parameters is None:
                self._parametrised(root, entries, path, kind)
                return
            self._special(entries, path, kind)
        self._walk(root, path, kind)

    def _parametrised(self, root: YamlMapping, entries: dict[str, Node], path: str, kind: str) -> None:
        """An object with parameters: their values are images where its images name them."""
        self._parameters = read_parameters(self._text, kind, root)
        self._special(entries, path, kind)
        self._walk(root, path, kind)
        pulled_by = PULLED_BY.get(kind, KUBELET)
        for node, where, used in self._parameters.images():
            self._image(node, below(path, where), pulled_by=pulled_by, consent="" if used else "env")
        self._parameters = None

    def _special(self, entries: dict[str, Node], path: str, kind: str) -> None:
        """The fields of a kind that have no shape of their own."""
        group = _scalar(entries.get("apiVersion")).rpartition("/")[0]
        for field in self._fields.get(kind, ()):
            if field.group and not (group == field.group or group.endswith("." + field.group)):
                continue
            for where, node in _select(entries, field.path):
                self._field(field, node, below(path, where), kind)
        if kind in {"HelmRelease", "HelmChart", "HelmChartConfig", "Application", "ApplicationSet"}:
            self._values(entries, path)
        if kind == "OCIRepository":
            self._artifact(entries, path)
        if kind == "Kustomization" and group == "kustomize.toolkit.fluxcd.io":
            self._overlay(entries, path)

    def _artifact(self, entries: dict[str, Node], path: str) -> None:
        """Flux's OCIRepository: `url` without a tag, and the tag or digest in `ref`."""
        found = {
            name: node for name in ("url", "ref.tag", "ref.digest") for _, node in _select(entries, f"spec.{name}")
        }
        url = found.get("url")
        if not isinstance(url, Scalar) or not url.value.startswith(_OCI):
            return
        whole = url.part(self._text)
        repository = Part(whole.start + len(_OCI), whole.end, url.value.removeprefix(_OCI), whole.style)
        tag, digest = _scalar(found.get("ref.tag")), _scalar(found.get("ref.digest"))
        reference = composed("", repository.value, "" if digest else tag, digest)
        parts = Parts(repository=repository)
        self._add(ImagePlace(below(path, "spec.url"), FORMAT, reference, parts, pulled_by="Flux"))

    def _overlay(self, entries: dict[str, Node], path: str) -> None:
        """Images that Flux sets in what it builds: the new names; what the bases carry is not known here."""
        for where, node in _select(entries, "spec.images[]"):
            own = node.entries() if isinstance(node, YamlMapping) else {}
            name = own.get("newName")
            if not isinstance(name, Scalar) or not name.value or placeholder(name.value):
                continue
            digest, tag = _scalar(own.get("digest")), _scalar(own.get("newTag"))
            reference = composed("", name.value, "" if digest else tag, digest)
            parts = Parts(repository=name.part(self._text))
            self._add(ImagePlace(below(path, f"{where}.newName"), FORMAT, reference, parts))

    def _field(self, field: Field, node: Node, where: str, kind: str) -> None:
        if isinstance(node, Scalar):
            self._image(node, where, pulled_by=field.pulled_by or PULLED_BY.get(kind, KUBELET), scheme=field.scheme)
        elif isinstance(node, YamlMapping):
            for place in helm.split_image(self._text, node, where, kind):
                self._add(replace(place, format=FORMAT))

    def _values(self, entries: dict[str, Node], path: str) -> None:
        """Values of a chart inside an object, as a mapping or as text."""
        for where, node in _values_nodes(entries):
            if isinstance(node, YamlMapping):
                self._seen.add(id(node))
                helm.find_in_values(self._text, node, self._found, below(path, where))
            elif isinstance(node, Scalar) and node.value.strip():
                self._seen.add(id(node))
                window = inside(self._text, node)
                if window is None:
                    self._found.unreadable.append(Unreadable(node.start, "values in a string with escapes"))
                    continue
                nested = Found()
                try:
                    for root in parse_yaml(window.text):
                        helm.find_in_values(window.text, root, nested, below(path, where))
                except BrokenYaml as error:
                    nested.unreadable.append(Unreadable(error.start, error.reason))
                window.move(nested, self._found)

    def _walk(self, node: Node, path: str, kind: str) -> None:
        if isinstance(node, Scalar) or id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, YamlList):
            for index, item in enumerate(node.items):
                self._item(item, f"{path}[{index}]", kind)
            return
        entries = node.entries()
        self._container(entries, path, kind)
        self._json_patch(entries, path)
        for bundle, where in bundles(entries, path):
            self._image(bundle, where, pulled_by="Tekton")
        for key, value in node.own_entries():
            where = below(path, key)
            if key == "annotations":
                self._annotations(value, where)
            if key in {"annotations", "status"} or key in _DISKS:
                continue
            if isinstance(value, Scalar) and id(value) not in self._seen:
                self._scalar(value, key, where)
            if key == "env" and isinstance(value, YamlList):
                self._environment(value, where)
            elif key in {"args", "command"} and isinstance(value, YamlList):
                self._arguments(value, where)
            if entries.get(key) is value or not isinstance(value, Scalar):
                self._item(value, where, kind)

    def _scalar(self, node: Scalar, key: str, path: str) -> None:
        """Text in an object: a manifest that a workflow applies is read, in other texts images are only shown."""
        if key == "manifest":
            window = inside(self._text, node)
            if window is not None and "mage" in window.text:
                self._window(window, path)
                return
        for place in text_images(self._text, node, path):
            self._add(place)

    def _window(self, window: Window, path: str) -> None:
        nested = Found()
        with suppress(BrokenYaml):
            for root in parse_yaml(window.text):
                find_in_object(window.text, root, nested, self._fields)
        nested.places[:] = [replace(place, field=f"{path}: {place.field}") for place in nested.places]
        window.move(nested, self._found)

    def _annotations(self, node: Node, path: str) -> None:
        """Annotations that a program pulls an image for: kustomize's functions, Istio's proxy."""
        for key, value in node.entries().items() if isinstance(node, YamlMapping) else ():
            if not isinstance(value, Scalar):
                continue
            if key in _FUNCTION_ANNOTATIONS:
                window = inside(self._text, value)
                if window is not None:
                    self._window(window, f"{path}.{key}")
            elif key in _IMAGE_ANNOTATIONS and looks_like_image(value.value):
                self._image(value, f"{path}.{key}")

    def _item(self, node: Node, path: str, kind: str) -> None:
        if isinstance(node, YamlMapping) and is_object(node):
            self.read(node, path, kind)
        else:
            self._walk(node, path, kind)

    def _container(self, entries: dict[str, Node], path: str, kind: str) -> None:
        """An `image` in a mapping: a container's, an image volume's, or a custom resource's."""
        last = path.rpartition(".")[2]
        in_list = last.partition("[")[0]
        image = entries.get("image")
        if isinstance(image, Scalar):
            certain = in_list in CONTAINERS or bool(_CONTAINER & entries.keys())
            if certain or looks_like_image(image.value) or placeholder(image.value):
                self._image(image, below(path, "image"), pulled_by=PULLED_BY.get(kind, KUBELET))
        elif isinstance(image, YamlMapping):
            reference = image.entries().get("reference")
            if isinstance(reference, Scalar) and in_list == "volumes":
                self._image(reference, below(path, "image.reference"))
        for key, value in entries.items():
            if key == "image" or not isinstance(value, Scalar):
                continue
            if (key.endswith("Image") or key in {"imageName", "imageURL", "imageUrl"}) and looks_like_image(
                value.value
            ):
                self._image(value, below(path, key), pulled_by=PULLED_BY.get(kind, KUBELET))

    def _json_patch(self, entries: dict[str, Node], path: str) -> None:
        """One operation of a JSON patch that puts an image into a field of that name."""
        value = entries.get("value")
        if "op" in entries and isinstance(value, Scalar) and _scalar(entries.get("path")).endswith("/image"):
            self._image(value, below(path, "value"))

    def _environment(self, variables: YamlList, path: str) -> None:
        for index, item in enumerate(variables.items):
            if not isinstance(item, YamlMapping):
                continue
            entries = item.entries()
            name, value = _scalar(entries.get("name")), entries.get("value")
            if not isinstance(value, Scalar) or not _IMAGE_VARIABLE.fullmatch(name.upper()):
                continue
            if "\n" in value.value:
                for place in assigned_images(self._text, value, f"{path}[{index}].value"):
                    self._add(place)
                continue
            consent: Consent = "" if _OPERATOR_VARIABLE.fullmatch(name) else "env"
            named = not consent and "/" in value.value and is_reference(value.value)
            if named or looks_like_image(value.value):
                self._image(value, f"{path}[{index}].value", consent=consent)

    def _arguments(self, arguments: YamlList, path: str) -> None:
        for index, item in enumerate(arguments.items):
            if not isinstance(item, Scalar):
                continue
            match = _ARGUMENT.fullmatch(item.value)
            if match and looks_like_image(match[1]):
                part = item.part(self._text)
                raw = self._text[part.start : part.end]
                if raw.endswith(match[1]):
                    start = part.end - len(match[1])
                    self._add(
                        ImagePlace(
                            f"{path}[{index}]",
                            FORMAT,
                            match[1],
                            Parts(image=Part(start, part.end, match[1], part.style)),
                            consent="env",
                        ),
                    )

    def _image(
        self, node: Scalar, path: str, *, pulled_by: str = KUBELET, consent: Consent = "", scheme: str = ""
    ) -> None:
        """A scalar that is an image, whatever it holds."""
        if not node.value.strip() or (node.style == "plain" and node.value in {"null", "~", "Null", "NULL"}):
            return
        part = node.part(self._text)
        value = node.value
        if node.style in {"literal", "folded"}:
            value = value.strip()
        if scheme:
            if not value.startswith(scheme):
                return
            value = value.removeprefix(scheme)
            part = Part(part.start + len(scheme), part.end, value, part.style)
        parts, resolved = Parts(image=part), None
        if self._parameters is not None and placeholder(value) and self._text[part.start : part.end] == value:
            resolved = self._parameters.resolved(replace(part, value=value))
        if resolved is not None:
            value, parts = resolved.reference, Parts(**resolved.parts)
        self._add(ImagePlace(path, FORMAT, value, parts, pulled_by=pulled_by, consent=consent))

    def _add(self, place: ImagePlace) -> None:
        key = -place.anchor.start - 1
        if key in self._seen:
            return
        self._seen.add(key)
        self._found.take(place)

    def _texts(self, root: YamlMapping, path: str) -> None:
        """Images that a ConfigMap's texts name: shown, because somebody starts them, and never changed."""
        for key, value in root.own_entries():
            if key not in {"data", "stringData"} or not isinstance(value, YamlMapping):
                continue
            for name, content in value.own_entries():
                if isinstance(content, Scalar):
                    for place in text_images(self._text, content, f"{below(path, key)}.{name}"):
                        self._add(place)


def _values_nodes(entries: dict[str, Node]) -> Iterator[tuple[str, Node]]:
    """Where objects of Flux, Argo CD and k3s hold the values of a chart."""
    for path in (
        "spec.values",
        "spec.valuesContent",
        "spec.source.helm.valuesObject",
        "spec.source.helm.values",
        "spec.sources[].helm.valuesObject",
        "spec.sources[].helm.values",
        "spec.template.spec.source.helm.valuesObject",
        "spec.template.spec.source.helm.values",
        "spec.template.spec.sources[].helm.valuesObject",
        "spec.template.spec.sources[].helm.values",
    ):
        yield from _select(entries, path)


def _select(entries: dict[str, Node], path: str) -> Iterator[tuple[str, Node]]:
    """The nodes at a path such as `spec.kafka.image` or `spec.tags[].from.name`; `*` is any key."""
    found: list[tuple[str, Node]] = [("", YamlMapping([], 0, entries))]
    for step in path.split("."):
        name, many = step.removesuffix("[]"), step.endswith("[]")
        next_found: list[tuple[str, Node]] = []
        for where, node in found:
            if not isinstance(node, YamlMapping):
                continue
            own = node.entries()
            keys = list(own) if name == "*" else [name] if name in own else []
            for key in keys:
                place = below(where, key)
                value = own[key]
                if many and isinstance(value, YamlList):
                    next_found.extend((f"{place}[{index}]", item) for index, item in enumerate(value.items))
                elif not many:
                    next_found.append((place, value))
        found = next_found
    yield from found


def _scalar(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) else ""
