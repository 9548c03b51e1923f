"""containerd host configuration (`hosts.toml`), and the ways in which EKS nodes get it.

containerd chooses a configuration by the registry's host alone, so routes and excludes below a path cannot be
expressed; they are left out and said as notes.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.differences import of_digests, of_names
from orchestrator.manifests.document import Bundle, dump_toml, dump_yaml
from orchestrator.manifests.scopes import Scope, on_nodes, scopes
from orchestrator.routes import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment import Environment

CERTS_D = "/etc/containerd/certs.d"
# Where a registry answers when its name in references is not its host.
API_HOSTS = {"docker.io": "registry-1.docker.io"}
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


def hosts_toml(table: RouteTable, scope: Scope) -> dict[str, Any]:
    """`hosts.toml` of one registry. `server` is what containerd asks last: the source, or ECR again without a way out."""
    mirror = mirror_url(table, scope)
    registry = scope.source.registry
    host: dict[str, Any] = {mirror: {"capabilities": ["pull", "resolve"], "override_path": True}}
    if table.allow_upstream:
        return {"server": f"https://{API_HOSTS.get(registry, registry)}", "host": host}
    return {"server": mirror, "capabilities": ["pull", "resolve"], "override_path": True, "host": host}


def node_config() -> dict[str, Any]:
    """nodeadm's NodeConfig: containerd reads certs.d. AL2023 images do so already; this keeps it true for custom ones."""
    toml = dump_toml({"plugins": {"io.containerd.cri.v1.images": {"registry": {"config_path": CERTS_D}}}})
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"containerd": {"config": toml}},
    }


def user_data(files: dict[str, str]) -> str:
    """MIME user data for AL2023 nodes: a script that writes `files` ({path below certs.d: text}) and the NodeConfig."""
    lines = ["#!/bin/bash", "set -euo pipefail"]
    for path, text in files.items():
        encoded = base64.b64encode(text.encode()).decode()
        lines.append(f"install -d -m 0755 '{CERTS_D}/{path.rsplit('/', 1)[0]}'")
        lines.append(f"echo '{encoded}' | base64 -d > '{CERTS_D}/{path}'")
    parts = [
        ("text/x-shellscript; charset=us-ascii", "\n".join(lines) + "\n"),
        ("application/node.eks.aws", dump_yaml(node_config())),
    ]
    body = "".join(f"--{BOUNDARY}\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n{body}--{BOUNDARY}--\n'


def bottlerocket(table: RouteTable, found: tuple[Scope, ...]) -> dict[str, Any]:
    """Bottlerocket settings: mirrors by registry. Bottlerocket always falls back to the source."""
    mirrors = [{"registry": scope.source.registry, "endpoint": [mirror_url(table, scope)]} for scope in found]
    return {"settings": {"container-registry": {"mirrors": mirrors}}}


def containerd(environment: Environment, table: RouteTable) -> Bundle:
    """Target `containerd`."""
    found, notes = whole_registries(table)
    header = (f"Image pulls of environment {environment.name} go to {table.registry_host}.",)
    hosts = {f"{scope.source.registry}/hosts.toml": dump_toml(hosts_toml(table, scope), header) for scope in found}
    extra = [
        "containerd sends the mirror no credentials of its own: the kubelet's credential provider must know the source hosts (target credentials).",
        *of_digests(table),
        *of_names(table),
    ]
    if not table.allow_upstream:
        extra.append(
            "Bottlerocket cannot be told to leave the source alone; without a way out that last try only fails."
        )
    files = {f"certs.d/{path}": text for path, text in hosts.items()}
    files["user-data.mime"] = user_data(hosts)
    files["bottlerocket.toml"] = dump_toml(bottlerocket(table, found), header)
    return Bundle(
        target="containerd",
        files=files,
        notes=(*notes, *extra),
        apply=(
            "AL2023: give user-data.mime to the node group's launch template.",
            "Bottlerocket: add bottlerocket.toml to the user data.",
            f"By hand: sudo cp -r certs.d/. {CERTS_D}/   # containerd reads it at the next pull",
        ),
        verify=("sudo crictl pull docker.io/library/busybox:latest", "sudo journalctl -u containerd | grep host="),
        rollback=(f"sudo rm -r {CERTS_D}/REGISTRY", "or roll the node group back to its former launch template"),
    )
