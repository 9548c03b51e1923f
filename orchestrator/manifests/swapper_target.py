"""Target `swapper`: the admission webhook as a Deployment, with everything that it needs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import __version__
from orchestrator.manifests.admission import left_alone
from orchestrator.manifests.cron_job import usage_image
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.manifests.swapper_chart import chart_values
from orchestrator.manifests.swapper_objects import (
    CERTIFICATE,
    NAMESPACE,
    account,
    deployment,
    guards,
    has_role,
    rights,
    routes,
    secret_rights,
    service_monitor,
)
from orchestrator.manifests.webhook_configuration import NAME, webhook_configuration
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment


# The webhook's image.
IMAGE = "orchestrator-swapper"


def own_image(environment: Environment, name: str = IMAGE) -> str:
    """What an image of this program is called where it is pushed: in the environment's registry, by this version."""
    return f"{environment.registry_host}/{name}:{__version__}"


def swapper_target(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `swapper`."""
    built, pulled = usage_image(environment, table, own_image(environment))
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(environment, NAMESPACE)}
    client = {"service": {"namespace": NAMESPACE, "name": NAME, "path": "/webhook", "port": 443}}
    configuration = object_name(environment, NAME)
    of = f"-n {NAMESPACE}"
    return TargetFiles(
        target="swapper",
        files={
            "namespace.yaml": dump_yaml(namespace),
            "swapper.yaml": dump_yaml(
                account(environment),
                *rights(environment),
                routes(environment),
                deployment(environment, pulled),
                *guards(environment),
            ),
            "webhook.yaml": dump_yaml(webhook_configuration(environment, client, NAMESPACE)),
            "pull-secrets.yaml": dump_yaml(*secret_rights(environment)),
            "service-monitor.yaml": dump_yaml(service_monitor(environment)),
            "chart-values.yaml": dump_yaml(chart_values(environment, pulled)),
        },
        resources=("namespace.yaml", "swapper.yaml", "webhook.yaml"),
        notes=_notes(environment, built),
        apply=(f"orchestrator swapper image {environment.name} --push", "kubectl apply -k ."),
        verify=(
            f"kubectl rollout status {of} deployment/{NAME} --timeout=3m",
            f"kubectl get mutatingwebhookconfiguration {configuration} -o jsonpath='{{.webhooks[*].clientConfig.caBundle}}' | head -c 40",
            "kubectl run swapper-check --image=IMAGE --dry-run=server -o jsonpath='{.spec.containers[0].image}'",
        ),
        # What asks goes first.
        rollback=(
            "kubectl delete -f webhook.yaml",
            "kubectl delete --ignore-not-found -f pull-secrets.yaml -f swapper.yaml -f namespace.yaml",
        ),
    )


def _notes(environment: Environment, built: str) -> tuple[str, ...]:
    notes = [
        f"The image {built} is made and pushed by `orchestrator swapper image {environment.name} --push`, without Docker.",
        f"The Pods make their certificate themselves and keep it in the Secret {CERTIFICATE}. They renew it after two thirds of its time and "
        "tell the API server through the caBundle of webhook.yaml. cert-manager is not needed; a tool that keeps the cluster as the "
        "files say must ignore the differences of `.webhooks[].clientConfig.caBundle`.",
        "A webhook that is away costs no Pod: `failurePolicy` is Ignore, and the Pod keeps its source.",
        "`service-monitor.yaml` is for clusters with Prometheus' operator: `kubectl apply -f service-monitor.yaml`.",
        "With Helm: `orchestrator swapper chart --out charts` writes a chart that installs the same, and more monitoring. `helm upgrade "
        f"--install image-swapper charts/image-swapper --namespace {NAMESPACE} --create-namespace -f chart-values.yaml` takes the "
        "place of `kubectl apply -k .`.",
        "`pull-secrets.yaml` lets the Pods read every Secret by its name. They then copy images that only the pull secrets of a Pod "
        "or its ServiceAccount open: `kubectl apply -f pull-secrets.yaml`. Without it such images keep their source.",
        _sharing(environment),
        *left_alone(environment),
    ]
    if environment.mirrors and not environment.uses_central_registry and not has_role(environment):
        repositories = ", ".join(f'"{prefix}/*"' for prefix in sorted(environment.mirrors))
        if environment.platform == "eks":
            pods = "pod_identity = true"
            way = f'pod_identity = {{ namespace = "{NAMESPACE}", service_account = "{NAME}" }}'
        else:
            pods = 'oidc_provider_arn = "ARN"'
            way = f'oidc_provider_arn = "ARN", subjects = ["system:serviceaccount:{NAMESPACE}:{NAME}"]'
        notes.append(
            f"No role lets the ServiceAccount {NAME} of namespace {NAMESPACE} look for images of mirrors and copy them. Such images keep their "
            f"source. Give it one: `image_swapper = {{ enabled = true, pods = {{ {pods} }} }}`, or `push_roles = {{ {object_name(environment, NAME)} = {{ repositories = [{repositories}], {way} }} }}`, "
            "apply, and make these files again."
        )
    return tuple(notes)


def _sharing(environment: Environment) -> str:
    name = environment.image_swapper_name
    if environment.shares_swaps:
        return (
            f"Replicas share the queue and the table {name}: each image is copied once. The queue {name}-deletions tells them of images that "
            f"were deleted. `orchestrator apply {environment.name}` makes them."
        )
    return (
        "Replicas do not share their queues. Each may copy an image once, and the registry takes the second copy as one that is there already. "
        "`image_swapper = { enabled = true }` makes what they share."
    )
