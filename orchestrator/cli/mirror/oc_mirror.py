"""`mirror --from-oc-mirror`: the routes of what `oc mirror` copied already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RefusedInput
from orchestrator.mirroring.oc_mirror_results import MAPPING, OcMirrorResults, read_results
from orchestrator.routes.build import build_route_table
from orchestrator.scaffold import hcl

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment

# Where oc mirror writes, seen from the folder that it was given as workspace; v1 makes a folder for each run.
_FOLDERS = (
    *(".", "cluster-resources", "working-dir/cluster-resources"),
    *("results-*", "oc-mirror-workspace/results-*"),
)


def results_in(environment: Environment, folder: Path) -> OcMirrorResults:
    """What the folder's documents say. Raises RefusedInput."""
    return read_results(_files(folder), build_route_table(environment).own_hosts)


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    names = (f"{place}/{name}" for place in _FOLDERS for name in ("*.y*ml", MAPPING))
    found = [path for name in names for path in sorted(folder.glob(name)) if path.is_file()]
    if not found:
        raise RefusedInput(
            f"{folder} holds no YAML files and no {MAPPING}.",
            why="The results of oc mirror are idms-oc-mirror.yaml, itms-oc-mirror.yaml, cs-*.yaml and cc-*.yaml. Those of v1 "
            "are imageContentSourcePolicy.yaml and mapping.txt.",
            remedy="Name the workspace of oc mirror, or its folder cluster-resources.",
        )
    for path in found:
        try:
            yield str(path), path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedInput(f"{path} cannot be read: {error}.", remedy="Make it readable.") from error


def results_document(environment: Environment, results: OcMirrorResults) -> dict[str, Any]:
    """The answer for programs."""
    return {
        "environment": environment.name,
        "mirrors": {prefix: {"source": source} for prefix, source in results.mirrors.items()},
        "elsewhere": list(results.elsewhere),
        "conflicts": [{"source": pair.source, "path": pair.path} for pair in results.conflicts],
        "catalogs": list(results.catalogs),
    }


def results_lines(environment: Environment, results: OcMirrorResults) -> Iterator[str]:
    """The entries as they go into the environment's file, and what is left to do."""
    yield "mirrors = {"
    for prefix, source in results.mirrors.items():
        yield f"  {hcl(prefix)} = {{ source = {hcl(source)} }}"
    yield "}"
    yield ""
    for pair in results.conflicts:
        yield f"# {pair.source} lies in {pair.path} as well: a prefix has one source. Mirror it again to a path of its own."
    for place in results.elsewhere:
        yield f"# {place} is in another registry."
    yield f"# Put this into environments/{environment.name}.tfvars; then: orchestrator manifests {environment.name}"
    for catalog in results.catalogs:
        yield f"# The catalog {catalog} is named by its place already: apply its cs-*.yaml or cc-*.yaml as it is."
