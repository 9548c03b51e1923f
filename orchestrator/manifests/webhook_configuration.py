"""The MutatingWebhookConfiguration of `swapper serve`: which requests the API server asks it about. Pure.

A webhook that is away costs no Pod (`failurePolicy: Ignore`) but its seconds. Conditions keep away what needs no decision.
These are Pods that policies leave alone or whose images are in ECR, and updates without a new image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests import cel
from orchestrator.manifests.admission import pod_conditions
from orchestrator.manifests.metadata import metadata, object_name

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

NAME = "ecr-swapper"
# Seconds: the server's whole answer, a copy that a Pod waits for included (`--copy-deadline`).
TIMEOUT_SECONDS = 10
# The API server's own label, by which a namespace is selected by its name.
NAMESPACE_NAME = "kubernetes.io/metadata.name"
# Of a Pod, only these can be changed by an update.
_CHANGED = ("containers", "initContainers")


def webhook_configuration(environment: Environment, client: dict[str, Any], namespace: str | None) -> dict[str, Any]:
    """The configuration; `client` is its clientConfig (service or url, and the CA).

    The Pods of `namespace`, the webhook's own, are not asked about: they would wait for themselves.
    """
    hooks = [
        _hook("pods", ["CREATE", "UPDATE"], ("containers", "initContainers", "volumes")),
        _hook("ephemeralcontainers", ["UPDATE"], ("ephemeralContainers",)),
    ]
    rules = [
        [{"apiGroups": [""], "apiVersions": ["v1"], "operations": hook["operations"], "resources": [hook["resource"]]}]
        for hook in hooks
    ]
    selector = {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "NotIn", "values": [namespace]}]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": metadata(environment, object_name(environment, NAME)),
        "webhooks": [
            {
                "name": f"{hook['name']}.swapper.orchestrator",
                "clientConfig": dict(client),
                "rules": rule,
                "failurePolicy": "Ignore",
                "matchPolicy": "Equivalent",
                "reinvocationPolicy": "IfNeeded",
                # A dry run has nothing copied.
                "sideEffects": "NoneOnDryRun",
                "timeoutSeconds": TIMEOUT_SECONDS,
                "admissionReviewVersions": ["v1", "v1beta1"],
                **({"namespaceSelector": selector} if namespace else {}),
                "matchConditions": [
                    *pod_conditions(environment),
                    {
                        "name": "an-image-is-not-in-ecr",
                        "expression": _outside(hook["fields"], environment.registry_host),
                    },
                    *hook["more"],
                ],
            }
            for hook, rule in zip(hooks, rules, strict=True)
        ],
    }


def _hook(name: str, operations: list[str], fields: tuple[str, ...]) -> dict[str, Any]:
    pods = name == "pods"
    changes = f"request.operation != 'UPDATE' || {' || '.join(map(_changes, _CHANGED))}"
    return {
        "name": name,
        "operations": operations,
        "resource": name if pods else f"pods/{name}",
        "fields": fields,
        "more": [{"name": "an-image-changes", "expression": changes}] if pods else [],
    }


def _outside(fields: tuple[str, ...], host: str) -> str:
    """Has any element of `fields` an image elsewhere than below `host`?"""
    image = {field: expression for field, expression, _ in cel.KINDS}
    own = cel.text(f"{host}/")
    return " || ".join(
        f"(has(object.spec.{field}) && object.spec.{field}.exists(c, {condition}))"
        for field in fields
        for condition in [f"[{image[field]}].exists(i, i != '' && !i.startsWith({own}))"]
    )


def _changes(field: str) -> str:
    before, now = (
        f"(has({of}.spec.{field}) ? {of}.spec.{field}.map(c, has(c.image) ? c.image : '') : [])"
        for of in ("oldObject", "object")
    )
    return f"{now} != {before}"
