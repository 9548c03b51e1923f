"""How OpenShift nodes pull from the mirror: ECR's token in the cluster's pull secret, refreshed before it ends.

CRI-O looks for the mirror's credentials, not the source's. It reads the pull secret that the platform puts on every node. A
CronJob keeps a token of ECR there. Its ServiceAccount may read and update that one secret, and its role may pull.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
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
from orchestrator.manifests.document import TargetFiles, dump_json, dump_yaml
from orchestrator.manifests.metadata import metadata, minor_version, object_name
from orchestrator.manifests.mirror_sets import mirror_entries
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

NAME = "ecr-pull-secret"
FILE = "pull-secret.yaml"
ROLE = "pull-secret-role.tf.json"
CRIO = "crio-credential-provider-config.yaml"
# ECR's tokens live twelve hours: one refresh may fail.
SCHEDULE = "23 */4 * * *"
# Kubernetes of the first OpenShift (4.23) that serves CRIOCredentialProviderConfig as v1; 4.22 has a technology preview.
CRIO_SINCE = (1, 36)
# Of config.openshift.io/v1: how many patterns, and what they look like.
CRIO_LIMIT = 50
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_CRIO_PATTERN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?(?:/[-a-z0-9._/]*)?")


@dataclass(frozen=True, slots=True)
class PullSecret:
    """The secret of which the platform makes what is on its nodes, and what it does with it."""

    namespace: str
    name: str
    says: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


# https://docs.openshift.com/container-platform/latest/openshift_images/managing_images/using-image-pull-secrets.html
CLASSIC = PullSecret(
    "openshift-config",
    "pull-secret",
    "The machine config operator writes a changed pull secret to the nodes without restarting them.",
)
# https://hypershift.pages.dev/how-to/common/global-pull-secret/ (openshift/hypershift#6256, openshift-docs#105229)
HOSTED = PullSecret(
    "kube-system",
    "additional-pull-secret",
    "Hosted control planes merge this secret into the pull secret of the nodes from OpenShift 4.20 on. A registry that the platform's own pull secret names is left to that. Each refresh may restart the kubelet (not the Pods).",
)


def pull_secret(platform: str) -> PullSecret:
    """The pull secret of a cluster of this platform that its administrator may change."""
    return HOSTED if platform == "rosa-hcp" else CLASSIC


class NotDockerConfig(ValueError):
    """The secret's content is no configuration of registry clients."""


def with_registry(content: bytes | None, host: str, login: tuple[str, str] | None) -> bytes:
    """`.dockerconfigjson` with the login (user, password) of `host`, or without one for None; everything else stays.

    Raises NotDockerConfig for content that is not `{"auths": {...}}`: it may be somebody's only copy.
    """
    try:
        config = json.loads(content) if content else {"auths": {}}
    except (ValueError, RecursionError):
        config = None
    auths = config.get("auths") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(auths, dict):
        raise NotDockerConfig('It is not JSON of the form {"auths": {...}}.')
    auths = {name: entry for name, entry in auths.items() if name != host}
    if login is not None:
        auths[host] = {"auth": b64encode(":".join(login).encode()).decode()}
    return json.dumps({**config, "auths": auths}).encode()


def documents(environment: Environment, image: str) -> list[dict[str, Any]]:
    """Namespace, ServiceAccount, Role with its binding, ConfigMap, CronJob, in the order to apply them."""
    secret = pull_secret(environment.platform)
    head = namespaced(environment, NAME, NAME)
    account = namespaced(environment, NAME, NAME)
    account["annotations"]["eks.amazonaws.com/role-arn"] = (
        f"arn:{environment.partition}:iam::{environment.account_id}:role/{role_name(environment)}"
    )
    there = namespaced(environment, object_name(environment, NAME), secret.namespace)
    rule = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": [secret.name],
        "verbs": ["get", "update"],
    }
    command = ("-C", FOLDER, "pull-secret", environment.name)
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(environment, NAME)},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": there, "rules": [rule]},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": there,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": there["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": head,
            "data": {f"{environment.name}.tfvars": settings_text(environment)},
        },
        cron_job(
            environment, head, image=image, arguments=command, account=NAME, schedule=SCHEDULE, container="pull-secret"
        ),
    ]


def role_name(environment: Environment) -> str:
    """Name of the role with which the CronJob asks for tokens; within IAM's 64 characters."""
    return f"{environment.cluster_name[:40]}-{NAME}"


