"""What closes the authentication gap of node-level mirrors.

A node that is sent to ECR by a mirror still looks for credentials of the name that is written in the Pod. These
documents make the ECR credential provider answer for the source hosts too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.document import TargetFiles, dump_toml, dump_yaml
from orchestrator.manifests.metadata import metadata
from orchestrator.routes.scopes import on_nodes, scopes
from orchestrator.routes.source import covers
from orchestrator.routes.table import RouteTable
from orchestrator.routes.upstreams import ecr_registry

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# Hosts of ECR itself, as the provider's own documentation lists them.
ECR_HOSTS = (
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "public.ecr.aws",
)
KUBELET = "credential-provider-config.yaml"
BOTTLEROCKET = "bottlerocket.toml"
CRIO = "crio-credential-provider-config.yaml"
# Of config.openshift.io/v1: how many patterns, and what they look like.
CRIO_LIMIT = 50
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_CRIO_PATTERN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?(?:/[-a-z0-9._/]*)?")
ALPHA_SINCE = "1.34"
CACHE = "12h"  # ECR tokens live twelve hours


def source_matches(table: RouteTable) -> list[str]:
    """`matchImages` patterns of the redirected sources, none below another: `docker.io`, `quay.io/team`."""
    found = {scope.source for scope in on_nodes(scopes(table), table.aliases) if scope.redirected}
    return [str(one) for one in sorted(found) if not any(covers(other, one) for other in found - {one})]


def crio_matches(table: RouteTable) -> tuple[list[str], list[str]]:
    """The patterns that CRIOCredentialProviderConfig takes, and those that it does not.

    More than it may hold are given by registry, without paths.
    """
    found = source_matches(table)
    if len(found) > CRIO_LIMIT:
        found = sorted({one.partition("/")[0] for one in found})
    taken = [one for one in found if _CRIO_PATTERN.fullmatch(one)][:CRIO_LIMIT]
    return taken, [one for one in found if one not in taken]


def patterns(table: RouteTable) -> list[str]:
    """`matchImages` of the whole provider: ECR itself, then the redirected sources."""
    return [*ECR_HOSTS, *(source for source in source_matches(table) if source not in ECR_HOSTS)]


def kubelet_configuration(table: RouteTable) -> dict[str, Any]:
    """CredentialProviderConfig (kubelet.config.k8s.io/v1) for ecr-credential-provider 1.29 or later."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [
            {
                "name": "ecr-credential-provider",
                "matchImages": patterns(table),
                "defaultCacheDuration": CACHE,
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            }
        ],
    }


def crio_configuration(environment: Environment, table: RouteTable) -> dict[str, Any]:
    """CRIOCredentialProviderConfig for OpenShift 4.21 or later; the platform takes the name `cluster` only."""
    taken, _ = crio_matches(table)
    version = "v1alpha1" if environment.kubernetes_version == ALPHA_SINCE else "v1"
    return {
        "apiVersion": f"config.openshift.io/{version}",
        "kind": "CRIOCredentialProviderConfig",
        "metadata": metadata(environment, "cluster"),
        # Without sources the field must be absent.
        "spec": {"matchImages": taken} if taken else {},
    }


def bottlerocket(table: RouteTable) -> dict[str, Any]:
    """Bottlerocket's settings for the same provider."""
    provider = {"enabled": True, "cache-duration": CACHE, "image-patterns": patterns(table)}
    return {"settings": {"kubernetes": {"credential-providers": {"ecr-credential-provider": provider}}}}


def notes(environment: Environment, table: RouteTable) -> tuple[str, ...]:
    """What these documents do not reach."""
    found = [
        "Only node-level mirrors (idms, itms, containerd, registries-conf) need this; references that an admission policy rewrote are pulled with the node's role."
    ]
    ecr = [source for source in source_matches(table) if source in ECR_HOSTS or ecr_registry(source.partition("/")[0])]
    if ecr:
        found.append(
            f"For {', '.join(ecr)} the provider gives that registry's own credentials, which the mirror may refuse: redirect these by an admission policy."
        )
    _, left_out = crio_matches(table)
    if environment.platform != "eks":
        found.append(
            "OpenShift 4.21 (Kubernetes 1.34) has CRIOCredentialProviderConfig as v1alpha1, as a technology preview; later ones as v1."
        )
        found += [f"{source} is left out: CRIOCredentialProviderConfig does not take it." for source in left_out]
    return tuple(found)


def credentials(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `credentials`."""
    files = {KUBELET: dump_yaml(kubelet_configuration(table))}
    resources: tuple[str, ...] = ()
    if environment.platform == "eks":
        files[BOTTLEROCKET] = dump_toml(bottlerocket(table))
        apply: tuple[str, ...] = (
            "AL2023: user-data.mime of the target containerd has this file already.",
            f"Bottlerocket: add {BOTTLEROCKET} to the user data.",
            "Other nodes: pass the file to the kubelet with --image-credential-provider-config, and the folder of ecr-credential-provider with --image-credential-provider-bin-dir.",
        )
    else:
        files[CRIO] = dump_yaml(crio_configuration(environment, table))
        resources = (CRIO,)
        apply = ("OpenShift 4.21 or later: oc apply -k .", "Before that: refresh pull secrets for the source hosts.")
    return TargetFiles(
        target="credentials",
        files=files,
        resources=resources,
        notes=notes(environment, table),
        apply=apply,
        verify=("journalctl -u kubelet | grep ecr-credential-provider",),
        owns=(CRIO, BOTTLEROCKET),
        rollback=("Restore the former configuration file and restart the kubelet.",),
    )
