"""What runs the workers of `mirror --queue` in a cluster: a Deployment that KEDA scales by the queue's length.

Its Pods run `orchestrator mirror worker NAME` with the role that modules/mirror-queue makes. The environment, as far as a
copy needs it, comes along in a ConfigMap. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.cron_job import FOLDER, image_steps, namespaced, pod_of, settings_text, usage_image
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import metadata
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.environment.parts import MirrorWorkers

NAME = "ecr-mirror"
DEFAULT_NAMESPACE = "ecr-mirror"
# A worker copies so many images at once, and KEDA starts another worker for as many more in the queue.
IMAGES = 4
# A worker that is told to end copies what it holds to its end.
GRACE_SECONDS = 600
# Besides the routes: the settings of repositories that a worker makes.
SETTINGS = ("tags", "kms_key_arn", "scan_on_push", "root_template", "registry_consumer_account_ids", "mirror_queue")


def workers_documents(environment: Environment, workers: MirrorWorkers, image: str) -> list[dict[str, Any]]:
    """ServiceAccount, ConfigMap, Deployment, in the order to apply them."""
    named = namespaced(environment, NAME, workers.namespace)
    account = namespaced(environment, workers.service_account, workers.namespace)
    if workers.oidc_provider_arn:
        role = f"arn:{environment.partition}:iam::{environment.account_id}:role/{environment.mirror_worker_role_name}"
        account["annotations"]["eks.amazonaws.com/role-arn"] = role
        account["annotations"]["eks.amazonaws.com/audience"] = workers.audience
    pod = pod_of(
        environment,
        named,
        image=image,
        arguments=("-C", FOLDER, "mirror", "worker", environment.name, "--images", str(IMAGES)),
        account=workers.service_account,
        container="worker",
        variables=workers.env,
        cpu="250m",
    )
    pod |= {"restartPolicy": "Always", "terminationGracePeriodSeconds": GRACE_SECONDS}
    selector = {
        "app.kubernetes.io/name": NAME,
        "app.kubernetes.io/instance": named["labels"].get("app.kubernetes.io/instance", NAME),
    }
    text = settings_text(environment, *SETTINGS)
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {f"{environment.name}.tfvars": text}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": named,
            # Without replicas: applying it again takes no worker away.
            "spec": {
                "selector": {"matchLabels": selector},
                "template": {"metadata": {"labels": {**named["labels"], **selector}}, "spec": pod},
            },
        },
    ]


def scaling_documents(environment: Environment, workers: MirrorWorkers) -> list[dict[str, Any]]:
    """TriggerAuthentication and ScaledObject of KEDA 2. Source: KEDA, "AWS SQS Queue" and "AWS" (pod identity)."""
    named = namespaced(environment, NAME, workers.namespace)
    trigger = {
        "type": "aws-sqs-queue",
        "authenticationRef": {"name": NAME},
        "metadata": {
            "queueURL": environment.queue_url(environment.mirror_queue_name),
            "awsRegion": environment.aws_region,
            "queueLength": str(IMAGES),
            # An image that is being copied is work, too: its worker must not be taken away.
            "scaleOnInFlight": "true",
        },
    }
    return [
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "TriggerAuthentication",
            "metadata": named,
            "spec": {"podIdentity": {"provider": "aws"}},
        },
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": named,
            "spec": {
                "scaleTargetRef": {"name": NAME},
                "minReplicaCount": 0,
                "maxReplicaCount": workers.most,
                "cooldownPeriod": 300,
                "triggers": [trigger],
            },
        },
    ]


def mirror_workers(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `mirror-workers`."""
    from orchestrator.environment.parts import MirrorWorkers

    settings = (environment.mirror_queue and environment.mirror_queue.workers) or MirrorWorkers()
    built, pulled = usage_image(environment, table, settings.image)
    own_namespace = settings.namespace == DEFAULT_NAMESPACE
    files = {
        "workers.yaml": dump_yaml(*workers_documents(environment, settings, pulled)),
        "scaling.yaml": dump_yaml(*scaling_documents(environment, settings)),
    }
    if own_namespace:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(environment, settings.namespace)}
        files = {"namespace.yaml": dump_yaml(namespace), **files}
    of = f"-n {settings.namespace}"
    return TargetFiles(
        target="mirror-workers",
        files=files,
        resources=tuple(files),
        notes=_notes(environment, settings, built),
        apply=(
            *image_steps(environment, built),
            *(() if own_namespace else (f"kubectl get namespace {settings.namespace}",)),
            "kubectl apply -k .",
        ),
        verify=(
            f"kubectl get {of} scaledobject/{NAME}",
            f"orchestrator mirror {environment.name} --queue",
            f"kubectl logs {of} deployment/{NAME}",
        ),
        # The Namespace may hold what others put there.
        rollback=("kubectl delete -f scaling.yaml -f workers.yaml",),
        owns=("namespace.yaml",),
    )


def _notes(environment: Environment, settings: MirrorWorkers, built: str) -> tuple[str, ...]:
    notes = [
        f"The image {built} is built from images/usage/Dockerfile of a checkout and pushed by you; `mirror_queue.workers.image` names another one.",
        "scaling.yaml needs KEDA 2.13 or later, whose operator may call sqs:GetQueueAttributes on the queue. Without KEDA apply "
        f"workers.yaml alone, and scale by hand: kubectl scale -n {settings.namespace} deployment/{NAME} --replicas=3",
        "The ConfigMap holds mirrors and settings of repositories as they are now: apply it again when they change.",
        "Pods reach the sources, ECR, SQS, DynamoDB and STS: in a VPC without a way out they cannot copy. "
        "`mirror_queue.workers.env` takes HTTPS_PROXY and the like.",
        "Sources that want a login get it by a docker config.json that you mount, with DOCKER_CONFIG in `mirror_queue.workers.env`.",
    ]
    if not environment.shares_copies:
        notes.append(
            "mirror_queue is not enabled: there is no queue. Set mirror_queue = { enabled = true } and apply first."
        )
    elif environment.mirror_queue is not None and environment.mirror_queue.workers is None:
        notes.append(
            "mirror_queue.workers is not set: no role lets this ServiceAccount copy. Set it and apply, or bind a role of your "
            "own with the policy of the output mirror_worker_policy."
        )
    if settings.pod_identity:
        notes.append(
            "EKS Pod Identity gives a Pod its role only when it starts after the association was made. So "
            "`kubectl apply` comes after `orchestrator apply`."
        )
    return tuple(notes)
