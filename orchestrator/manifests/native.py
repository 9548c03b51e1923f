"""MutatingAdmissionPolicy and binding (admissionregistration.k8s.io): the API server itself redirects, no controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.admission import CHECK, ROLLBACK, pod_policies, policy_names
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

API_VERSIONS = ("v1", "v1beta1", "v1alpha1")


def documents(
    environment: Environment, table: RouteTable, *, api: str = "v1", annotate: bool = False
) -> list[dict[str, Any]]:
    """The policies, each followed by its binding."""
    version = f"admissionregistration.k8s.io/{api}"
    found: list[dict[str, Any]] = []
    for policy in pod_policies(environment, table, annotate=annotate):
        head = {"apiVersion": version, "metadata": policy.metadata}
        found.append({"kind": "MutatingAdmissionPolicy", **head, "spec": policy.spec})
        found.append({"kind": "MutatingAdmissionPolicyBinding", **head, "spec": {"policyName": policy.name}})
    return found


def native(environment: Environment, table: RouteTable, *, api: str = "v1", annotate: bool = False) -> TargetFiles:
    """Target `native`."""
    return TargetFiles(
        target="native",
        files={"policy.yaml": dump_yaml(*documents(environment, table, api=api, annotate=annotate))},
        resources=("policy.yaml",),
        notes=(
            "Kubernetes 1.36 has this API on by default; 1.34 (v1beta1) and 1.32 (v1alpha1) need the feature gate MutatingAdmissionPolicy and the runtime configuration of their version.",
            "A policy takes effect about a second after it was applied. Pods that run already are not changed.",
        ),
        apply=("kubectl apply -k .",),
        verify=(CHECK, f"kubectl get mutatingadmissionpolicy {' '.join(policy_names(environment))}"),
        rollback=ROLLBACK,
    )
