"""Kyverno MutatingPolicy (policies.kyverno.io/v1, Kyverno 1.17 or later): the same CEL as the native policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.manifests import cel
from orchestrator.manifests.document import Bundle, dump_yaml
from orchestrator.manifests.metadata import metadata
from orchestrator.manifests.native import ADDED, POD_FIELDS, match_conditions
from orchestrator.routes import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment import Environment


def _policy(
    environment: Environment, table: RouteTable, *, name: str, rule: dict[str, Any], mutations: Sequence[str]
) -> dict[str, Any]:
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "MutatingPolicy",
        "metadata": metadata(environment, name),
        "spec": {
            "failurePolicy": environment.failure_policy,
            "reinvocationPolicy": "IfNeeded",
            # Pods only: a redirected Deployment shows as drift in Argo CD, and its Pods would be redirected twice.
            "autogen": {"podControllers": {"controllers": []}},
            "evaluation": {"admission": {"enabled": True}, "mutateExisting": {"enabled": False}},
            "matchConstraints": {"resourceRules": [rule]},
            **({"matchConditions": conditions} if (conditions := match_conditions(environment)) else {}),
            "variables": cel.variables(table),
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": mutation}} for mutation in mutations],
        },
    }


def documents(environment: Environment, table: RouteTable, *, annotate: bool = False) -> list[dict[str, Any]]:
    """One policy for Pods on creation, one for ephemeral containers."""
    base = f"{environment.cluster_name}-ecr-images"
    created = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    debugged = {**created, "operations": ["UPDATE"], "resources": ["pods/ephemeralcontainers"]}
    mutation = cel.patches(POD_FIELDS)
    if annotate:
        mutation = f"{cel.annotation_patches()} +\n{mutation}"
    return [
        _policy(environment, table, name=base, rule=created, mutations=[mutation]),
        _policy(
            environment,
            table,
            name=f"{base}-ephemeral",
            rule=debugged,
            mutations=[cel.patches(("ephemeralContainers",), condition=ADDED)],
        ),
    ]


def kyverno_cel(environment: Environment, table: RouteTable, *, annotate: bool = False) -> Bundle:
    """Target `kyverno-cel`."""
    name = f"{environment.cluster_name}-ecr-images"
    return Bundle(
        target="kyverno-cel",
        files={"policy.yaml": dump_yaml(*documents(environment, table, annotate=annotate))},
        resources=("policy.yaml",),
        notes=("Needs Kyverno 1.17 or later; before that, use the target kyverno.",),
        apply=("kubectl apply -k .",),
        verify=(
            f"kubectl get mutatingpolicy {name} {name}-ephemeral",
            "kubectl run ecr-check --image=IMAGE --dry-run=server -o jsonpath='{.spec.containers[0].image}'",
        ),
        rollback=("kubectl delete -k .   # running Pods keep the images that they have",),
    )
