"""containerd host configuration (`hosts.toml`), and the ways in which EKS nodes get it.

containerd chooses a configuration by the registry's host alone, so routes and excludes below a path cannot be
expressed. They are left out and said as notes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.credentials import kubelet_configuration, of_credentials
from orchestrator.manifests.document import TargetFiles, dump_toml, dump_yaml
from orchestrator.manifests.metadata import minor_version
from orchestrator.manifests.node_deviations import SENT_TO_SOURCE, of_digests, of_names
from orchestrator.routes.scopes import Scope, on_nodes, scopes
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

CERTS_D = "/etc/containerd/certs.d"
# Where EKS nodes look, too: certificates of private registries, one folder a host.
DOCKER_CERTS_D = "/etc/docker/certs.d"
# The first Kubernetes whose every AL2023 image has containerd 2; images of 1.33 and before have 1.7 or 2, by their date.
# https://github.com/awslabs/amazon-eks-ami/releases, and issues/2494
CONTAINERD_2_SINCE = (1, 34)
# Where a registry answers when its name in references is not its host.
API_HOSTS = {"docker.io": "registry-1.docker.io"}
CREDENTIALS = "/etc/eks/ecr-mirrors/credential-provider-config.yaml"
_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?")
BOUNDARY = "==ecr-mirrors=="


def mirror_url(table: RouteTable, scope: Scope) -> str:
    """Base URL of the mirror's distribution API: `https://<ecr>/v2/docker-hub`."""
    return "/".join(part for part in (f"https://{table.registry_host}/v2", scope.repository) if part)


def whole_registries(table: RouteTable) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    """Scopes that cover a whole registry, and notes on those that do not."""
    found = on_nodes(scopes(table), table.aliases)
    hosts = tuple(scope for scope in found if not scope.source.path and scope.redirected)
    redirected = {scope.source.registry for scope in hosts}
    notes = []
    for scope in found:
        if not scope.source.path:
            continue
        if scope.source.registry in redirected:
            what = "has a route of its own" if scope.redirected else "is excluded"
            notes.append(
                f"{scope.source} {what}, but containerd chooses mirrors by registry: nodes ask for it where the rest of {scope.source.registry} lives."
            )
        elif scope.redirected:
            notes.append(f"{scope.source} is left out: containerd chooses mirrors by registry, not by path.")
    return hosts, tuple(notes)


def server_url(table: RouteTable, scope: Scope) -> str:
    """What containerd asks last: the source, or ECR again without a way out."""
    registry = scope.source.registry
    if not table.allow_upstream:
        return mirror_url(table, scope)
    # As containerd itself would ask.
    scheme = "http" if _LOOPBACK.fullmatch(registry) else "https"
    return f"{scheme}://{API_HOSTS.get(registry, registry)}"


def hosts_toml(server: str, mirror: str, header: Sequence[str] = ()) -> str:
    """`hosts.toml` of one registry whose images are at `mirror`, and last at `server`."""
    at_mirror: dict[str, Any] = {"capabilities": ["pull", "resolve"], "override_path": True}
    last = at_mirror if server == mirror else {}
    return dump_toml({"server": server, **last, "host": {mirror: at_mirror}}, header)


def containerd_config(kubernetes: tuple[int, int]) -> dict[str, Any]:
    """What nodeadm merges into containerd's configuration: one folder of hosts.toml files, not two.

    nodeadm's own has `/etc/containerd/certs.d:/etc/docker/certs.d`. containerd 1.7 reads both. From 2.1 on images are pulled
    through its transfer service. That takes the text for one folder, finds none and leaves every mirror out
    (containerd#12636). With containerd 1.7 nodeadm refuses whatever names a section of containerd 2, and the node does not
    join. The section of version 2 is taken by both: before containerd 2 as it is, else nodeadm has containerd migrate it.
    """
    section = "io.containerd.cri.v1.images" if kubernetes >= CONTAINERD_2_SINCE else "io.containerd.grpc.v1.cri"
    return {"plugins": {section: {"registry": {"config_path": CERTS_D}}}}


def node_config(kubernetes: tuple[int, int]) -> dict[str, Any]:
    """nodeadm's NodeConfig: containerd reads certs.d, and the kubelet our configuration of credential providers.

    nodeadm merges the first with its own TOML. It appends the second to its flags, of which the kubelet takes the last.
    """
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "containerd": {"config": dump_toml(containerd_config(kubernetes))},
            "kubelet": {"flags": [f"--image-credential-provider-config={CREDENTIALS}"]},
        },
    }


