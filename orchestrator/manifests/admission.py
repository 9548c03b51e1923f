"""What the CEL policies of every engine have in common: which requests they see, and what they do to a Pod.

Two policies: Pods when they are created, and ephemeral containers when they are added. A Pod's other updates are left
alone, because changing an image there restarts containers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.manifests import cel
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

NAME = "ecr-images"
ROLLBACK = ("kubectl delete -k .   # running Pods keep the images that they have",)
CHECK = "kubectl run ecr-check --image=IMAGE --dry-run=server -o jsonpath='{.spec.containers[0].image}'"
# An ephemeral container cannot be changed once it is there: only those that this request adds are redirected.
_ADDED = "!(has(oldObject.spec.ephemeralContainers) && oldObject.spec.ephemeralContainers.exists(o, o.name == c.name))"


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


def pod_policies(environment: Environment, table: RouteTable, *, annotate: bool) -> tuple[PodPolicy, PodPolicy]:
    """The policy for Pods, and the one for ephemeral containers, in the order in which they are applied."""
    pods, ephemeral = policy_names(environment)
    created = cel.patches(cel.FIELDS)
    if annotate:
        created = f"{cel.annotation_patches()} +\n{created}"
    return (
        _policy(environment, table, pods, "CREATE", "pods", created),
        _policy(
            environment,
            table,
            ephemeral,
            "UPDATE",
            "pods/ephemeralcontainers",
            cel.patches(("ephemeralContainers",), condition=_ADDED),
        ),
    )


def _policy(
    environment: Environment, table: RouteTable, name: str, operation: str, resource: str, mutation: str
) -> PodPolicy:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]}
    spec: dict[str, Any] = {
        "failurePolicy": environment.failure_policy,
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {"resourceRules": [rule]},
    }
    if environment.exclude_namespaces:
        # A selector of namespaces knows no wildcards.
        pattern = cel.raw(cel.namespaces_pattern(environment.exclude_namespaces))
        spec["matchConditions"] = [
            {"name": "namespace-is-not-excluded", "expression": f"!request.namespace.matches({pattern})"}
        ]
    spec["variables"] = cel.variables(table)
    spec["mutations"] = [{"patchType": "JSONPatch", "jsonPatch": {"expression": mutation}}]
    return PodPolicy(metadata(environment, name), spec)