def role(environment: Environment) -> dict[str, Any]:
    """The role as Terraform (JSON syntax). A token has the rights of who asked for it: those of a node."""
    registry = f"arn:{environment.partition}:ecr:{environment.registry.region}:{environment.registry.account}"
    pulling = [
        *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        *("ecr:BatchImportUpstreamImage", "ecr:CreateRepository"),
    ]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": pulling, "Resource": f"{registry}:repository/*"},
        ],
    }
    issuer = '${replace(var.oidc_provider_arn, "/^.*:oidc-provider\\\\//", "")}'
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": "${var.oidc_provider_arn}"},
                "Condition": {
                    "StringEquals": {f"{issuer}:sub": f"system:serviceaccount:{NAME}:{NAME}"},
                },
            }
        ],
    }
    return {
        "variable": {
            "oidc_provider_arn": {
                "type": "string",
                "description": "ARN of the cluster's OIDC provider: `rosa describe cluster`, then `aws iam list-open-id-connect-providers`.",
            }
        },
        "resource": {
            "aws_iam_role": {
                "ecr_pull_secret": {
                    "name": role_name(environment),
                    "description": f"ECR tokens for the pull secret of cluster {environment.cluster_name}",
                    "assume_role_policy": f"${{jsonencode({_hcl(trust)})}}",
                }
            },
            "aws_iam_role_policy": {
                "ecr_pull_secret": {
                    "name": "pull",
                    "role": "${aws_iam_role.ecr_pull_secret.id}",
                    "policy": f"${{jsonencode({_hcl(policy)})}}",
                }
            },
        },
    }


def _hcl(value: object) -> str:
    """A JSON value as an expression of Terraform, which may hold templates in its strings."""
    return dump_json(value).strip()


def crio_matches(table: RouteTable, platform: str) -> tuple[list[str], list[str]]:
    """The mirrored sources that CRIOCredentialProviderConfig takes as patterns, and those that it does not.

    More than it may hold are given by registry, without paths.
    """
    entries, _ = mirror_entries(table, platform)
    found = [entry.source for entry in entries]
    found = [one for one in found if not any(one.startswith(f"{other}/") for other in found)]
    if len(found) > CRIO_LIMIT:
        found = sorted({one.partition("/")[0] for one in found})
    taken = [one for one in found if _CRIO_PATTERN.fullmatch(one)][:CRIO_LIMIT]
    return taken, [one for one in found if one not in taken]


def has_crio_provider(environment: Environment) -> bool:
    """Does this cluster serve CRIOCredentialProviderConfig? Hosted control planes never do."""
    return environment.platform == "rosa-classic" and minor_version(environment) >= CRIO_SINCE


def crio_configuration(environment: Environment, taken: Sequence[str]) -> dict[str, Any]:
    """CRIOCredentialProviderConfig for OpenShift 4.23 or later; the platform takes the name `cluster` only."""
    return {
        "apiVersion": "config.openshift.io/v1",
        "kind": "CRIOCredentialProviderConfig",
        "metadata": metadata(environment, "cluster"),
        # Without sources the field must be absent.
        "spec": {"matchImages": list(taken)} if taken else {},
    }


def openshift_credentials(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `credentials` of an OpenShift cluster."""
    secret = pull_secret(environment.platform)
    built, pulled = usage_image(environment, table)
    files = {FILE: dump_yaml(*documents(environment, pulled)), ROLE: dump_json(role(environment))}
    notes = [
        "Only node-level mirrors (idms, itms, rosa) need this; references that an admission policy rewrote are pulled "
        "with the node's role. If a token in the pull secret is not wanted, redirect by an admission policy.",
        f"The token is kept in the secret {secret}, with whatever else stands there. {secret.says}",
        f"A token has the rights of the role {role_name(environment)}: it pulls and caches, and cannot push. Every Pod of the cluster pulls with it.",
        "CRI-O looks for credentials of the mirror; it sends those of ECR to no other host.",
        f"The CronJob runs the image {built}, built from {DOCKERFILE} of a checkout and pushed by you.",
    ]
    resources = [FILE]
    if has_crio_provider(environment):
        taken, left_out = crio_matches(table, environment.platform)
        files[CRIO] = dump_yaml(crio_configuration(environment, taken))
        notes.append(
            f"{CRIO} lets CRI-O use the pull secrets of a Pod's namespace for the mirror of these sources. It hands out no credentials of the node's role. Without such a secret it changes nothing, so that `kubectl apply -k .` leaves it out. Apply it by itself where namespaces keep tokens of their own."
        )
        notes += [f"{source} is left out of {CRIO}: the platform does not take it." for source in left_out]
    elif environment.platform == "rosa-classic":
        notes.append(
            "CRIOCredentialProviderConfig is left out: OpenShift serves it from 4.23 (Kubernetes 1.36) on, 4.22 as a technology preview only. It would hand out pull secrets of namespaces, not the node's role."
        )
    else:
        notes.append(
            "CRIOCredentialProviderConfig is left out. Clusters with hosted control planes do not have it. It would hand out pull secrets of namespaces, not the node's role."
        )
    return TargetFiles(
        target="credentials",
        files=files,
        resources=tuple(resources),
        notes=tuple(notes),
        apply=(
            f"Make the role: put {ROLE} into a Terraform configuration of yours, with oidc_provider_arn set.",
            *image_steps(environment, built),
            f"orchestrator pull-secret {environment.name}   # the first time with your own rights: it makes the secret where there is none",
            "kubectl apply -k .",
        ),
        verify=(
            f"kubectl create job -n {NAME} {NAME}-now --from=cronjob/{NAME}",
            f"kubectl wait -n {NAME} job/{NAME}-now --for=condition=complete --timeout=5m; kubectl logs -n {NAME} job/{NAME}-now",
            "oc debug node/NODE -- chroot /host cat /var/lib/kubelet/config.json",
        ),
        rollback=(
            f"kubectl delete -f {FILE}",
            f"orchestrator pull-secret {environment.name} --remove",
        ),
        owns=(CRIO, FILE, ROLE, "credential-provider-config.yaml", "bottlerocket.toml"),
    )
