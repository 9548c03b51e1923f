"""What the chart image-swapper takes of an environment: the values that `manifests --for swapper` writes beside its objects. Pure.

The chart's templates hold the shape of the objects, and nothing that an environment decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.metadata import DIGEST_ANNOTATION, metadata, object_name
from orchestrator.manifests.swapper_objects import PORT, account, deployment, guards, routes, serve_arguments
from orchestrator.manifests.webhook_configuration import NAME, webhook_configuration

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

CHART = "image-swapper"


def chart_values(environment: Environment, image: str) -> dict[str, Any]:
    """`{"decided": …}`; `image` is the webhook's as the cluster pulls it."""
    head = metadata(environment, NAME)
    (process,) = deployment(environment, image)["spec"]["template"]["spec"]["containers"]
    (network,) = (one["spec"] for one in guards(environment) if one["kind"] == "NetworkPolicy")
    annotations = dict(account(environment)["metadata"]["annotations"])
    digest = annotations.pop(DIGEST_ANNOTATION)
    return {
        "decided": {
            "environment": environment.name,
            "instance": head["labels"]["app.kubernetes.io/instance"],
            "routeTable": digest,
            "image": image,
            "configuration": object_name(environment, NAME),
            "port": PORT,
            "arguments": list(serve_arguments(environment)),
            "env": process["env"],
            "volumeMounts": process["volumeMounts"],
            "accountAnnotations": annotations,
            "routes": routes(environment)["data"],
            "network": {key: value for key, value in network.items() if key != "podSelector"},
            "webhooks": [
                {
                    key: value
                    for key, value in hook.items()
                    if key not in ("clientConfig", "failurePolicy", "timeoutSeconds")
                }
                for hook in webhook_configuration(environment, {}, None)["webhooks"]
            ],
        }
    }
