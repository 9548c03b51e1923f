"""What closes the authentication gap of node-level mirrors.

A node that is sent to ECR by a mirror still looks for credentials of the name that is written in the Pod. These
documents make the ECR credential provider answer for the source hosts too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.document import Bundle, dump_yaml
from orchestrator.manifests.metadata import metadata
from orchestrator.manifests.scopes import on_nodes, scopes
from orchestrator.routes import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment import Environment

# Hosts of ECR itself, as the provider's own documentation lists them.
ECR_HOSTS = (
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "public.ecr.aws",
)
CACHE = "12h"  # ECR tokens live twelve hours


def source_matches(table: RouteTable) -> list[str]:
    """`matchImages` patterns of the redirected sources: `docker.io`, `quay.io/team`."""
    return sorted({str(scope.source) for scope in on_nodes(scopes(table), table.aliases) if scope.redirected})


def kubelet_configuration(table: RouteTable) -> dict[str, Any]:
    """CredentialProviderConfig (kubelet.config.k8s.io/v1) for ecr-credential-provider 1.29 or later."""
    matches = [*ECR_HOSTS, *(source for source in source_matches(table) if source not in ECR_HOSTS)]
    return {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [
            {
                "name": "ecr-credential-provider",
                "matchImages": matches,
                "defaultCacheDuration": CACHE,
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            }
        ],
    }


def crio_configuration(environment: Environment, table: RouteTable) -> dict[str, Any]:
    """CRIOCredentialProviderConfig (config.openshift.io/v1alpha1) for OpenShift 4.21 or later; the platform takes the name `cluster` only."""
    return {
        "apiVersion": "config.openshift.io/v1alpha1",
        "kind": "CRIOCredentialProviderConfig",
        "metadata": metadata(environment, "cluster"),
        "spec": {"matchImages": source_matches(table)},
    }


def credentials(environment: Environment, table: RouteTable) -> Bundle:
    """Target `credentials`."""
    files = {"credential-provider-config.yaml": dump_yaml(kubelet_configuration(table))}
    resources: tuple[str, ...] = ()
    apply: tuple[str, ...] = (
        "Nodes: pass the file to the kubelet with --image-credential-provider-config, and the folder of ecr-credential-provider with --image-credential-provider-bin-dir.",
    )
    if environment.platform != "eks":
        files["crio-credential-provider-config.yaml"] = dump_yaml(crio_configuration(environment, table))
        resources = ("crio-credential-provider-config.yaml",)
        apply = (*apply, "OpenShift 4.21 or later: oc apply -k .")
    return Bundle(
        target="credentials",
        files=files,
        resources=resources,
        notes=(
            "Only node-level mirrors (idms, itms, containerd, registries-conf) need this; references that an admission policy rewrote are pulled with the node's role.",
        ),
        apply=apply,
        verify=("journalctl -u kubelet | grep ecr-credential-provider",),
        rollback=("Restore the former configuration file and restart the kubelet.",),
    )
