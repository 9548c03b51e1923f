"""What node-level mirrors do differently from the route table, in sentences for people.

Policies and tools parse a reference before they decide; a node's mirror configuration only replaces the beginning of a
name. docs/limits-cases.md has the table of these differences, and the conformance tests hold every target to it.
"""

from __future__ import annotations

from orchestrator.routes.scopes import needs_more, scopes
from orchestrator.routes.table import RouteTable
from orchestrator.routes.upstreams import DOCKER_HUB, ecr_registry

# https://github.com/containerd/containerd/issues/4950; the kubelet's credentials name no registry, so that containerd uses them
# for every host of a hosts.toml.
SENT_TO_SOURCE = (
    "containerd sends the kubelet's credentials to every host of a mirror's configuration. If ECR does not have the "
    "image, the source is asked with ECR's token, refuses it, and the pull fails. There is no second try without "
    "credentials. The "
    "source's host sees that token, which lives twelve hours and has the rights of the node's role."
)


def of_digests(table: RouteTable, *, falls_back: bool = True) -> tuple[str, ...]:
    """First pulls by digest, where nodes ask ECR for them; `falls_back` where the source serves them then."""
    if not any(route.kind == "pull-through" for route in table.routes):
        return ()
    if table.allow_upstream and falls_back:
        return (
            "ECR cannot make the first pull of a digest on a pull-through route. Nodes ask it first all the same, and fall back to the source until the image is warm.",
        )
    return ("ECR cannot make the first pull of a digest on a pull-through route: warm those images by tag first.",)


def of_names(table: RouteTable) -> tuple[str, ...]:
    """Names that the table refuses or completes, and nodes take as they are."""
    found = ["A repository name that becomes longer than ECR allows is asked for there all the same, and not found."]
    flat = scopes(table)
    if any(scope.redirected and scope.source.registry == DOCKER_HUB for scope in flat):
        found.append(
            "Official images that are written registry-1.docker.io/NAME are looked for without library/: write docker.io/NAME or NAME."
        )
    found.extend(
        f"{scope.source} itself has no repository of its own in ECR; nodes ask for it all the same."
        for scope in flat
        if needs_more(scope)
    )
    return tuple(found)


def of_other_hosts(table: RouteTable) -> tuple[str, ...]:
    """Upstream ECR registries, whose other hosts a mirror set does not name."""
    registries = sorted({scope.source.registry for scope in scopes(table) if scope.redirected})
    return tuple(
        f"{registry} is mirrored under this name only, not under its FIPS and dual-stack names."
        for registry in registries
        if ecr_registry(registry)
    )


def of_containers_image(table: RouteTable) -> tuple[str, ...]:
    """What CRI-O, podman and skopeo refuse once a registry has an entry."""
    if not any(scope.redirected for scope in scopes(table)):
        return ()
    return (
        "CRI-O, podman and skopeo refuse a redirected registry that is written with a port it does not have (quay.io:443). They refuse IPv6 addresses as registries, and names of more than 255 characters with their host.",
    )
