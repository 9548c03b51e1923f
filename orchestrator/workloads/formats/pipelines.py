"""Images of pipelines: GitHub Actions and GitLab CI. They are found always and rewritten on `--include ci`."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.workloads.fields import Fields
from orchestrator.workloads.formats import kubernetes
from orchestrator.workloads.formats.compose import add_image
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts
from orchestrator.workloads.references import looks_like_image
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

GITHUB = "github-actions"
GITLAB = "gitlab-ci"
OTHER = "pipeline"
_SCHEME = "docker://"
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
        _steps(text, entries.get("steps"), f"jobs.{name}.steps", found)
        uses = entries.get("uses")
        if isinstance(uses, Scalar):
            _docker(text, uses, f"jobs.{name}.uses", found)
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
    _job(text, entries, "", found)
    for name, job in entries.items():
        if isinstance(job, YamlMapping) and name not in _NOT_JOBS and name not in {"image", "services"}:
            _job(text, job.entries(), name, found)


def find_in_other_pipeline(text: str, root: Node, found: Found, fields: Fields) -> None:
    """Add the images of a pipeline of another service, which have the shapes of containers."""
    nested = Found()
    kubernetes.find_in_object(text, root, nested, fields)
    found.places.extend(
        replace(place, format=OTHER, consent="never" if place.consent == "never" else "ci") for place in nested.places
    )
    found.unreadable.extend(nested.unreadable)


def _job(text: str, entries: dict[str, Node], name: str, found: Found) -> None:
    before = f"{name}." if name else ""
    _container(text, entries.get("image"), f"{before}image", GITLAB, found)
    services = entries.get("services")
    for index, service in enumerate(services.items if isinstance(services, YamlList) else []):
        _container(text, service, f"{before}services[{index}]", GITLAB, found)


def _container(text: str, node: Node | None, path: str, form: str, found: Found) -> None:
    """An image as a scalar, or a mapping with `image` (GitHub) or `name` (GitLab)."""
    if isinstance(node, YamlMapping):
        key = "name" if form == GITLAB else "image"
        node, path = node.entries().get(key), f"{path}.{key}"
    if isinstance(node, Scalar) and node.value:
        part = node.part(text)
        if any(place.anchor.start == part.start for place in found.places):
            return
        add_image(text, node, path, form, found, consent="ci")


def _steps(text: str, steps: Node | None, path: str, found: Found) -> None:
    for index, step in enumerate(steps.items if isinstance(steps, YamlList) else []):
        uses = step.entries().get("uses") if isinstance(step, YamlMapping) else None
        if isinstance(uses, Scalar):
            _docker(text, uses, f"{path}[{index}].uses", found)
        given = step.entries().get("with") if isinstance(step, YamlMapping) else None
        image = given.entries().get("image") if isinstance(given, YamlMapping) else None
        if isinstance(image, Scalar) and looks_like_image(image.value):
            add_image(text, image, f"{path}[{index}].with.image", GITHUB, found, consent="ci")


def _docker(text: str, node: Scalar, path: str, found: Found) -> None:
    if not node.value.startswith(_SCHEME):
        return
    part, value = node.part(text), node.value.removeprefix(_SCHEME)
    image = Part(part.start + len(_SCHEME), part.end, value, part.style)
    found.take(ImagePlace(path, GITHUB, value, Parts(image=image), consent="ci"), node.value)
