"""Charts of an image set: fetched, rendered, and made into wishes for their images and for themselves in a registry."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import Location, RefusedInput
from orchestrator.files.image_scan import scan_text
from orchestrator.files.tree import decode_text
from orchestrator.helm_program import Helm, find_helm
from orchestrator.mirroring.chart_wishes import ChartWish, tag_of_version
from orchestrator.mirroring.gaps import Gap, ignore_gap
from orchestrator.mirroring.image_paths import images_at
from orchestrator.mirroring.tag_selection import select_tags
from orchestrator.mirroring.versions import parse_version
from orchestrator.mirroring.wishes import Wish, wish
from orchestrator.oci.derived_image import derived_images
from orchestrator.oci.image_files import artifact_content
from orchestrator.oci.registries import Registries
from orchestrator.yaml_documents import documents_of

# Source: helm.sh/docs/topics/registries, and `pkg/registry/constants.go`.
_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def of_chart(wanted: ChartWish, registries: Registries, gap: Gap = ignore_gap) -> list[Wish]:
    """The chart itself, when it comes from a repository, and every image that it renders.

    Raises RefusedInput without helm, and OrchestratorError for what cannot be fetched or rendered.
    """
    helm = find_helm()
    own: list[Wish] = []
    with tempfile.TemporaryDirectory() as folder:
        if wanted.path:
            chart = _local(wanted)
        elif wanted.is_oci:
            chart, own = _from_registry(wanted, registries, Path(folder))
        else:
            chart, own = _from_repository(wanted, registries, helm, Path(folder))
        return [*own, *_images(wanted, helm.template(wanted.name, chart, wanted.kubernetes_version), gap)]


def _local(wanted: ChartWish) -> Path:
    path = Path(wanted.path)
    if not path.exists():
        raise RefusedInput(
            f"The chart {wanted.name} is not at {wanted.path}.", remedy="Correct its path.", where=wanted.where
        )
    return path


def _from_registry(wanted: ChartWish, registries: Registries, folder: Path) -> tuple[Path, list[Wish]]:
    """A chart that is an artifact already: copied as it is."""
    found = wanted.place(tag_of_version(wanted.version) if parse_version(wanted.version) else "newest")
    registry, repository = registries.of(found.image.registry), found.image.repository
    if not parse_version(wanted.version):
        listed = registry.tags(repository)
        chosen = select_tags(ranges=[wanted.version or ">=0.0.0"], newest=1).choose(listed.names if listed else ())
        if not chosen:
            raise RefusedInput(
                f"{wanted.repository}/{wanted.name} has no version {wanted.version or 'at all'}.",
                remedy="Write a version that it has.",
                where=wanted.where,
            )
        found = wanted.place(chosen[0])
    artifact = registry.manifest(repository, found.image.tag or "")
    path = folder / "chart.tgz"
    path.write_bytes(artifact_content(registry, repository, artifact, _CONTENT))
    return path, [found]


def _from_repository(wanted: ChartWish, registries: Registries, helm: Helm, folder: Path) -> tuple[Path, list[Wish]]:
    """A chart of an index.yaml: an artifact is made of it as `helm push` would. Its host has it for this run."""
    path = helm.pull(wanted.repository, wanted.name, wanted.version, folder)
    text = helm.metadata(path)
    metadata = next(documents_of(f"{path.name}/Chart.yaml", text), None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("version"), str):
        raise RefusedInput(f"{path.name} has no version in its Chart.yaml.", remedy="Repair it.", where=wanted.where)
    found = wanted.place(tag_of_version(metadata["version"]))
    derived_images(registries, found.image.registry).put(
        found.image.repository,
        found.image.tag or "",
        (_CONFIG, json.dumps(metadata, sort_keys=True, default=str).encode()),
        (_CONTENT, path.read_bytes()),
        annotations={
            "org.opencontainers.image.title": wanted.name,
            "org.opencontainers.image.version": metadata["version"],
        },
    )
    return path, [found]


def _images(wanted: ChartWish, rendered: str, gap: Gap) -> Iterator[Wish]:
    found = scan_text(decode_text(Path(f"{wanted.name}.yaml"), rendered.encode()), "rendered.yaml", wanted.name)
    for problem in found.unreadable:
        gap(Location(f"chart {wanted.name}, rendered", problem.line), problem.reason)
    names = [use.reference for use in found.uses]
    if wanted.image_paths:
        for document in documents_of(f"chart {wanted.name}, rendered", rendered):
            names += [name for path in wanted.image_paths for name in images_at(document, path)]
    for name in dict.fromkeys(names):
        if not any(pattern.is_in(name) for pattern in wanted.blocked):
            yield wish(name, wanted.where, platforms=wanted.platforms)