def user_data(environment: Environment, table: RouteTable, found: Sequence[Scope], header: Sequence[str]) -> str:
    """MIME user data for AL2023 nodes: a script that writes the same files, and the NodeConfig.

    nodeadm starts containerd and the kubelet after cloud-init has run the script. EC2 takes 16 KB, so the script writes each
    hosts.toml from one text instead of carrying all of them.
    """
    file = hosts_toml("$2" if table.allow_upstream else "$3", "$3", header)
    lines = [
        "#!/bin/bash",
        "set -euo pipefail",
        f"certs_d={CERTS_D}",
        f"docker_certs_d={DOCKER_CERTS_D}",
        f"credentials={CREDENTIALS}",
        "",
        "mirror() { # registry, where it is asked last, where its images are",
        '  install -d -m 0755 "$certs_d/$1"',
        '  cat >"$certs_d/$1/hosts.toml" <<EOF',
        f"{file}EOF",
        "}",
        "",
        *(
            f"mirror '{scope.source.registry}' '{server_url(table, scope)}' '{mirror_url(table, scope)}'"
            for scope in found
        ),
        "",
        "# containerd looks into one folder only: what stands in the other one is shown there.",
        'install -d -m 0755 "$certs_d"',
        'for host in "$docker_certs_d"/*/; do',
        '  host=$(basename "$host")',
        '  if [ -d "$docker_certs_d/$host" ] && [ ! -e "$certs_d/$host" ]; then',
        '    ln -s "$docker_certs_d/$host" "$certs_d/$host"',
        "  fi",
        "done",
        "",
        'install -d -m 0755 "$(dirname "$credentials")"',
        "cat >\"$credentials\" <<'EOF'",
        f"{dump_yaml(kubelet_configuration(table, environment.registry.region))}EOF",
    ]
    parts = [
        ("text/x-shellscript; charset=us-ascii", "\n".join(lines) + "\n"),
        ("application/node.eks.aws", dump_yaml(node_config(minor_version(environment)))),
    ]
    body = "".join(f"--{BOUNDARY}\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n{body}--{BOUNDARY}--\n'


def bottlerocket(table: RouteTable, found: tuple[Scope, ...]) -> dict[str, Any]:
    """Bottlerocket settings: mirrors by registry. Bottlerocket always falls back to the source."""
    mirrors = [{"registry": scope.source.registry, "endpoint": [mirror_url(table, scope)]} for scope in found]
    return {"settings": {"container-registry": {"mirrors": mirrors}}}


def containerd(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `containerd`."""
    found, notes = whole_registries(table)
    header = (f"Image pulls of environment {environment.name} go to {table.registry_host}.",)
    files = {
        f"certs.d/{scope.source.registry}/hosts.toml": hosts_toml(
            server_url(table, scope), mirror_url(table, scope), header
        )
        for scope in found
    }
    extra = [
        "containerd sends the mirror no credentials of its own. The kubelet's credential provider must know the source hosts, as in user-data.mime and the target credentials.",
        SENT_TO_SOURCE,
        *of_credentials(table),
        *of_digests(table, falls_back=False),
        *of_names(table),
        f"user-data.mime lets containerd look into {CERTS_D} alone, for containerd 2.1 and later finds no mirror with two folders. "
        f"The script links what is in {DOCKER_CERTS_D} into it. The certificates there of a registry that has a mirror are not used.",
    ]
    if environment.platform != "eks":
        extra.insert(
            0,
            "OpenShift's nodes run CRI-O, which reads no hosts.toml; use the target idms or rosa, or an admission policy.",
        )
    if not table.allow_upstream:
        extra.append(
            "Bottlerocket cannot be told to leave the source alone; without a way out that last try only fails."
        )
    files["user-data.mime"] = user_data(environment, table, found, header)
    files["bottlerocket.toml"] = dump_toml(bottlerocket(table, found), header)
    return TargetFiles(
        target="containerd",
        files=files,
        notes=(*notes, *extra),
        apply=(
            "AL2023: give user-data.mime to the node group's launch template.",
            "Bottlerocket: add bottlerocket.toml to the user data.",
            f"By hand: sudo cp -r certs.d/. {CERTS_D}/   # containerd reads it at the next pull",
        ),
        verify=("sudo crictl pull docker.io/library/busybox:latest", "sudo journalctl -u containerd | grep host="),
        owns=("certs.d/*/hosts.toml",),
        rollback=(f"sudo rm -r {CERTS_D}/REGISTRY", "or roll the node group back to its former launch template"),
    )
