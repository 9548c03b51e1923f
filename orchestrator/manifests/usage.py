"""What makes a cluster write down which images it uses, so that the lifecycle manager keeps them.

A CronJob runs `orchestrator images NAME --cluster --snapshot s3://...`. Its ServiceAccount may list workloads; its role
may write this cluster's snapshot and nothing else. The routes come along in a ConfigMap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.cron_job import (
    DOCKERFILE,
    FOLDER,
    cron_job,
    image_steps,
    namespaced,
    settings_text,
    usage_image,
)
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.routes.table import RouteTable
from orchestrator.workloads.custom_resources import image_fields

if TYPE_CHECKING:
    from orchestrator.environment.function_parts import UsageSettings
    from orchestrator.environment.model import Environment

NAME = "ecr-usage"
DEFAULT_NAMESPACE = "ecr-usage"
# {API group: what is listed there}; orchestrator.kubectl lists the same, and what orchestrator.workloads.custom_resources names. A right
# to what a cluster lacks does no harm.
LISTED = {
    "": ["pods", "podtemplates", "replicationcontrollers"],
    "apps": ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"],
    "apps.openshift.io": ["deploymentconfigs"],
    "argoproj.io": ["rollouts"],
    "batch": ["cronjobs", "jobs"],
}


def listed_kinds() -> dict[str, list[str]]:
    """{API group: what may be listed}: the kinds that run Pods, and the custom resources that name images."""
    listed = {group: set(kinds) for group, kinds in LISTED.items()}
    for group, kinds in image_fields().items():
        listed.setdefault(group, set()).update(one.resource for one in kinds)
    return {group: sorted(kinds) for group, kinds in sorted(listed.items())}


def documents(environment: Environment, usage: UsageSettings, image: str) -> list[dict[str, Any]]:
    """ServiceAccount, ClusterRole with its binding, ConfigMap, CronJob, in the order to apply them."""
    named = namespaced(environment, NAME, usage.namespace)
    account = namespaced(environment, usage.service_account, usage.namespace)
    if usage.oidc_provider_arn:
        role = f"arn:{environment.partition}:iam::{environment.account_id}:role/{environment.usage_role_name}"
        account["annotations"]["eks.amazonaws.com/role-arn"] = role
        account["annotations"]["eks.amazonaws.com/audience"] = usage.audience
    # Cluster-scoped, so that the name says whose it is.
    reader = object_name(environment, NAME)
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": listed, "verbs": ["list"]} for group, listed in listed_kinds().items()
    ]
    # Its UID tells the cluster from any other.
    rules.append({"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]})
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": metadata(environment, reader),
            "rules": rules,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata(environment, reader),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": reader},
            "subjects": [{"kind": "ServiceAccount", "name": usage.service_account, "namespace": usage.namespace}],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": named,
            "data": {f"{environment.name}.tfvars": settings_text(environment)},
        },
        cron_job(
            environment,
            named,
            image=image,
            arguments=(
                *("-C", FOLDER, "images", environment.name),
                *("--cluster", "--snapshot", environment.snapshot_place),
            ),
            account=usage.service_account,
            schedule=usage.schedule,
            variables=usage.env,
        ),
    ]


def usage(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `usage`."""
    from orchestrator.environment.function_parts import UsageSettings

    settings = (environment.lifecycle_manager and environment.lifecycle_manager.usage) or UsageSettings()
    built, pulled = usage_image(environment, table, settings.image)
    own_namespace = settings.namespace == DEFAULT_NAMESPACE
    files = {"usage.yaml": dump_yaml(*documents(environment, settings, pulled))}
    if own_namespace:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(environment, settings.namespace)}
        files = {"namespace.yaml": dump_yaml(namespace), **files}
    of = f"-n {settings.namespace}"
    job = f"{NAME}-now"
    return TargetFiles(
        target="usage",
        files=files,
        resources=tuple(files),
        notes=_notes(environment, settings, built, pulled),
        apply=(
            *image_steps(environment, built),
            *(() if own_namespace else (f"kubectl get namespace {settings.namespace}",)),
            "kubectl apply -k .",
        ),
        verify=(
            f"kubectl delete job {of} {job} --ignore-not-found && kubectl create job {of} {job} --from=cronjob/{NAME}",
            # Logs of a Pod that is not there yet are an error.
            f"kubectl wait {of} job/{job} --for=condition=complete --timeout=5m; kubectl logs {of} job/{job}",
            f"aws s3 ls {environment.snapshot_place}",
        ),
        # The Namespace may hold what others put there.
        rollback=("kubectl delete -f usage.yaml",),
        owns=("namespace.yaml",),
    )


def _notes(environment: Environment, settings: UsageSettings, built: str, pulled: str) -> tuple[str, ...]:
    manager = environment.lifecycle_manager
    notes = [
        f"The image {built} is built from {DOCKERFILE} of a checkout and pushed by you; "
        "`lifecycle_manager.usage.image` names another one. For both architectures docker wants a builder of its own "
        "(`docker buildx create --use`); without --platform it builds for this machine's.",
        "The ConfigMap holds the routes as they are now: apply it again when they change.",
    ]
    if pulled != built:
        notes.append(f"The CronJob pulls it as {pulled}, where the route table sends it.")
    if settings.namespace == DEFAULT_NAMESPACE:
        notes.append(
            f"The roll back leaves the namespace {settings.namespace}: `kubectl delete namespace {settings.namespace}`."
        )
    else:
        notes.append(f"The namespace {settings.namespace} is yours and must be there: none is made, and none deleted.")
    if manager is None or manager.usage is None:
        notes.append(
            "lifecycle_manager.usage is not set: no role lets this ServiceAccount write the snapshot. "
            "Set it and apply, or bind a role of your own that `snapshot_writers` names."
        )
    if settings.pod_identity:
        notes.append(
            "EKS Pod Identity needs its agent on the nodes (`aws eks create-addon --addon-name eks-pod-identity-agent "
            f"--cluster-name {environment.cluster_name}`). It gives a Pod its role only when it starts after the "
            "association was made, so `kubectl apply` comes after `orchestrator apply`."
        )
    if environment.registry.account != environment.account_id and built.startswith(f"{environment.registry_host}/"):
        notes.append(
            f"The registry belongs to account {environment.registry.account}. Push with its credentials, and let account "
            f"{environment.account_id} pull from the repository (repositories.<name>.pull_account_ids of its owner)."
        )
    return tuple(notes)
