"""Images of pipelines: GitHub Actions, GitLab CI, Cloud Build and others. They are found always and rewritten on `--include ci`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.workloads.fields import Fields
from orchestrator.workloads.formats import kubernetes
from orchestrator.workloads.formats.compose import add_image
from orchestrator.workloads.machine_images import is_machine_field
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, below
from orchestrator.workloads.references import is_reference, looks_like_image, placeholder
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

GITHUB = "github-actions"
GITLAB = "gitlab-ci"
OTHER = "pipeline"
_SCHEME = "docker://"
_STEPS = frozenset({"docker", "steps", "services", "pipeline", "clone"})
_DEEPEST = 8
_IMAGE_NAME = re.compile(r"(?:.*[-_])?image(?:s|[-_].*)?", re.I)
_BUILD_ARGUMENT = re.compile(r"(?<![\w.-])\w*IMAGE\w*=([^\s\"',#]++)", re.A)
# Keys at the top of a GitLab file that are no jobs.
_NOT_JOBS = frozenset({"stages", "variables", "include", "workflow", "cache", "spec"})


def find_in_workflow(text: str, root: Node, found: Found) -> None:
    """Add the images of a workflow's jobs, services and `docker://` steps, or of an action's `runs`."""
    if not isinstance(root, YamlMapping):
        return
    jobs = root.entries().get("jobs")
    for name, job in jobs.entries().items() if isinstance(jobs, YamlMapping) else ():
        if not isinstance(job, YamlMapping):
            continue
        entries = job.entries()
        _container(text, entries.get("container"), f"jobs.{name}.container", GITHUB, found)
        services = entries.get("services")
        for service, value in services.entries().items() if isinstance(services, YamlMapping) else ():
            _container(text, value, f"jobs.{name}.services.{service}", GITHUB, found)
        _matrix(text, entries.get("strategy"), f"jobs.{name}.strategy.matrix", found)
        _image_variables(text, entries.get("env"), f"jobs.{name}.env", GITHUB, found)
        _steps(text, entries.get("steps"), f"jobs.{name}.steps", found)
        uses = entries.get("uses")
        if isinstance(uses, Scalar):
            _docker(text, uses, f"jobs.{name}.uses", found)
    _image_variables(text, root.entries().get("env"), "env", GITHUB, found)
    runs = root.entries().get("runs")
    if isinstance(runs, YamlMapping):
        image = runs.entries().get("image")
        if isinstance(image, Scalar):
            _docker(text, image, "runs.image", found)
        _steps(text, runs.entries().get("steps"), "runs.steps", found)


def find_in_gitlab(text: str, root: Node, found: Found) -> None:
    """Add `image` and `services` of the file, its `default` and its jobs."""
    if not isinstance(root, YamlMapping):
        return
    entries = root.entries()
    known = _variables(text, entries.get("variables"))
    _job(text, entries, "", found, known)
    for name, job in entries.items():
        if isinstance(job, YamlMapping) and name not in _NOT_JOBS and name not in {"image", "services"}:
            own = job.entries()
            _job(text, own, name, found, {**known, **_variables(text, own.get("variables"))})
            _image_variables(text, own.get("variables"), f"{name}.variables", GITLAB, found)
            _rows(text, own.get("parallel"), f"{name}.parallel.matrix", found)
    _image_variables(text, entries.get("variables"), "variables", GITLAB, found)


def _rows(text: str, parallel: Node | None, path: str, found: Found) -> None:
    """Images among which GitLab repeats a job: variables of a row, each a value or a list of them."""
    matrix = parallel.entries().get("matrix") if isinstance(parallel, YamlMapping) else None
    for index, row in enumerate(matrix.items if isinstance(matrix, YamlList) else []):
        for name, value in row.entries().items() if isinstance(row, YamlMapping) else ():
            for item in value.items if isinstance(value, YamlList) else [value]:
                _image_variable(text, name, item, f"{path}[{index}].{name}", GITLAB, found)


def find_in_cloud_build(text: str, root: Node, found: Found) -> None:
    """Add the builders of Google Cloud Build: the names of its steps."""
    steps = root.entries().get("steps") if isinstance(root, YamlMapping) else None
    for index, step in enumerate(steps.items if isinstance(steps, YamlList) else []):
        name = step.entries().get("name") if isinstance(step, YamlMapping) else None
        if isinstance(name, Scalar):
            add_image(text, name, f"steps[{index}].name", OTHER, found, consent="ci")


def _variables(text: str, node: Node | None) -> dict[str, Part]:
    """{name: its value} of variables, which GitLab writes alone or with a description."""
    known = {}
    for name, value in node.entries().items() if isinstance(node, YamlMapping) else ():
        given = value.entries().get("value") if isinstance(value, YamlMapping) else value
        if isinstance(given, Scalar) and given.style in {"plain", "single", "double"}:
            known[name] = given.part(text)
    return known


def _image_variables(text: str, node: Node | None, path: str, form: str, found: Found) -> None:
    """Variables whose names and values say that they are images."""
    for name, value in node.entries().items() if isinstance(node, YamlMapping) else ():
        _image_variable(text, name, value, f"{path}.{name}", form, found)


def _image_variable(text: str, name: str, value: Node, where: str, form: str, found: Found) -> None:
    if isinstance(value, Scalar) and _IMAGE_NAME.fullmatch(name) and looks_like_image(value.value):
        add_image(text, value, where, form, found, consent="env")


def find_in_other_pipeline(text: str, root: Node, found: Found, fields: Fields) -> None:
    """Add the images of a pipeline of another service, which have the shapes of containers."""
    nested = Found()
    kubernetes.find_in_object(text, root, nested, fields)
    _words(text, root, "", "", nested)
    found.places.extend(
        replace(place, format=OTHER, consent="never" if place.consent == "never" else "ci")
        for place in nested.places
        if not is_machine_field(place.field)
    )
    found.unreadable.extend(nested.unreadable)


def _words(text: str, node: Node, path: str, parent: str, found: Found, depth: int = 0) -> None:
    """Images of one word, which are some where steps and services have theirs: `docker: [{image: node}]`."""
    if depth > _DEEPEST:
        return
    # Steps are a list, or a mapping by their names.
    inner = "step" if parent in _STEPS else parent
    if isinstance(node, YamlList):
        for index, item in enumerate(node.items):
            _words(text, item, f"{path}[{index}]", inner, found, depth + 1)
    for key, value in node.own_entries() if isinstance(node, YamlMapping) else ():
        where = below(path, key)
        if key == "image" and parent in {"", "step"} and isinstance(value, YamlMapping):
            _named(text, value.entries().get("name"), f"{where}.name", found)
        if not isinstance(value, Scalar):
            _words(text, value, where, "step" if inner != parent else key, found, depth + 1)
        elif (key == "image" and parent in {"", "step"} and is_reference(value.value)) or (
            key == "container" and looks_like_image(value.value)
        ):
            add_image(text, value, where, OTHER, found)


def _named(text: str, name: Node | None, where: str, found: Found) -> None:
    """An image as a mapping that names it beside its credentials, as Bitbucket has it."""
    if isinstance(name, Scalar) and is_reference(name.value):
        add_image(text, name, where, OTHER, found)


def _job(text: str, entries: dict[str, Node], name: str, found: Found, known: Mapping[str, Part]) -> None:
    before = f"{name}." if name else ""
    _container(text, entries.get("image"), f"{before}image", GITLAB, found, known)
    services = entries.get("services")
    for index, service in enumerate(services.items if isinstance(services, YamlList) else []):
        _container(text, service, f"{before}services[{index}]", GITLAB, found, known)


def _container(
    text: str, node: Node | None, path: str, form: str, found: Found, known: Mapping[str, Part] | None = None
) -> None:
    """An image as a scalar, or a mapping with `image` (GitHub) or `name` (GitLab)."""
    if isinstance(node, YamlMapping):
        key = "name" if form == GITLAB else "image"
        node, path = node.entries().get(key), f"{path}.{key}"
    if isinstance(node, Scalar) and node.value:
        part = node.part(text)
        if any(place.anchor.start == part.start for place in found.places):
            return
        add_image(text, node, path, form, found, consent="ci", known=known)


def _steps(text: str, steps: Node | None, path: str, found: Found) -> None:
    for index, step in enumerate(steps.items if isinstance(steps, YamlList) else []):
        uses = step.entries().get("uses") if isinstance(step, YamlMapping) else None
        if isinstance(uses, Scalar):
            _docker(text, uses, f"{path}[{index}].uses", found)
        given = step.entries().get("with") if isinstance(step, YamlMapping) else None
        for key, value in given.entries().items() if isinstance(given, YamlMapping) else ():
            named = key == "image" or key.endswith(("-image", "_image"))
            if key == "build-args" and isinstance(value, Scalar):
                _build_arguments(text, value, f"{path}[{index}].with.{key}", found)
            if named and isinstance(value, Scalar) and looks_like_image(value.value):
                add_image(text, value, f"{path}[{index}].with.{key}", GITHUB, found, consent="ci")
        if isinstance(step, YamlMapping):
            _image_variables(text, step.entries().get("env"), f"{path}[{index}].env", GITHUB, found)


def _build_arguments(text: str, node: Scalar, where: str, found: Found) -> None:
    """Images that a build's arguments name, one a line: `BASE_IMAGE=alpine:3`."""
    for match in _BUILD_ARGUMENT.finditer(text, node.start, node.end):
        if looks_like_image(match[1]) and placeholder(match[1]) is None:
            part = Part(match.start(1), match.end(1), match[1])
            found.places.append(ImagePlace(where, GITHUB, match[1], Parts(image=part), consent="ci"))


def _matrix(text: str, strategy: Node | None, path: str, found: Found) -> None:
    """Images among which a job is repeated: a list by a name that says so, or single ones of `include`."""
    matrix = strategy.entries().get("matrix") if isinstance(strategy, YamlMapping) else None
    for name, node in matrix.entries().items() if isinstance(matrix, YamlMapping) else ():
        items = node.items if isinstance(node, YamlList) else []
        for index, item in enumerate(items):
            given = item.entries() if isinstance(item, YamlMapping) else {name: item}
            for key, value in given.items():
                if isinstance(value, Scalar) and _IMAGE_NAME.fullmatch(key) and looks_like_image(value.value):
                    where = f"{path}.{name}[{index}]" + (f".{key}" if isinstance(item, YamlMapping) else "")
                    add_image(text, value, where, GITHUB, found, consent="ci")


def _docker(text: str, node: Scalar, path: str, found: Found) -> None:
    if not node.value.startswith(_SCHEME):
        return
    part, value = node.part(text), node.value.removeprefix(_SCHEME)
    image = Part(part.start + len(_SCHEME), part.end, value, part.style)
    found.take(ImagePlace(path, GITHUB, value, Parts(image=image), consent="ci"), node.value)
