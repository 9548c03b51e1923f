"""MutatingAdmissionPolicy and binding (admissionregistration.k8s.io): the API server itself redirects, no controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RefusedInput
from orchestrator.manifests.admission import CHECK, ROLLBACK, left_alone, pod_policies, policy_names
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import minor_version
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.stages import Stage

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

API_VERSIONS = ("v1", "v1beta1", "v1alpha1")
# From this version of Kubernetes on, the API server redirects by itself.
NATIVE_SINCE = (1, 36)
# Before that, {API version: the first Kubernetes that has it, behind a feature gate}.
GATED_SINCE = {"v1beta1": (1, 34), "v1alpha1": (1, 32)}


def lacks_native(environment: Environment) -> bool:
    """Is the cluster known to be older than the API that native policies are written in?"""
    return (0, 0) < minor_version(environment) < NATIVE_SINCE


def native_refused(environment: Environment) -> RefusedInput:
    """Why such a cluster gets no native policy, and what to do."""
    version = environment.kubernetes_version
    there = minor_version(environment)
    gated = next((api for api, since in GATED_SINCE.items() if there >= since), None)
    if environment.platform == "eks":
        why = f"kubernetes_version is {version}: its API server serves no MutatingAdmissionPolicy of version v1, so that nothing would be redirected."
    else:
        why = f"kubernetes_version is {version} (OpenShift 4.{there[1] - 13}): MutatingAdmissionPolicy is on from OpenShift 4.23 on."
    remedy = "Use `--for kyverno-cel`"
    if gated:
        remedy += f", or `--api-version {gated}` where the feature gate MutatingAdmissionPolicy is on"
    return RefusedInput("The target native needs Kubernetes 1.36.", why=why, remedy=f"{remedy}.")


def documents(
    environment: Environment,
    table: RouteTable,
    *,
    api: str = "v1",
    annotate: bool = False,
    stages: Sequence[Stage] | None = None,
) -> list[dict[str, Any]]:
    """The policies, each followed by its binding."""
    version = f"admissionregistration.k8s.io/{api}"
    found: list[dict[str, Any]] = []
    for policy in pod_policies(environment, table, annotate=annotate, stages=stages):
        head = {"apiVersion": version, "metadata": policy.metadata}
        found.append({"kind": "MutatingAdmissionPolicy", **head, "spec": policy.spec})
        found.append({"kind": "MutatingAdmissionPolicyBinding", **head, "spec": {"policyName": policy.name}})
    return found


def native(
    environment: Environment,
    table: RouteTable,
    *,
    api: str = "v1",
    annotate: bool = False,
    stages: Sequence[Stage] | None = None,
) -> TargetFiles:
    """Target `native`."""
    return TargetFiles(
        target="native",
        files={"policy.yaml": dump_yaml(*documents(environment, table, api=api, annotate=annotate, stages=stages))},
        resources=("policy.yaml",),
        notes=(
            "Kubernetes 1.36 (OpenShift 4.23) has this API on by default. Versions 1.34 (v1beta1) and 1.32 (v1alpha1) need the feature gate MutatingAdmissionPolicy and a runtime configuration, which managed clusters do not offer.",
            "A policy takes effect about a second after it was applied. Pods that run already are not changed until somebody writes another image into them.",
            *left_alone(environment),
        ),
        apply=("kubectl apply -k .",),
        verify=(CHECK, f"kubectl get mutatingadmissionpolicy {' '.join(policy_names(environment))}"),
        rollback=ROLLBACK,
    )
