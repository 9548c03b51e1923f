"""What closes the authentication gap of node-level mirrors.

A node that a mirror sends to ECR still looks for credentials of the name in the Pod. On EKS these
documents make the ECR credential provider answer for the source hosts too. On OpenShift, whose runtime looks for credentials
of the mirror, `orchestrator.manifests.pull_secret` keeps ECR's token in the cluster's pull secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.document import TargetFiles, dump_toml, dump_yaml
from orchestrator.manifests.node_deviations import SENT_TO_SOURCE
from orchestrator.manifests.pull_secret import openshift_credentials
from orchestrator.partitions import registry_patterns
from orchestrator.routes.scopes import on_nodes, scopes
from orchestrator.routes.source import covers
from orchestrator.routes.table import RouteTable
from orchestrator.routes.upstreams import ECR_PUBLIC, ecr_registry, registry_names

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# Hosts of ECR itself, in every partition. This configuration takes the place of nodeadm's: none of its hosts is missing.
# https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/image-credential-provider.go (July 2026)
ECR_HOSTS = (*registry_patterns(), *registry_names(ECR_PUBLIC))
KUBELET = "credential-provider-config.yaml"
BOTTLEROCKET = "bottlerocket.toml"
CACHE = "12h"  # ECR tokens live twelve hours


def source_matches(table: RouteTable) -> list[str]:
    """`matchImages` patterns of the redirected sources, none below another: `docker.io`, `quay.io/team`."""
    found = {scope.source for scope in on_nodes(scopes(table), table.aliases) if scope.redirected}
    found = {one for one in found if not without_credentials(one.registry)}
    return [str(one) for one in sorted(found) if not any(covers(other, one) for other in found - {one})]


def without_credentials(registry: str) -> bool:
    """Is this a registry for which the provider has no answer that the kubelet can use?

    ecr-credential-provider answers for a host without its port, and the kubelet takes that for another registry.
    """
    return ":" in registry


def patterns(table: RouteTable) -> list[str]:
    """`matchImages` of the whole provider: ECR itself, then the redirected sources."""
    return [*ECR_HOSTS, *(source for source in source_matches(table) if source not in ECR_HOSTS)]


def kubelet_configuration(table: RouteTable, region: str) -> dict[str, Any]:
    """CredentialProviderConfig (kubelet.config.k8s.io/v1) for ecr-credential-provider 1.29 or later.

    The provider reads a region from the hosts of ECR only. For every other one it asks ECR in `region`, that of the registry.
    """
    return {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [
            {
                "name": "ecr-credential-provider",
                "matchImages": patterns(table),
                "defaultCacheDuration": CACHE,
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                "env": [{"name": "AWS_REGION", "value": region}],
            }
        ],
    }


def bottlerocket(table: RouteTable, region: str) -> dict[str, Any]:
    """Bottlerocket's settings for the same provider. They take the place of its own list of hosts, too."""
    provider = {
        "enabled": True,
        "cache-duration": CACHE,
        "image-patterns": patterns(table),
        "environment": {"AWS_REGION": region},
    }
    return {"settings": {"kubernetes": {"credential-providers": {"ecr-credential-provider": provider}}}}


def of_credentials(table: RouteTable) -> tuple[str, ...]:
    """Sources for which nodes have no credentials that the mirror takes."""
    found = []
    ecr = [source for source in source_matches(table) if source in ECR_HOSTS or ecr_registry(source.partition("/")[0])]
    if ecr:
        found.append(
            f"For {', '.join(ecr)} the provider gives that registry's own credentials, which the mirror may refuse: redirect these by an admission policy."
        )
    registries = {scope.source.registry for scope in on_nodes(scopes(table), table.aliases) if scope.redirected}
    with_port = sorted(filter(without_credentials, registries))
    if with_port:
        found.append(
            f"{', '.join(with_port)} is left out: ecr-credential-provider answers for a host without its port, which the kubelet takes for another registry. Redirect it by an admission policy."
        )
    return tuple(found)


def credentials(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `credentials`."""
    if environment.platform != "eks":
        return openshift_credentials(environment, table)
    region = environment.registry.region
    return TargetFiles(
        target="credentials",
        files={
            KUBELET: dump_yaml(kubelet_configuration(table, region)),
            BOTTLEROCKET: dump_toml(bottlerocket(table, region)),
        },
        notes=(
            "Only the node-level mirrors of the target containerd need this. References that an admission policy rewrote are pulled with the node's role.",
            SENT_TO_SOURCE,
            *of_credentials(table),
        ),
        apply=(
            "AL2023: user-data.mime of the target containerd has this file already.",
            f"Bottlerocket: add {BOTTLEROCKET} to the user data.",
            "Other nodes: pass the file to the kubelet with --image-credential-provider-config, and the folder of ecr-credential-provider with --image-credential-provider-bin-dir.",
        ),
        verify=("journalctl -u kubelet | grep ecr-credential-provider",),
        owns=(KUBELET, BOTTLEROCKET),
        rollback=("Restore the former configuration file and restart the kubelet.",),
    )
