"""Common parts of the CEL policies of every engine: the requests they see, and what they do to a Pod.

Two policies: Pods when they are created and updated, and ephemeral containers when they are added. An update has only those
images redirected that it changes. To touch another one would restart a container that nobody asked to restart. To touch none would let every later `apply` of the same file bring the source back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.environment.pods import MIRROR_POD, parse_pod_selector
from orchestrator.manifests import cel
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.manifests.narrowing import narrow
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.stages import Stage

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

NAME = "ecr-images"
ROLLBACK = ("kubectl delete -k .   # running Pods keep the images that they have",)
CHECK = "kubectl run ecr-check --image=IMAGE --dry-run=server -o jsonpath='{.spec.containers[0].image}'"


@dataclass(frozen=True, slots=True)
class PodPolicy:
    """One policy: `metadata` of its object, and the part of its `spec` that all engines write alike."""

    metadata: dict[str, Any]
    spec: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the policy's object."""
        return str(self.metadata["name"])


def policy_names(environment: Environment) -> tuple[str, str]:
    """Names of the two policies."""
    name = object_name(environment, NAME)
    return name, f"{name}-ephemeral"


def left_alone(environment: Environment) -> tuple[str, ...]:
    """Which Pods a policy leaves alone, for its README."""
    found = ["Mirror Pods of static Pods are left alone: what they show is what the node runs from its own files."]
    if environment.exclude_pods:
        found.append(
            f"Pods with these labels are left alone (exclude_pods): {'; '.join(environment.exclude_pods)}. "
            "Operators that compare images would remake them for ever; write their image where ECR has it in their custom resource. "
            f"`orchestrator images {environment.name} --cluster` names them."
        )
    return tuple(found)


def pod_policies(
    environment: Environment, table: RouteTable, *, annotate: bool, stages: Sequence[Stage] | None = None
) -> tuple[PodPolicy, PodPolicy]:
    """The policy for Pods, and the one for ephemeral containers, in the order in which they are applied.

    With `stages` they see only the Pods that any of these selects.
    """
    pods, ephemeral = policy_names(environment)
    written = cel.patches(cel.FIELDS)
    if annotate:
        written = f"{cel.annotation_patches()} +\n{written}"
    added = cel.patches(("ephemeralContainers",))
    return (
        _policy(environment, table, pods, ["CREATE", "UPDATE"], "pods", written, stages),
        _policy(environment, table, ephemeral, ["UPDATE"], "pods/ephemeralcontainers", added, stages),
    )


def _policy(
    environment: Environment,
    table: RouteTable,
    name: str,
    operations: list[str],
    resource: str,
    mutation: str,
    stages: Sequence[Stage] | None,
) -> PodPolicy:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": [resource]}
    spec: dict[str, Any] = {
        "failurePolicy": environment.failure_policy,
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {"resourceRules": [rule]},
    }
    spec["matchConditions"] = pod_conditions(environment)
    if stages is not None:
        narrowed = narrow(stages)
        spec["matchConstraints"] |= narrowed.selectors
        if narrowed.condition:
            spec["matchConditions"].append({"name": "pod-is-in-stage", "expression": narrowed.condition})
    spec["variables"] = cel.variables(table)
    spec["mutations"] = [{"patchType": "JSONPatch", "jsonPatch": {"expression": mutation}}]
    return PodPolicy(metadata(environment, name), spec)


def pod_conditions(environment: Environment) -> list[dict[str, str]]:
    """matchConditions that hold for the Pods which the environment does not leave alone."""
    found = []
    if environment.exclude_namespaces:
        # A selector of namespaces knows no wildcards.
        pattern = cel.raw(cel.namespaces_pattern(environment.exclude_namespaces))
        found.append({"name": "namespace-is-not-excluded", "expression": f"!request.namespace.matches({pattern})"})
    found.append({"name": "pod-is-no-mirror-of-a-static-pod", "expression": f"!({cel.annotated(MIRROR_POD)})"})
    # A selector of objects is one, whose requirements must all hold; here any of several is enough.
    selectors = [selector for text in environment.exclude_pods if (selector := parse_pod_selector(text))]
    if selectors:
        found.append({"name": "pod-is-not-excluded", "expression": f"!{cel.selected(selectors)}"})
    return found
