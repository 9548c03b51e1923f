"""containers/image version 2 drop-in (CRI-O, podman, skopeo): /etc/containers/registries.conf.d/50-ecr.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.manifests.document import TargetFiles, dump_toml
from orchestrator.manifests.mirror_sets import mirror_location
from orchestrator.manifests.node_deviations import of_containers_image, of_digests, of_names
from orchestrator.routes.scopes import Scope, on_nodes, scopes
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

FILE = "registries.conf.d/50-ecr.conf"


def registry_entry(table: RouteTable, scope: Scope) -> dict[str, Any]:
    """One `[[registry]]`: the longest prefix wins, so an excluded scope is an entry without mirrors."""
    source = str(scope.source)
    entry: dict[str, Any] = {"prefix": source, "location": source}
    if scope.redirected:
        entry["blocked"] = not table.allow_upstream
        entry["mirror"] = [{"location": mirror_location(table, scope)}]
    return entry


def registries_conf(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `registries-conf`."""
    header = (
        f"Image pulls of environment {environment.name} go to {table.registry_host}.",
        "Place below /etc/containers/registries.conf.d/; the longest prefix wins.",
    )
    if environment.platform == "eks":
        whose = (
            "EKS nodes run containerd, which does not read this file: use the target containerd or an admission policy."
        )
    else:
        whose = (
            "The machine config operator owns this file on OpenShift's nodes: there the target idms or rosa writes it."
        )
    entries = [registry_entry(table, scope) for scope in on_nodes(scopes(table), table.aliases)]
    return TargetFiles(
        target="registries-conf",
        files={FILE: dump_toml({"registry": entries}, header)},
        notes=(
            f"{whose} It is for other machines with podman, skopeo or CRI-O.",
            *of_digests(table),
            *of_names(table),
            *of_containers_image(table),
        ),
        apply=(f"sudo install -D -m 0644 {FILE} /etc/containers/{FILE}", "sudo systemctl reload crio   # CRI-O only"),
        verify=(
            "skopeo inspect --no-tags docker://IMAGE   # of a redirected source",
            "podman pull --log-level=debug IMAGE",
        ),
        rollback=(f"sudo rm /etc/containers/{FILE}",),
    )
