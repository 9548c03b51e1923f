"""ImageDigestMirrorSet and ImageTagMirrorSet (config.openshift.io/v1) of an environment.

A mirror set names sources and where their images live. It cannot leave out a part of a source, so excludes below
a route are said as notes. The root module's output `idms_config_content` is the same value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.document import TargetFiles, dump_yaml
from orchestrator.manifests.metadata import metadata, object_name
from orchestrator.manifests.node_deviations import of_containers_image, of_digests, of_names, of_other_hosts
from orchestrator.routes.scopes import Scope, on_nodes, scopes
from orchestrator.routes.source import Source, covers
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# ROSA Classic refuses mirror sets of these sources and, for the first two, of anything below them.
# Source: ROSA documentation, image registry configuration; verified limits in docs/limits.md.
ROSA_CLASSIC_FORBIDDEN = (
    Source("quay.io"),
    Source("registry.access.redhat.com"),
    Source("registry.redhat.io"),
)


@dataclass(frozen=True, slots=True)
class MirrorEntry:
    """One entry of a mirror set: pulls from `source` are tried at `mirror` first (`host/path`)."""

    source: str
    mirror: str


def forbidden_on_rosa_classic(source: Source) -> bool:
    """Does ROSA Classic refuse a mirror set of `source`?"""
    return any(covers(forbidden, source) for forbidden in ROSA_CLASSIC_FORBIDDEN)


def mirror_entries(table: RouteTable, platform: str) -> tuple[tuple[MirrorEntry, ...], tuple[str, ...]]:
    """The entries of `table` on `platform`, sorted by source, and notes on what they cannot express."""
    entries: list[MirrorEntry] = []
    notes: list[str] = []
    flat = scopes(table)
    for scope in on_nodes(flat):
        if not scope.redirected:
            notes.append(
                f"{scope.source} is excluded from a wider source; a mirror set cannot leave it out: nodes try ECR first for it."
            )
        elif scope.source.registry.startswith("["):
            notes.append(f"{scope.source} is left out: a mirror set takes no IPv6 address as a source.")
        elif platform == "rosa-classic" and forbidden_on_rosa_classic(scope.source):
            notes.append(f"{scope.source} is left out: ROSA Classic refuses mirror sets of this source.")
        else:
            entries.append(MirrorEntry(str(scope.source), mirror_location(table, scope)))
    return tuple(entries), tuple(notes)


def mirror_location(table: RouteTable, scope: Scope) -> str:
    """Where images of `scope` live: `123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub`."""
    return "/".join(part for part in (table.registry_host, scope.repository) if part)


def mirror_set(environment: Environment, entries: Sequence[MirrorEntry], *, kind: str) -> dict[str, Any]:
    """The document of `kind` (ImageDigestMirrorSet or ImageTagMirrorSet)."""
    field = {"ImageDigestMirrorSet": "imageDigestMirrors", "ImageTagMirrorSet": "imageTagMirrors"}[kind]
    policy = "AllowContactingSource" if environment.allow_upstream else "NeverContactSource"
    return {
        "apiVersion": "config.openshift.io/v1",
        "kind": kind,
        "metadata": metadata(environment, object_name(environment, "ecr")),
        "spec": {
            field: [
                {"source": entry.source, "mirrors": [entry.mirror], "mirrorSourcePolicy": policy} for entry in entries
            ]
        },
    }


def _bundle(
    environment: Environment, table: RouteTable, *, target: str, kind: str, extra: Sequence[str]
) -> TargetFiles:
    entries, notes = mirror_entries(table, environment.platform)
    header: list[str] = []
    plural = kind.lower()
    if environment.platform == "rosa-hcp":
        header = [
            f"ROSA with hosted control planes refuses {kind} objects that are applied to the cluster.",
            "The platform takes mirrors only as image mirrors: see the target rosa.",
        ]
        notes = (f"ROSA HCP refuses {kind} objects; it takes digest mirrors only through the target rosa.", *notes)
    if environment.platform == "eks":
        notes = (f"EKS nodes do not read {kind} objects; use the target containerd or an admission policy.", *notes)
    name = object_name(environment, "ecr")
    return TargetFiles(
        target=target,
        files={f"{target}.yaml": dump_yaml(mirror_set(environment, entries, kind=kind), header=header)},
        resources=(f"{target}.yaml",),
        notes=(*notes, *extra, *of_other_hosts(table), *of_names(table), *of_containers_image(table)),
        apply=("oc apply -k .", "The machine config operator rolls the change out to every node, one by one."),
        verify=(
            f"oc get {plural} {name} -o yaml",
            "oc debug node/NODE -- chroot /host cat /etc/containers/registries.conf",
        ),
        rollback=(f"oc delete {plural} {name}",),
    )


def digest_mirrors(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `idms`."""
    only = "An ImageDigestMirrorSet covers pulls by digest only; tags need the target itms or an admission policy."
    extra = (*of_digests(table), only)
    return _bundle(environment, table, target="idms", kind="ImageDigestMirrorSet", extra=extra)


def tag_mirrors(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `itms`."""
    only = "An ImageTagMirrorSet covers pulls by tag only; digests need the target idms."
    return _bundle(environment, table, target="itms", kind="ImageTagMirrorSet", extra=(only,))
