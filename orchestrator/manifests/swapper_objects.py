"""What runs `swapper serve` in a cluster: its account and rights, its routes, the Deployment and what guards it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.cron_job import FOLDER, namespaced, settings_text
from orchestrator.manifests.metadata import MANAGED_BY, metadata, object_name
from orchestrator.manifests.webhook_configuration import NAME

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

NAMESPACE = "ecr-swapper"
PORT = 8443
CERTIFICATE = f"{NAME}-certificate"
# What selects its Pods. Labels of an environment may change, a Deployment's selector may not.
SELECTED = {"app.kubernetes.io/name": NAME}
# Beside the routes: what is left alone, and how repositories are made.
VARIABLES = ("exclude_namespaces", "exclude_pods", "tags", "scan_on_push", "kms_key_arn", "root_template")
STATE = "/var/lib/orchestrator"
REPLICAS = (2, 6)
# The longest drain, and what is under way; a process that has ended is not waited for.
GRACE_SECONDS = 80
# Where EKS Pod Identity's agent answers.
POD_IDENTITY_AGENTS = ("169.254.170.23/32", "fd00:ec2::23/128")


def account(environment: Environment) -> dict[str, Any]:
    """The ServiceAccount. Where a role takes the cluster's tokens, it has that of `image_swapper`, or of `push_roles` by its subject."""
    described = namespaced(environment, NAME, NAMESPACE)
    subject = f"system:serviceaccount:{NAMESPACE}:{NAME}"
    shared = environment.image_swapper if environment.shares_swaps else None
    if shared is not None and shared.pods is not None:
        if shared.pods.oidc_provider_arn is not None:
            arn = (
                f"arn:{environment.partition}:iam::{environment.account_id}:role/{environment.image_swapper_role_name}"
            )
            described["annotations"]["eks.amazonaws.com/role-arn"] = arn
            described["annotations"]["eks.amazonaws.com/audience"] = shared.pods.audience
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": described}
    for name, role in sorted(environment.push_roles.items()):
        if role.oidc_provider_arn is not None and subject in role.subjects:
            arn = f"arn:{environment.partition}:iam::{environment.account_id}:role/{name}"
            described["annotations"]["eks.amazonaws.com/role-arn"] = arn
            described["annotations"]["eks.amazonaws.com/audience"] = role.audiences[0]
            break
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": described}


def has_role(environment: Environment) -> bool:
    """Does a role of `image_swapper` or `push_roles` name the ServiceAccount?"""
    if environment.shares_swaps and environment.image_swapper and environment.image_swapper.pods is not None:
        return True
    associated = any(
        role.pod_identity is not None
        and (role.pod_identity.namespace, role.pod_identity.service_account) == (NAMESPACE, NAME)
        for role in environment.push_roles.values()
    )
    return associated or "eks.amazonaws.com/role-arn" in account(environment)["metadata"]["annotations"]


def rights(environment: Environment) -> list[dict[str, Any]]:
    """To keep its certificate in one Secret, and to tell the API server which it is."""
    named = namespaced(environment, NAME, NAMESPACE)
    configuration = object_name(environment, NAME)
    subjects = [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]
    group = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": named,
            "rules": [
                # A name cannot be asked for what is not there yet.
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
                {
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": [CERTIFICATE],
                    "verbs": ["get", "update"],
                },
            ],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": NAME},
            "subjects": subjects,
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": metadata(environment, configuration),
            "rules": [
                {
                    "apiGroups": ["admissionregistration.k8s.io"],
                    "resources": ["mutatingwebhookconfigurations"],
                    "resourceNames": [configuration],
                    "verbs": ["get", "patch"],
                }
            ],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata(environment, configuration),
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": configuration},
            "subjects": subjects,
        },
    ]


def secret_rights(environment: Environment) -> list[dict[str, Any]]:
    """To read the pull secrets of Pods and their ServiceAccounts, wherever they are: nobody has to give these rights."""
    name = object_name(environment, f"{NAME}-pull-secrets")
    group = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": metadata(environment, name),
            # By name only: what nobody names in a Pod cannot be listed.
            "rules": [{"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata(environment, name),
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        },
    ]


def routes(environment: Environment) -> dict[str, Any]:
    """The ConfigMap with the environment's routes."""
    text = settings_text(environment, *VARIABLES, *(("image_swapper",) if environment.shares_swaps else ()))
    named = namespaced(environment, NAME, NAMESPACE)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {f"{environment.name}.tfvars": text}}


