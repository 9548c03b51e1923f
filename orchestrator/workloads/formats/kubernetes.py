"""Images in Kubernetes objects: wherever something has the shape of a Pod spec, and in fields of custom resources.

Objects are recognised by their shape, so that a kind that nobody listed is found too. A text that only looks like an
image (a CRD's schema, a policy's pattern) is left out by its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from orchestrator.workloads.fields import FIELDS, KUBELET, PULLED_BY, Field, Fields
from orchestrator.workloads.formats import helm, operators
from orchestrator.workloads.formats.deliveries import DELIVERERS, find_in_delivery, select
from orchestrator.workloads.formats.inner_yaml import Window, assigned_images, has_lines, inside, text_images
from orchestrator.workloads.formats.parameters import PARAMETRISED, Parameters, bundles, read_parameters
from orchestrator.workloads.json_tree import parse_objects
from orchestrator.workloads.machine_images import is_machine_kind
from orchestrator.workloads.place import HOSTED_SCHEME, Consent, Found, ImagePlace, Part, Parts, below
from orchestrator.workloads.references import is_file, is_reference, looks_like_image, placeholder
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping

FORMAT = "kubernetes"
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
# Groups whose kinds have such a name and make objects of what they hold.
_MAKING = ("nvidia.com/", "policy.open-cluster-management.io/")
# What holds one container alone.
_HOLDERS = frozenset({"container", "initContainer", "script", "sidecar", "stepTemplate"})
_WORKFLOWS = frozenset({"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"})
# Istio's injector takes the place of a container with this image.
_INJECTED = "auto"
# Text that programs read; what stands in it is named and never changed.
_TEXTS = frozenset({"ConfigMap", "Secret"})
# What a container has beside its image: without a `containers` above it, two words make one.
_CONTAINER = frozenset(
    {
        *("name", "command", "args", "env", "envFrom", "ports", "resources", "volumeMounts", "script"),
        "imagePullPolicy",
        *("workingDir", "securityContext", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
    }
)
# Beside a repository they make an image; a name with a version may be a disk's.
_VERSIONS = frozenset({"tag", "digest", "version", "sha256", "pullPolicy"})
_OPERATOR_VARIABLE = re.compile(r"RELATED_IMAGE_\w+|OPERATOR_IMAGE\w*|OPERAND_IMAGE_\w+", re.A)
_IMAGE_VARIABLE = re.compile(r"\w*(?:_IMAGE|IMAGE_)\w*|IMAGE", re.A)
_ARGUMENT = re.compile(r"--?[a-zA-Z0-9-]*image[a-zA-Z0-9-]*=(.+)", re.S)
_ARGUMENT_ALONE = re.compile(r"--?[a-zA-Z0-9-]*image[a-zA-Z0-9-]*")
_IMAGE_FIELD = re.compile(r"[\w-]*(?:Image|_image)|image(?:Name|URL|Url)|image_(?!pull_)\w+", re.A)
_IMAGE_KEY = re.compile(r"(?:.*[-_.])?images?|.*[a-z]Image", re.I)
_FUNCTION_ANNOTATIONS = frozenset({"config.kubernetes.io/function", "config.k8s.io/function"})
_IMAGE_ANNOTATIONS = frozenset(
    {
        *("sidecar.istio.io/proxyImage", "linkerd.io/proxy-image", "config.linkerd.io/proxy-image"),
        *("config.linkerd.io/init-image", "config.linkerd.io/debug-image", "vault.hashicorp.com/agent-image"),
        "dapr.io/sidecar-image",
    }
)
# Annotations from which operators read the images that they start: `images.v1_2_3.proxy`.
_OPERANDS = "images."
# Keys of variables, ports, mounts and references to keys, whose values are words.
_WORDLESS = frozenset(
    {
        *("name", "value", "key", "path", "port", "targetPort", "containerPort", "hostPort", "nodePort", "protocol"),
        *("mountPath", "subPath", "readOnly", "optional", "mode", "operator", "effect", "verb", "host"),
    }
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
    """Add the images of one document (object, List of objects, part of a Pod spec) to `found`."""
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
            if kind in NOT_PULLED and not _scalar(entries.get("apiVersion")).startswith(_MAKING):
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
            for where, node in _standing(entries, field):
                self._field(field, node, below(path, where), kind)
        if kind in DELIVERERS:
            delivered = Found()
            self._seen |= {id(node) for node in find_in_delivery(self._text, kind, entries, path, delivered)}
            self._take(delivered)
        if (group, kind) in operators.OPERATORS:
            composed = Found()
            operators.find_in_operator(self._text, group, kind, entries, path, composed)
            self._take(composed)

    def _field(self, field: Field, node: Node, where: str, kind: str) -> None:
        if field.parts:
            own = node.entries() if isinstance(node, YamlMapping) else {}
            self._add_all(filter(None, [operators.joined(self._text, own, where, field.parts)]))
        elif isinstance(node, Scalar) and (field.sure or looks_like_image(node.value)):
            self._image(node, where, pulled_by=field.pulled_by or PULLED_BY.get(kind, KUBELET), scheme=field.scheme)
        elif isinstance(node, YamlMapping):
            self._add_all(replace(place, format=FORMAT) for place in helm.split_image(self._text, node, where, kind))

    def _walk(self, node: Node, path: str, kind: str) -> None:
        if isinstance(node, Scalar) or id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, YamlList):
            for index, item in enumerate(node.items):
                if not _says_nothing(item):
                    self._item(item, f"{path}[{index}]", kind)
            return
        entries = node.entries()
        if _scalar(entries.get("complianceType")).lower() == "mustnothave":
            # A pattern of what must not be there.
            return
        self._container(entries, path, kind)
        self._json_patch(entries, path)
        for bundle, where in bundles(entries, path):
            self._image(bundle, where, pulled_by="Tekton")
        for key, value in node.own_entries():
            if isinstance(value, Scalar) and key != "manifest" and not has_lines(value):
                continue
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
        self._add_all(text_images(self._text, node, path))

    def _window(self, window: Window, path: str) -> None:
        nested = Found()
        with suppress(BrokenYaml):
            for root in parse_objects(window.text):
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
            elif (key in _IMAGE_ANNOTATIONS or key.startswith(_OPERANDS)) and looks_like_image(value.value):
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
            certain = in_list in CONTAINERS or last in _HOLDERS or bool(_CONTAINER & entries.keys())
            if kind in _WORKFLOWS and in_list in {"withItems", "items"}:
                certain = certain or is_reference(image.value)
            if image.value == _INJECTED or (certain and in_list not in CONTAINERS and is_file(image.value)):
                return
            if certain or (not is_machine_kind(kind) and (looks_like_image(image.value) or placeholder(image.value))):
                self._image(image, below(path, "image"), pulled_by=PULLED_BY.get(kind, KUBELET))
        elif isinstance(image, YamlMapping):
            reference = image.entries().get("reference")
            if isinstance(reference, Scalar) and in_list == "volumes":
                self._image(reference, below(path, "image.reference"))
        if is_machine_kind(kind):
            return
        self._add_all(operators.triples(self._text, entries, path))
        for key, value in entries.items():
            if isinstance(value, YamlMapping) and (key == "image" or key.endswith("Image")):
                self._split(value, below(path, key), key)
            if key == "image" or not isinstance(value, Scalar):
                continue
            if key.isupper() and _IMAGE_VARIABLE.fullmatch(key) and looks_like_image(value.value):
                self._image(value, below(path, key), consent="env")
            if "mage" in key and _IMAGE_FIELD.fullmatch(key) and looks_like_image(value.value):
                self._image(value, below(path, key), pulled_by=PULLED_BY.get(kind, KUBELET))

    def _split(self, node: YamlMapping, path: str, key: str) -> None:
        """A custom resource's image that is a repository with a version beside it, as in charts' values."""
        own = node.entries()
        if "repository" in own and _VERSIONS & own.keys():
            for place in helm.split_image(self._text, node, path, key):
                self._add(replace(place, format=FORMAT))

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
            if not isinstance(value, Scalar):
                continue
            name = name.upper()
            if "IMAGE" not in name or not _IMAGE_VARIABLE.fullmatch(name):
                if "/" in value.value and _beyond_doubt(value):
                    self._image(value, f"{path}[{index}].value", consent="env")
                continue
            if "\n" in value.value:
                self._add_all(assigned_images(self._text, value, f"{path}[{index}].value"))
                continue
            consent: Consent = "" if _OPERATOR_VARIABLE.fullmatch(_scalar(entries.get("name"))) else "env"
            named = not consent and "/" in value.value and is_reference(value.value)
            if named or looks_like_image(value.value):
                self._image(value, f"{path}[{index}].value", consent=consent)

    def _arguments(self, arguments: YamlList, path: str) -> None:
        """Options that name an image, in the same argument or in the next one."""
        before = ""
        for index, item in enumerate(arguments.items):
            if not isinstance(item, Scalar):
                continue
            match = _ARGUMENT.fullmatch(item.value)
            where = f"{path}[{index}]"
            if _ARGUMENT_ALONE.fullmatch(before) and _beyond_doubt(item):
                self._image(item, where, consent="env")
            before = item.value
            if match and looks_like_image(match[1]):
                part = item.part(self._text)
                if self._text[part.start : part.end].endswith(match[1]):
                    image = replace(part, start=part.end - len(match[1]), value=match[1])
                    self._add(ImagePlace(where, FORMAT, match[1], Parts(image=image), consent="env"))

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
            part = Part(part.start + len(scheme), part.end, value, part.style, hosted=scheme == HOSTED_SCHEME)
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

    def _add_all(self, places: Iterable[ImagePlace]) -> None:
        for place in places:
            self._add(place)

    def _take(self, nested: Found) -> None:
        self._add_all(nested.places)
        self._found.unreadable.extend(nested.unreadable)

    def _texts(self, root: YamlMapping, path: str) -> None:
        """Images that a ConfigMap's texts name: shown, because somebody starts them, and never changed."""
        for key, value in root.own_entries():
            if key not in {"data", "stringData"} or not isinstance(value, YamlMapping):
                continue
            for name, content in value.own_entries():
                if isinstance(content, Scalar):
                    where = f"{below(path, key)}.{name}"
                    self._add_all(text_images(self._text, content, where))
                    named = _IMAGE_KEY.fullmatch(name) and looks_like_image(content.value)
                    if named or ("/" in content.value and _beyond_doubt(content)):
                        self._image(content, where, consent="never")


