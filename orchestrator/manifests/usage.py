"""What makes a cluster write down which images it uses, so that the lifecycle manager keeps them.

A CronJob runs `orchestrator images NAME --cluster --snapshot s3://...` with a ServiceAccount that may list workloads in
Kubernetes, and whose role may write this cluster's snapshot and nothing else. The routes come along in a ConfigMap.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator import __version__
from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.routes.table import Redirected, RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.environment.parts import UsageSettings

NAME = "ecr-usage"
FOLDER = "/etc/orchestrator"
IMAGE = "orchestrator-usage"
DEFAULT_NAMESPACE = "ecr-usage"
# The image is built from there, the documents are applied from where they are.
CHECKOUT = "<checkout of the orchestrator>"
# {API group: what is listed there}; orchestrator.kubectl lists the same. A right to what a cluster lacks does no harm.
LISTED = {
    "": ["pods", "podtemplates", "replicationcontrollers"],
    "apps": ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"],
    "apps.openshift.io": ["deploymentconfigs"],
    "argoproj.io": ["rollouts"],
    "batch": ["cronjobs", "jobs"],
}
# What decides a route, and where the snapshot goes.
VARIABLES = (
    *("cluster_name", "platform", "account_id", "aws_region"),
    *("registry_account_id", "registry_region"),
    *("include", "exclude", "allow_upstream", "digest_references"),
)


def settings_text(environment: Environment) -> str:
    """The environment's routes as a tfvars file: no network, no roles, no secrets but their names."""
    values: dict[str, Any] = environment.model_dump(mode="json", include=set(VARIABLES), exclude_defaults=True)
    # Their order means nothing, so that it changes no document.
    values |= {name: sorted(values[name]) for name in ("include", "exclude") if name in values}
    rules = {
        prefix: rule.model_dump(mode="json", exclude={"template"}, exclude_defaults=True)
        for prefix, rule in environment.pull_through_cache_rules.items()
    }
    values |= {
        "cluster_name": environment.cluster_name,
        "pull_through_cache_rules": rules,
        "mirrors": {prefix: mirror.model_dump(mode="json") for prefix, mirror in environment.mirrors.items()},
        "manage_registry": environment.manage_registry,
        "create_vpc_endpoints": False,
        "attach_ecr_policy": False,
    }
    usage = environment.lifecycle_manager and environment.lifecycle_manager.usage
    if usage and usage.snapshot_name:
        # The snapshot says whose it is. How its role is taken goes along, without which a file with `usage` is wrong.
        kept = {"snapshot_name", "oidc_provider_arn", "pod_identity"}
        values["lifecycle_manager"] = {"usage": usage.model_dump(mode="json", include=kept, exclude_defaults=True)}
    return "".join(f"{name} = {_hcl(value)}\n" for name, value in sorted(values.items()))


def _hcl(value: object) -> str:
    """A value as HCL: JSON is, but for what begins a template."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.replace("${", "$${").replace("%{", "%%{")


def documents(environment: Environment, usage: UsageSettings, image: str) -> list[dict[str, Any]]:
    """ServiceAccount, ClusterRole with its binding, ConfigMap, CronJob, in the order to apply them."""
    named = _namespaced(environment, NAME, usage.namespace)
    account = _namespaced(environment, usage.service_account, usage.namespace)
    if usage.oidc_provider_arn:
        role = f"arn:{environment.partition}:iam::{environment.account_id}:role/{environment.usage_role_name}"
        account["annotations"]["eks.amazonaws.com/role-arn"] = role
        account["annotations"]["eks.amazonaws.com/audience"] = usage.audience
    # Cluster-scoped, so that the name says whose it is.
    reader = object_name(environment, NAME)
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": listed, "verbs": ["list"]} for group, listed in LISTED.items()
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
        _cron_job(environment, usage, image, named),
    ]


def _namespaced(environment: Environment, name: str, namespace: str) -> dict[str, Any]:
    head = metadata(environment, name)
    return {"name": name, "namespace": namespace, "labels": head["labels"], "annotations": head["annotations"]}


def _cron_job(environment: Environment, usage: UsageSettings, image: str, head: dict[str, Any]) -> dict[str, Any]:
    container = {
        "name": "usage",
        "image": image,
        # Whatever the entry point of the image is.
        "command": ["python", "-m", "orchestrator"],
        "args": [
            *("-C", FOLDER, "images", environment.name),
            *("--cluster", "--snapshot", environment.snapshot_place),
        ],
        "env": [
            {"name": "AWS_REGION", "value": environment.aws_region},
            # kubectl keeps what it discovers.
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - a volume of the Pod's own
            *({"name": name, "value": value} for name, value in sorted(usage.env.items())),
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "routes", "mountPath": f"{FOLDER}/environments", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    pod = {
        "serviceAccountName": usage.service_account,
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "routes", "configMap": {"name": NAME}}, {"name": "tmp", "emptyDir": {}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": head,
        "spec": {
            "schedule": usage.schedule,
            # Two at once would only write the same.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 1800,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 2,
                    "activeDeadlineSeconds": 900,
                    "template": {"metadata": {"labels": dict(head["labels"])}, "spec": pod},
                }
            },
        },
    }


def usage(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `usage`."""
    from orchestrator.environment.parts import UsageSettings

    settings = (environment.lifecycle_manager and environment.lifecycle_manager.usage) or UsageSettings()
    built = settings.image or f"{environment.registry_host}/{IMAGE}:{__version__}"
    answer = table.redirect(built)
    pulled = answer.target if isinstance(answer, Redirected) else built
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
        f"The image {built} is built from images/usage/Dockerfile and pushed by you; "
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
            f"--cluster-name {environment.cluster_name}`), and gives a Pod its role only when it starts after the "
            "association was made: `kubectl apply` comes after `orchestrator apply`."
        )
    if environment.registry.account != environment.account_id and built.startswith(f"{environment.registry_host}/"):
        notes.append(
            f"The registry belongs to account {environment.registry.account}: push with its credentials, and let account "
            f"{environment.account_id} pull from the repository (repositories.<name>.pull_account_ids of its owner)."
        )
    return tuple(notes)


def image_steps(environment: Environment, image: str) -> tuple[str, ...]:
    """How `image` gets to where it is named, in a checkout of this repository; nothing where nobody can push it so.

    That is one by digest, and one of the own registry's caches, which comes from its upstream.
    """
    host, _, rest = image.partition("/")
    repository = rest.partition(":")[0]
    own = host == environment.registry_host
    if "@" in image or (
        own and any(f"{repository}/".startswith(f"{p}/") for p in environment.pull_through_cache_rules)
    ):
        return ()
    steps = [f"cd {CHECKOUT}"]
    if own:
        region = environment.registry.region
        if repository not in environment.own_repository_names:
            steps.append(
                f"aws ecr describe-repositories --region {region} --repository-names {repository} || "
                f"aws ecr create-repository --region {region} --repository-name {repository}"
            )
        steps.append(
            f"aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {host}"
        )
    return (
        *steps,
        f"docker buildx build --platform linux/amd64,linux/arm64 -f images/usage/Dockerfile -t {image} --push .",
        "cd -",
    )
