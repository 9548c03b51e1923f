"""Parameters of pipelines, workflows and templates whose values are images: `$(params.BUILDER)`, `${IMAGE}:${TAG}`.

An image that a parameter names is written where the parameter gets its value or its default. There it is found, when the
same document uses it as an image. A parameter that only its name calls an image is rewritten on request (`env`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.workloads.formats.shell_variables import Resolved, resolve
from orchestrator.workloads.place import Part, below
from orchestrator.workloads.references import looks_like_image
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

# Kinds that take parameters, and how their images name them. The groups are those of `shell_variables`.
_NEVER = r"((?!))?((?!))?((?!))?"
_TEKTON = re.compile(r"\$\((?:inputs\.)?params\.([\w-]+)\)" + _NEVER)
_ARGO = re.compile(r"\{\{[ \t]*(?:inputs|workflow)\.parameters\.([\w-]+)[ \t]*\}\}" + _NEVER)
_OPENSHIFT = re.compile(r"\$\{\{?([A-Za-z_]\w*)\}?\}" + _NEVER)
PARAMETRISED = {
    **dict.fromkeys(("Task", "ClusterTask", "StepAction", "TaskRun", "Pipeline", "PipelineRun"), _TEKTON),
    **dict.fromkeys(("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"), _ARGO),
    "Template": _OPENSHIFT,
}
_IMAGE_NAME = re.compile(r".*image.*", re.I)
_DEEPEST = 60


@dataclass(slots=True)
class Parameters:
    """The parameters of one document with their values, and those that its images name."""

    pattern: re.Pattern[str]
    listed: list[tuple[str, Scalar, str]] = field(default_factory=list)
    known: dict[str, Part] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def resolved(self, part: Part) -> Resolved | None:
        """What an image with parameters says, None where one of them has no value here. Those it names count as used."""
        names = [match[1] for match in self.pattern.finditer(part.value)]
        if not names:
            return None
        if self.pattern.fullmatch(part.value):
            self.used.add(names[0])
        found = resolve(part, self.known, self.pattern)
        return found if isinstance(found, Resolved) and found.parts else None

    def images(self) -> Iterator[tuple[Scalar, str, bool]]:
        """(value, field, whether an image here names it) of the parameters whose values are images."""
        for name, node, path in self.listed:
            used = name in self.used
            if looks_like_image(node.value) and (used or _IMAGE_NAME.fullmatch(name)):
                yield node, path, used


def read_parameters(text: str, kind: str, root: YamlMapping) -> Parameters:
    """The parameters of an object of a kind that takes some."""
    found = Parameters(PARAMETRISED[kind])
    for name, node, path in _listed(root, "", 0):
        found.listed.append((name, node, path))
        found.known.setdefault(name, node.part(text))
    return found


def _listed(node: Node, path: str, depth: int) -> Iterator[tuple[str, Scalar, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(node, YamlList):
        for index, item in enumerate(node.items):
            yield from _listed(item, f"{path}[{index}]", depth + 1)
    elif isinstance(node, YamlMapping):
        for key, value in node.own_entries():
            where = below(path, key)
            if key in {"params", "parameters"} and isinstance(value, YamlList):
                yield from _values(value, where)
            if not isinstance(value, Scalar):
                yield from _listed(value, where, depth + 1)


def _values(listed: YamlList, path: str) -> Iterator[tuple[str, Scalar, str]]:
    for index, item in enumerate(listed.items):
        entries = item.entries() if isinstance(item, YamlMapping) else {}
        name = entries.get("name")
        for key in ("value", "default"):
            value = entries.get(key)
            if isinstance(name, Scalar) and isinstance(value, Scalar) and value.value:
                yield name.value, value, f"{path}[{index}].{key}"


def bundles(entries: dict[str, Node], path: str) -> Iterator[tuple[Scalar, str]]:
    """Tekton bundles of a reference to a task or pipeline: by itself, or by a parameter of the bundles' resolver."""
    if path.rpartition(".")[2] not in {"taskRef", "pipelineRef"}:
        return
    bundle, resolver, parameters = (entries.get(key) for key in ("bundle", "resolver", "params"))
    if isinstance(bundle, Scalar) and looks_like_image(bundle.value):
        yield bundle, below(path, "bundle")
    if isinstance(resolver, Scalar) and resolver.value == "bundles" and isinstance(parameters, YamlList):
        for name, value, where in _values(parameters, below(path, "params")):
            if name == "bundle":
                yield value, where
