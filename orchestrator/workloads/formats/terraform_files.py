"""Images in Terraform's and OpenTofu's files: `image = "…"`, container definitions, defaults of variables, locals, and what
a `helm_release` gives its chart.

A variable with a default and a local value are followed to where they are written. The value of an expression is made
by a program, and reported. Texts (heredocs) are read as what they are: values of a chart, manifests, definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from orchestrator.workloads.formats import helm, kubernetes
from orchestrator.workloads.formats.chart_settings import nested_settings
from orchestrator.workloads.formats.hcl_tree import HclBlock, HclFile, Heredoc, read_hcl
from orchestrator.workloads.formats.shell_variables import Unresolved, resolve
from orchestrator.workloads.json_tree import parse_objects
from orchestrator.workloads.machine_images import is_machine_resource
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable, below, filled_in_later
from orchestrator.workloads.references import is_file, is_reference, looks_like_image
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping

FORMAT = "terraform"
_NAME = re.compile(r"image|image_uri|image_url|[a-z0-9_]+_image(?:_uri|_url)?")
# An environment variable of a container or a function.
_VARIABLE = re.compile(r"[A-Z0-9_]+_IMAGE")
# What the grammar did not read, such as definitions inside a text with escapes.
_ATTRIBUTE = re.compile(
    r"(?<![\w.-])\"?(image|image_uri|[a-z_]+_image)\"?[ \t]*[=:][ \t]*"
    r"(?:optional\([ \t]*string[ \t]*,[ \t]*)?\"((?:[^\"\\\n]|\\.)*)\""
)
_YAML_LINE = re.compile(r"^[ \t]*(?:-[ \t]+)?image:[ \t]+([^\s\"'{}#]+)[ \t]*$", re.M)
# Blocks and arguments that hold containers: an image of one word is one there.
_CONTAINERS = re.compile(
    r"(?:init_|ephemeral_|sidecar_|primary_)?containers?|container_(?:definitions?|spec)|"
    r"(?:container|node|ecs|eks)_properties"
)
# Where the provider of Docker names an image that it pulls, or asks a registry of: its `name`.
_NAMED = {
    "resource": frozenset({"docker_image"}),
    "data": frozenset({"docker_image", "docker_registry_image", "docker_registry_image_manifests"}),
}
# JSON inside a quoted text: `container_definitions = "[{\"image\": \"nginx\"}]"`.
_ESCAPED = re.compile(r"\\\"(image|image_uri|[a-z_]+_image)\\\"[ \t]*:[ \t]*\\\"([^\"\\\n]+)\\\"")
_BEFORE_HEREDOC = re.compile(r"([\w-]+)[ \t]*=[ \t]*(?:\w+\()?<<-?\w+[ \t]*\r?\n\Z")
_ARGUMENT = re.compile(r"[ \t]*\"?([\w-]+)\"?[ \t]*[=:]")
# Blocks whose first label is a resource's type, or that of Packer's builders; other labels are names that people choose.
_STARTING = frozenset({"resource", "data", "source"})
_COMMENT = re.compile(r"[ \t]*(?:#|//)")


def find_in_terraform(text: str, found: Found) -> None:
    """Add the images of one file to `found`."""
    _File(text, found).read()


class _File:
    def __init__(self, text: str, found: Found) -> None:
        self._text = text
        self._found = found
        self._seen: set[int] = set()
        self._texts: list[Heredoc] = []

    def read(self) -> None:
        file = read_hcl(self._text)
        for block in file.root.blocks:
            if block.type == "variable" or block.type == "locals":
                continue
            chart = block.labels[:1] == ("helm_release",)
            self._named(block, file)
            machine = block.type in _STARTING and bool(block.labels) and is_machine_resource(block.labels[0])
            for inner in block.below():
                self._heredocs(inner, chart=chart)
                self._chart(inner)
                if machine:
                    self._pass_over(inner.attributes.values())
                elif not chart:
                    container = inner.type == "resource" and inner.labels[:1] == ("docker_container",)
                    self._uses(inner.attributes, file, "", certain=container or _holds_containers(inner.type))
        self._definitions(file)
        self._escaped(file)
        for match in _ATTRIBUTE.finditer(self._text):
            if not self._commented(match.start()) and match.start(2) not in self._seen:
                self._literal(Part(match.start(2), match.end(2), match[2], "double"), match[1])
        for match in _YAML_LINE.finditer(self._text):
            if not self._commented(match.start(1)) and looks_like_image(match[1]) and not self._read(match.start(1)):
                self._literal(Part(match.start(1), match.end(1), match[1]), "image")

    def _pass_over(self, nodes: Iterable[Node]) -> None:
        """Leave what a machine is told alone, in the reading of what the grammar did not read, too."""
        for node in nodes:
            if isinstance(node, Scalar):
                self._seen.add(node.part(self._text).start)
            else:
                self._pass_over(node.items if isinstance(node, YamlList) else node.entries().values())

    def _named(self, block: HclBlock, file: HclFile) -> None:
        """The image that a resource of Docker's provider pulls; one with `build` is made, and not pulled."""
        name = block.attributes.get("name")
        built = "build" in block.attributes or any(inner.type == "build" for inner in block.blocks)
        if isinstance(name, Scalar) and not built and _NAMED.get(block.type, frozenset()) & {*block.labels[:1]}:
            self._use(name, file, "image", "name", certain=True)

    def _escaped(self, file: HclFile) -> None:
        """Images of JSON that stands escaped in a quoted text, which the grammar gives no values of."""
        for match in _ESCAPED.finditer(self._text):
            line = self._text.rfind("\n", 0, match.start()) + 1
            argument = _ARGUMENT.match(self._text, line, match.start())
            if match.start(2) in self._seen or self._commented(match.start()):
                continue
            node = Scalar(match[2], match.start(2) - 1, match.end(2) + 1, "double")
            certain = argument is not None and _holds_containers(argument[1])
            self._use(node, file, match[1], match[1], certain=certain)

    def _literal(self, part: Part, name: str) -> None:
        if part.start in self._seen:
            return
        problem = filled_in_later(part.value, part.start)
        if problem is not None:
            self._report(problem)
        elif _is_image(name, part.value):
            self._note(ImagePlace(name, FORMAT, part.value, Parts(image=part)))

    def _definitions(self, file: HclFile) -> None:
        """Defaults of variables and locals, whose names say what they are as the keys of a chart's values do."""
        for start, prefix in ((0, "var"), (1, "local")):
            named = [
                (name.partition(".")[2], node)
                for name, node in file.given.items()
                if name.count(".") == 1 and name.startswith(f"{prefix}.") and not _computed(node)
            ]
            self._values(
                YamlMapping([(Scalar(name, start, start, "plain"), node) for name, node in named], start), prefix
            )

    def _chart(self, block: HclBlock) -> None:
        """What `values` and `set` give a chart."""
        values = block.attributes.get("values") if block.type == "resource" else None
        for index, node in enumerate(values.items if isinstance(values, YamlList) else []):
            self._values(node, f"values[{index}]")
        settings = list(_settings(block))
        if settings:
            self._values(nested_settings(settings), "set")

    def _heredocs(self, block: HclBlock, *, chart: bool) -> None:
        for heredoc in block.heredocs:
            nested = Found()
            try:
                argument = _BEFORE_HEREDOC.search(self._text, 0, heredoc.start)
                definitions = argument is not None and _holds_containers(argument[1])
                for root in parse_objects(self._text, heredoc.start, heredoc.end):
                    if definitions:
                        listed = root if isinstance(root, YamlList) else YamlList([root], root.start)
                        holder = YamlMapping(
                            [(Scalar("containers", root.start, root.start, "plain"), listed)], root.start
                        )
                        kubernetes.find_in_object(self._text, holder, nested)
                    elif chart:
                        helm.find_in_values(self._text, root, nested, "values")
                    else:
                        kubernetes.find_in_object(self._text, root, nested)
            except BrokenYaml:
                continue
            self._texts.append(heredoc)
            self._add(nested)

    def _uses(self, entries: dict[str, Node], file: HclFile, path: str, *, certain: bool) -> None:
        for name, node in entries.items():
            where = below(path, name)
            if isinstance(node, Scalar):
                if _VARIABLE.fullmatch(name) and looks_like_image(node.value) and "$" not in node.value:
                    self._note(ImagePlace(where, FORMAT, node.value, Parts(image=node.part(self._text)), consent="env"))
                elif _NAME.fullmatch(name):
                    self._use(node, file, name, where, certain=certain)
            else:
                for index, item in enumerate(node.items if isinstance(node, YamlList) else [node]):
                    there = f"{where}[{index}]" if isinstance(node, YamlList) else where
                    if isinstance(item, YamlMapping):
                        self._uses(item.entries(), file, there, certain=certain or _holds_containers(name))

    def _use(self, node: Scalar, file: HclFile, name: str, where: str, *, certain: bool) -> None:
        part = node.part(self._text)
        certain = certain and name == "image"
        if "$" not in node.value:
            if _is_image(name, node.value, certain=certain):
                self._note(ImagePlace(where, FORMAT, node.value, Parts(image=part)))
            return
        known = {key: one.part(self._text) for key, one in file.given.items() if isinstance(one, Scalar)}
        resolved = resolve(part, known)
        if isinstance(resolved, Unresolved):
            if node.style == "double":
                reason = f"{resolved.variable} has no value here"
                self._report(Unreadable(part.start, reason, node.value))
        elif resolved.parts and _is_image(name, resolved.reference, certain=certain):
            self._note(ImagePlace(where, FORMAT, resolved.reference, Parts(**resolved.parts)))
            # The text with the variable in it is read: nothing in it is filled in later.
            self._seen.add(part.start)
        else:
            self._report(filled_in_later(node.value, part.start))

    def _values(self, node: Node, path: str) -> None:
        nested = Found()
        helm.find_in_values(self._text, node, nested, path)
        self._add(nested)

    def _add(self, nested: Found) -> None:
        for place in nested.places:
            self._note(replace(place, format=FORMAT))
        for problem in nested.unreadable:
            self._report(problem)

    def _note(self, place: ImagePlace) -> None:
        start = place.anchor.start
        if start not in self._seen:
            self._seen |= {part.start for part in place.parts.given().values()}
            self._found.places.append(place)

    def _report(self, problem: Unreadable | None) -> None:
        if problem is not None and problem.start not in self._seen:
            self._seen.add(problem.start)
            self._found.unreadable.append(problem)

    def _read(self, index: int) -> bool:
        """Whether a character is in a text that was read as what it is."""
        return any(heredoc.start <= index < heredoc.end for heredoc in self._texts)

    def _commented(self, index: int) -> bool:
        start = self._text.rfind("\n", 0, index) + 1
        return bool(_COMMENT.match(self._text, start))


def _is_image(name: str, value: str, *, certain: bool = False) -> bool:
    """Whether an attribute's value is an image: by the name alone, by `image` and a path, or a container's."""
    if certain and is_reference(value) and not is_file(value):
        return True
    return looks_like_image(value) or (name == "image" and "/" in value and looks_like_image(value + ":x"))


def _holds_containers(name: str) -> bool:
    return _CONTAINERS.fullmatch(name) is not None


def _computed(node: Node) -> bool:
    return isinstance(node, Scalar) and "$" in node.value


def _settings(block: HclBlock) -> Iterator[tuple[str, Scalar]]:
    """(name, value) of what `set` gives: blocks, or a list of objects."""
    listed = [block.attributes.get(name) for name in ("set", "set_sensitive", "set_string")]
    entries: list[dict[str, Node]] = [
        item.entries()
        for node in listed
        for item in (node.items if isinstance(node, YamlList) else [])
        if isinstance(item, YamlMapping)
    ]
    entries += [inner.attributes for inner in block.blocks if inner.type in {"set", "set_string"}]
    for one in entries:
        name, value = one.get("name"), one.get("value")
        if isinstance(name, Scalar) and isinstance(value, Scalar):
            yield name.value, value
