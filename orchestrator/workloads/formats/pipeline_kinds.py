"""Whose pipeline a document is by its content, for files that are included or kept under another name.

Each service has keys that no other file has together. A file without all of them is no pipeline: a wrong answer would leave
images that a cluster pulls. Pure.
"""

from __future__ import annotations

from typing import Literal

from orchestrator.workloads.references import is_reference, looks_like_image
from orchestrator.workloads.yaml_tree import Node, Scalar, YamlList, YamlMapping

Service = Literal["github", "gitlab", "cloud build", "other"]
_BITBUCKET = frozenset({"default", "branches", "custom", "pull-requests", "tags"})
_CIRCLE_RUNNERS = frozenset({"docker", "machine", "macos", "executor"})
_RUNS = frozenset({"args", "entrypoint", "script"})
_CLOUD_BUILD_STEP = frozenset(
    {*_RUNS, "name", "env", "dir", "id", "waitFor", "timeout", "secretEnv", "volumes", "timing", "pullTiming"}
    | {"allowFailure", "allowExitCodes", "automapSubstitutions", "status"}
)


def service_of(root: Node) -> Service | None:
    """The service that runs a document, None where nothing says so for certain."""
    if not isinstance(root, YamlMapping):
        return None
    entries = root.entries()
    if "apiVersion" in entries:
        return None
    jobs = _mappings(entries.get("jobs"))
    if "on" in entries and jobs and all({"runs-on", "uses"} & job.keys() for job in jobs):
        return "github"
    if "version" in entries and jobs and all("steps" in job and _CIRCLE_RUNNERS & job.keys() for job in jobs):
        return "other"
    pipelines = entries.get("pipelines")
    if isinstance(pipelines, YamlMapping) and _BITBUCKET & pipelines.entries().keys():
        return "other"
    kind = entries.get("kind")
    if isinstance(kind, Scalar) and kind.value == "pipeline" and {"steps", "clone"} & entries.keys():
        return "other"
    if any("script" in job and ("stage" in job or "stages" in entries) for job in _mappings(root)):
        return "gitlab"
    return "cloud build" if _is_cloud_build(entries.get("steps")) else None


def _is_cloud_build(steps: Node | None) -> bool:
    """Whether these are steps whose names are images: all run something and have a builder's keys, one names its registry."""
    if not isinstance(steps, YamlList) or not steps.items:
        return False
    names = []
    for step in steps.items:
        entries = step.entries() if isinstance(step, YamlMapping) else {}
        name = entries.get("name")
        if not isinstance(name, Scalar) or not _RUNS & entries.keys() or entries.keys() - _CLOUD_BUILD_STEP:
            return False
        names.append(name.value)
    return all(map(is_reference, names)) and any("/" in name and looks_like_image(name) for name in names)


def _mappings(node: Node | None) -> list[dict[str, Node]]:
    """What the mappings among a mapping's values hold."""
    values = node.entries().values() if isinstance(node, YamlMapping) else ()
    return [value.entries() for value in values if isinstance(value, YamlMapping)]