def _standing(entries: dict[str, Node], field: Field) -> Iterator[tuple[str, Node]]:
    """What stands at a field: of a reference that names its kind only where that kind is an image."""
    if not field.beside:
        yield from select(entries, field.path)
        return
    holder, _, key = field.path.rpartition(".")
    for where, node in select(entries, holder):
        held = node.entries() if isinstance(node, YamlMapping) else {}
        if key in held and _scalar(held.get("kind")) == field.beside:
            yield below(where, key), held[key]


def _says_nothing(node: Node) -> bool:
    """Whether a list's item is a word, or a mapping of words whose names speak of no image. Most items are."""
    if not isinstance(node, YamlMapping):
        return isinstance(node, Scalar)
    for key, value in node.pairs:
        if (
            not isinstance(key, Scalar)
            or key.value not in _WORDLESS
            or not isinstance(value, Scalar)
            or has_lines(value)
        ):
            return False
    return True


def _beyond_doubt(node: Scalar) -> bool:
    """Whether a text of one line is an image whatever its name is. That is a registry with a tag or a digest, or a tag that a version is."""
    value = node.value.strip()
    if "\n" in value or not looks_like_image(value) or placeholder(value):
        return False
    return "@sha256:" in value or ":" in value.rpartition("/")[2]


def _scalar(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) else ""