def serve_arguments(environment: Environment) -> tuple[str, ...]:
    """The arguments of its process, but for those of the certificate."""
    return ("-C", FOLDER, "swapper", "serve", environment.name, "--listen", f":{PORT}", "--state-dir", STATE)


def deployment(environment: Environment, image: str) -> dict[str, Any]:
    """The Deployment: at least two Pods, on different nodes and in different zones where there are some."""
    named = namespaced(environment, NAME, NAMESPACE)
    labels = {**named["labels"], **SELECTED}
    probe = {"port": PORT, "scheme": "HTTPS"}
    process = {
        "name": "swapper",
        "image": image,
        "command": ["python", "-m", "orchestrator"],
        "args": [
            *serve_arguments(environment),
            *("--own-certificate", f"{NAMESPACE}/{NAME}"),
            *("--webhook-configuration", object_name(environment, NAME)),
        ],
        "env": [
            {"name": "AWS_REGION", "value": environment.registry.region},
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - a volume of the Pod's own
        ],
        "ports": [{"name": "https", "containerPort": PORT}],
        "startupProbe": {"httpGet": {"path": "/healthz", **probe}, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {"httpGet": {"path": "/readyz", **probe}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/healthz", **probe}, "periodSeconds": 15, "timeoutSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "routes", "mountPath": f"{FOLDER}/environments", "readOnly": True},
            {"name": "state", "mountPath": STATE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    pod = {
        "serviceAccountName": NAME,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(SELECTED)},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        "containers": [process],
        "volumes": [
            {"name": "routes", "configMap": {"name": NAME}},
            {"name": "state", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": named,
        "spec": {
            "selector": {"matchLabels": dict(SELECTED)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            # No number of replicas: the HorizontalPodAutoscaler's would be undone by every apply.
            # Routes are read at the start.
            "template": {
                "metadata": {"labels": labels, "annotations": dict(named["annotations"])},
                "spec": pod,
            },
        },
    }


def guards(environment: Environment) -> list[dict[str, Any]]:
    """Service, autoscaler, disruption budget, network policy."""
    named = namespaced(environment, NAME, NAMESPACE)
    low, high = REPLICAS
    target = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": named,
            "spec": {
                "selector": dict(SELECTED),
                "ports": [{"name": "https", "port": 443, "targetPort": "https"}],
            },
        },
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": named,
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
                "minReplicas": low,
                "maxReplicas": high,
                "metrics": [target],
            },
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": named,
            "spec": {"minAvailable": 1, "selector": {"matchLabels": dict(SELECTED)}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": named,
            "spec": {
                "podSelector": {"matchLabels": dict(SELECTED)},
                "policyTypes": ["Ingress", "Egress"],
                # The API server has no label, and Prometheus none that is known.
                "ingress": [{"ports": [{"port": PORT, "protocol": "TCP"}]}],
                "egress": [
                    {
                        "ports": [
                            {"port": port, "protocol": protocol}
                            for port in _dns_ports(environment)
                            for protocol in ("UDP", "TCP")
                        ]
                    },
                    {"ports": [{"port": port, "protocol": "TCP"} for port in _ports(environment)]},
                    {
                        "to": [{"ipBlock": {"cidr": agent}} for agent in POD_IDENTITY_AGENTS],
                        "ports": [{"port": 80, "protocol": "TCP"}],
                    },
                ],
            },
        },
    ]


def _dns_ports(environment: Environment) -> tuple[int, ...]:
    """Of the Service; and of OpenShift's DNS Pods behind it: a policy sees where a Service leads to."""
    return (53,) if environment.platform == "eks" else (53, 5353)


def _ports(environment: Environment) -> list[int]:
    """AWS, registries, and the API server behind its Service; and the ports that mirrors name."""
    named = (re.search(r":([0-9]{1,5})(?:/|$)", mirror.source) for mirror in environment.mirrors.values())
    return sorted({443, 6443, *(int(found[1]) for found in named if found)})


def service_monitor(environment: Environment) -> dict[str, Any]:
    """For Prometheus' operator, whose kinds not every cluster has."""
    endpoint: Mapping[str, Any] = {
        "port": "https",
        "scheme": "https",
        "path": "/metrics",
        # The certificate is the webhook's own; it is signed by nobody that Prometheus knows.
        "tlsConfig": {
            "ca": {"secret": {"name": CERTIFICATE, "key": "ca.crt"}},
            "serverName": f"{NAME}.{NAMESPACE}.svc",
        },
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": namespaced(environment, NAME, NAMESPACE),
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/managed-by": MANAGED_BY}},
            "endpoints": [dict(endpoint)],
        },
    }
