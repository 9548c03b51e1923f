"""Kyverno MutatingPolicy (policies.kyverno.io/v1, Kyverno 1.17 or later): the same CEL as the native policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.admission import CHECK, ROLLBACK, left_alone, pod_policies, policy_names
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.stages import Stage

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

_SETTINGS = {
    # Pods only: a redirected Deployment shows as drift in Argo CD, and its Pods would be redirected twice.
    "autogen": {"podControllers": {"controllers": []}},
    "evaluation": {"admission": {"enabled": True}, "mutateExisting": {"enabled": False}},
}


def documents(
    environment: Environment, table: RouteTable, *, annotate: bool = False, stages: Sequence[Stage] | None = None
) -> list[dict[str, Any]]:
    """One policy for Pods on creation, one for ephemeral containers."""
    return [
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "MutatingPolicy",
            "metadata": policy.metadata,
            "spec": {**_SETTINGS, **policy.spec},
        }
        for policy in pod_policies(environment, table, annotate=annotate, stages=stages)
    ]


def kyverno_cel(
    environment: Environment, table: RouteTable, *, annotate: bool = False, stages: Sequence[Stage] | None = None
) -> TargetFiles:
    """Target `kyverno-cel`."""
    return TargetFiles(
        target="kyverno-cel",
        files={"policy.yaml": dump_yaml(*documents(environment, table, annotate=annotate, stages=stages))},
        resources=("policy.yaml",),
        notes=("Needs Kyverno 1.17 or later; before that, use the target kyverno.", *left_alone(environment)),
        apply=("kubectl apply -k .",),
        verify=(CHECK, f"kubectl get mutatingpolicy {' '.join(policy_names(environment))}"),
        rollback=ROLLBACK,
    )
