"""Stages of a migration as admission policies say them: selectors where one says it all, else a condition.

A selector of namespaces is what API servers look at first, so that a Pod elsewhere costs nothing. It knows no wildcards, and
selectors cannot say "or".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.environment.pods import PodSelector
from orchestrator.errors import RefusedInput
from orchestrator.manifests import cel
from orchestrator.workloads.stages import Stage

# Every namespace has this label, https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """`selectors` of a policy's matchConstraints, and a CEL `condition`, "" where the selectors say it all."""

    selectors: dict[str, Any]
    condition: str = ""


def stages_of_pods(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages that a cluster can tell. Raises RefusedInput when that is none of them."""
    told = tuple(stage for stage in stages if stage.of_pods)
    if not told:
        raise RefusedInput(
            f'A policy cannot be narrowed to stage "{stages[-1].name}".',
            why="An API server sees no files and counts no workloads: it knows namespaces and labels of Pods.",
            remedy="Give a stage `namespaces` or `labels` in place of `paths` and `percent`, or rewrite files by this one.",
        )
    return told


def untold(stages: Sequence[Stage]) -> tuple[str, ...]:
    """What to know of stages that a policy leaves out."""
    names = ", ".join(stage.name for stage in stages if not stage.of_pods)
    left = (
        f"These stages select by paths or percent, which a policy cannot: {names}. Images that they add are not "
        f"redirected.",
    )
    return left if names else ()


def narrow(stages: Sequence[Stage]) -> Narrowing:
    """What lets a policy see only the Pods that any of these stages selects."""
    told = stages_of_pods(stages)
    if any(not stage.namespaces and not stage.labels for stage in told):
        return Narrowing({})
    exact = all("*" not in name for stage in told for name in stage.namespaces)
    if exact and all(stage.namespaces and not stage.labels for stage in told):
        return Narrowing({"namespaceSelector": _namespaces(told)})
    if exact and len(told) == 1 and len(told[0].labels) == 1:
        found: dict[str, Any] = {"objectSelector": label_selector(told[0].labels[0])}
        if told[0].namespaces:
            found = {"namespaceSelector": _namespaces(told), **found}
        return Narrowing(found)
    return Narrowing({}, " ||\n".join(f"({_condition(stage)})" for stage in told))


def _namespaces(stages: Sequence[Stage]) -> dict[str, Any]:
    names = sorted({name for stage in stages for name in stage.namespaces})
    return {"matchExpressions": [{"key": _NAMESPACE_NAME, "operator": "In", "values": names}]}


def _condition(stage: Stage) -> str:
    found = []
    if stage.namespaces:
        found.append(f"request.namespace.matches({cel.raw(cel.namespaces_pattern(stage.namespaces))})")
    if stage.labels:
        found.append(cel.selected(stage.labels))
    return " &&\n".join(found)


def label_selector(selector: PodSelector) -> dict[str, Any]:
    """A LabelSelector of Kubernetes."""
    found: list[dict[str, Any]] = []
    for one in selector.requirements:
        values = {"values": list(one.values)} if one.values else {}
        found.append({"key": one.key, "operator": one.comparison, **values})
    return {"matchExpressions": found}


def resource_filters(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """The same as filters of a ClusterPolicy's resources, any of which is enough."""
    found: list[dict[str, Any]] = []
    for stage in stages_of_pods(stages):
        here: dict[str, Any] = {"namespaces": list(stage.namespaces)} if stage.namespaces else {}
        selectors: list[dict[str, Any]] = [{"selector": label_selector(selector)} for selector in stage.labels]
        found += [{**here, **selector} for selector in selectors or [{}]]
    return [{}] if {} in found else found
