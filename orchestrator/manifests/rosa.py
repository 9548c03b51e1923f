"""Image mirrors of ROSA with hosted control planes, which takes them through its own API only: a script and Terraform."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from orchestrator.manifests.document import TargetFiles, dump_json
from orchestrator.manifests.mirror_sets import MirrorEntry, mirror_entries
from orchestrator.routes.table import RouteTable

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

SCRIPT = "image-mirrors.sh"


def script(environment: Environment, entries: tuple[MirrorEntry, ...]) -> str:
    """Shell script of `rosa create image-mirror` calls; run again, it creates what is missing and names what differs."""
    lines = [
        "#!/usr/bin/env bash",
        f"# Image mirrors of cluster {environment.cluster_name}. Needs the rosa CLI 1.2.56 or later, logged in, and jq.",
        "set -euo pipefail",
        "",
        f"cluster=${{1:-{shlex.quote(environment.cluster_name)}}}",
        'existing=$(rosa list image-mirrors --cluster "$cluster" --output json)',
        "differing=0",
        "",
        "mirror() {",
        "  local mirrors",
        '  mirrors=$(jq -r --arg source "$1" \'[.[]? | select(.source == $source) | .mirrors[]] | join(",")\' <<<"$existing")',
        '  case "$mirrors" in',
        '    "$2") echo "exists: $1" ;;',
        '    "") rosa create image-mirror --cluster "$cluster" --type digest --source "$1" --mirrors "$2" ;;',
        '    *) echo "differs: $1 has $mirrors, not $2; delete it and run this again" >&2 && differing=1 ;;',
        "  esac",
        "}",
        "",
        *(f"mirror {shlex.quote(entry.source)} {shlex.quote(entry.mirror)}" for entry in entries),
        "",
        'exit "$differing"',
    ]
    return "\n".join(lines) + "\n"


def terraform(entries: tuple[MirrorEntry, ...]) -> dict[str, Any]:
    """The same as resources of provider terraform-redhat/rhcs (JSON syntax)."""
    return {
        "terraform": {"required_providers": {"rhcs": {"source": "terraform-redhat/rhcs", "version": ">= 1.7.1"}}},
        "variable": {"cluster_id": {"type": "string", "description": "ID of the ROSA HCP cluster."}},
        "locals": {"image_mirrors": {entry.source: [entry.mirror] for entry in entries}},
        "resource": {
            "rhcs_image_mirror": {
                "this": {
                    "for_each": "${local.image_mirrors}",
                    "cluster_id": "${var.cluster_id}",
                    "type": "digest",
                    "source": "${each.key}",
                    "mirrors": "${each.value}",
                }
            }
        },
    }


def rosa(environment: Environment, table: RouteTable) -> TargetFiles:
    """Target `rosa`."""
    entries, notes = mirror_entries(table, environment.platform)
    if environment.platform != "rosa-hcp":
        notes = (f"Image mirrors exist on ROSA HCP only; platform is {environment.platform}.", *notes)
    return TargetFiles(
        target="rosa",
        files={SCRIPT: script(environment, entries), "image-mirrors.tf.json": dump_json(terraform(entries))},
        notes=(
            *notes,
            "ROSA's image mirrors cover pulls by digest only and may fall back to the source.",
        ),
        apply=(f"bash {SCRIPT}   # or apply image-mirrors.tf.json with cluster_id set, not both",),
        verify=(f"rosa list image-mirrors --cluster {environment.cluster_name}",),
        rollback=(
            f"rosa list image-mirrors --cluster {environment.cluster_name}, then rosa delete image-mirror --cluster {environment.cluster_name} --id ID for each",
        ),
    )
