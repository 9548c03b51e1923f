"""What makes a cluster write down which images it uses, so that the lifecycle manager keeps them.

A CronJob runs `orchestrator images NAME --cluster --snapshot s3://...` with a ServiceAccount that may list workloads in
Kubernetes, and whose role may write this cluster's snapshot and nothing else. The routes come along in a ConfigMap.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator import __version__
from orchestrator.manifests.document import Bundle, dump_yaml
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.routes import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment import Environment, Usage

NAME = "ecr-usage"
FOLDER = "/etc/orchestrator"
IMAGE = "orchestrator-usage"
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
    return "".join(f"{name} = {_hcl(value)}\n" for name, value in sorted(values.items()))


def _hcl(value: object) -> str:
    """A value as HCL: JSON is, but for what begins a template."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.replace("${", "$${").replace("%{", "%%{")


def documents(environment: Environment, usage: Usage) -> list[dict[str, Any]]:
    """Namespace, ServiceAccount, ClusterRole with its binding, ConfigMap, CronJob, in the order to apply them."""
    named = _namespaced(environment, NAME, usage.namespace)
    account = _namespaced(environment, usage.service_account, usage.namespace)
    if usage.oidc_provider_arn:
        role = f"arn:{environment.partition}:iam::{environment.account_id}:role/{environment.usage_role_name}"
        account["annotations"]["eks.amazonaws.com/role-arn"] = role
        account["annotations"]["eks.amazonaws.com/audience"] = usage.audience
    # Cluster-scoped, so that the name says whose it is.
    reader = object_name(environment, NAME)
    rules = [{"apiGroups": [group], "resources": listed, "verbs": ["list"]} for group, listed in LISTED.items()]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(environment, usage.namespace)},
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
        _cron_job(environment, usage, named),
    ]


def _namespaced(environment: Environment, name: str, namespace: str) -> dict[str, Any]:
    head = metadata(environment, name)
    return {"name": name, "namespace": namespace, "labels": head["labels"], "annotations": head["annotations"]}


def snapshot_place(environment: Environment) -> str:
    """Where this cluster's snapshot goes: `s3://<bucket>/snapshots/<cluster>.json`."""
    return f"s3://{environment.lifecycle_bucket}/snapshots/{environment.cluster_name}.json"


def _cron_job(environment: Environment, usage: Usage, head: dict[str, Any]) -> dict[str, Any]:
    image = usage.image or f"{environment.registry_host}/{IMAGE}:{__version__}"
    container = {
        "name": "usage",
        "image": image,
        "args": [
            *("orchestrator", "-C", FOLDER, "images", environment.name),
            *("--cluster", "--snapshot", snapshot_place(environment)),
        ],
        "env": [
            {"name": "AWS_REGION", "value": environment.aws_region},
            # kubectl keeps what it discovers.
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - a volume of the Pod's own
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


def usage(environment: Environment, table: RouteTable) -> Bundle:  # noqa: ARG001 - every target has these
    """Target `usage`."""
    from orchestrator.environment import Usage

    settings = (environment.lifecycle_manager and environment.lifecycle_manager.usage) or Usage()
    notes = [
        f"The image {settings.image or IMAGE} is built from images/usage/Dockerfile and pushed by you; "
        "`lifecycle_manager.usage.image` names another one.",
        "The ConfigMap holds the routes as they are now: apply it again when they change.",
    ]
    if environment.lifecycle_manager is None or environment.lifecycle_manager.usage is None:
        notes.append("lifecycle_manager.usage is not set: no role lets this ServiceAccount write the snapshot.")
    name = f"-n {settings.namespace}"
    return Bundle(
        target="usage",
        files={"usage.yaml": dump_yaml(*documents(environment, settings))},
        resources=("usage.yaml",),
        notes=tuple(notes),
        apply=(
            f"docker build -f images/usage/Dockerfile -t {environment.registry_host}/{IMAGE}:{__version__} . && docker push {environment.registry_host}/{IMAGE}:{__version__}",
            "kubectl apply -k .",
        ),
        verify=(
            f"kubectl create job {name} --from=cronjob/{NAME} {NAME}-now && kubectl logs {name} -f job/{NAME}-now",
            f"aws s3 ls {snapshot_place(environment)}",
        ),
        rollback=("kubectl delete -k .",),
    )
