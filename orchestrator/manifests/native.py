"""MutatingAdmissionPolicy and binding (admissionregistration.k8s.io): the API server itself redirects, no controller.

Two policies: Pods when they are created, and ephemeral containers when they are added. A Pod's other updates are left
alone, because changing an image there restarts containers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.manifests import cel
from orchestrator.manifests.document import Bundle, dump_yaml
from orchestrator.manifests.metadata import metadata
from orchestrator.routes import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment import Environment

API_VERSIONS = ("v1", "v1beta1", "v1alpha1")
POD_FIELDS = ("containers", "initContainers", "volumes")
# An ephemeral container cannot be changed once it is there: only those that this request adds are redirected.
ADDED = "!(has(oldObject.spec.ephemeralContainers) && oldObject.spec.ephemeralContainers.exists(o, o.name == c.name))"


def match_conditions(environment: Environment) -> list[dict[str, str]]:
    """Conditions on the request's namespace; a selector knows no wildcards."""
    if not environment.exclude_namespaces:
        return []
    pattern = cel.raw(cel.namespaces_pattern(environment.exclude_namespaces))
    return [{"name": "namespace-is-not-excluded", "expression": f"!request.namespace.matches({pattern})"}]


def _policy(
    environment: Environment, table: RouteTable, *, name: str, rule: dict[str, Any], mutations: Sequence[str], api: str
) -> list[dict[str, Any]]:
    group = f"admissionregistration.k8s.io/{api}"
    spec: dict[str, Any] = {
        "failurePolicy": environment.failure_policy,
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": match_conditions(environment),
        "variables": cel.variables(table),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": mutation}} for mutation in mutations],
    }
    if not spec["matchConditions"]:
        del spec["matchConditions"]
    return [
        {"apiVersion": group, "kind": "MutatingAdmissionPolicy", "metadata": metadata(environment, name), "spec": spec},
        {
            "apiVersion": group,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": metadata(environment, name),
            "spec": {"policyName": name},
        },
    ]


def documents(
    environment: Environment, table: RouteTable, *, api: str = "v1", annotate: bool = False
) -> list[dict[str, Any]]:
    """Two policies with their bindings, in the order in which they are applied."""
    base = f"{environment.cluster_name}-ecr-images"
    created = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    debugged = {**created, "operations": ["UPDATE"], "resources": ["pods/ephemeralcontainers"]}
    mutation = cel.patches(POD_FIELDS)
    if annotate:
        # Before the images change, so that the annotation sees them as they were written.
        mutation = f"{cel.annotation_patches()} +\n{mutation}"
    return [
        *_policy(environment, table, name=base, rule=created, mutations=[mutation], api=api),
        *_policy(
            environment,
            table,
            name=f"{base}-ephemeral",
            rule=debugged,
            mutations=[cel.patches(("ephemeralContainers",), condition=ADDED)],
            api=api,
        ),
    ]


def native(environment: Environment, table: RouteTable, *, api: str = "v1", annotate: bool = False) -> Bundle:
    """Target `native`."""
    found = documents(environment, table, api=api, annotate=annotate)
    name = f"{environment.cluster_name}-ecr-images"
    return Bundle(
        target="native",
        files={"policy.yaml": dump_yaml(*found)},
        resources=("policy.yaml",),
        notes=(
            "Kubernetes 1.36 has this API on by default; 1.34 (v1beta1) and 1.32 (v1alpha1) need the feature gate MutatingAdmissionPolicy and the runtime configuration of their version.",
            "A policy takes effect about a second after it was applied. Pods that run already are not changed.",
        ),
        apply=("kubectl apply -k .",),
        verify=(
            "kubectl run ecr-check --image=IMAGE --dry-run=server -o jsonpath='{.spec.containers[0].image}'",
            f"kubectl get mutatingadmissionpolicy {name} {name}-ephemeral",
        ),
        rollback=("kubectl delete -k .   # running Pods keep the images that they have",),
    )
