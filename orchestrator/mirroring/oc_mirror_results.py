"""What a run of `oc mirror` put into ECR, from the mirror sets and mappings that it wrote -> entries of `mirrors`.

Source: oc-mirror `internal/pkg/clusterresources`: `idms-oc-mirror.yaml` and `itms-oc-mirror.yaml` pair a source with its place.
`cs-*.yaml` and `cc-*.yaml` name catalogs by their place already. oc-mirror v1 wrote ImageContentSourcePolicy, and
`mapping.txt` with a line SOURCE=PLACE for each image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.wishes import read_reference
from orchestrator.yaml_documents import documents_of

_SETS = {
    "ImageDigestMirrorSet": "imageDigestMirrors",
    "ImageTagMirrorSet": "imageTagMirrors",
    "ImageContentSourcePolicy": "repositoryDigestMirrors",
}
MAPPING = "mapping.txt"


@dataclass(frozen=True, slots=True)
class MirroredSource:
    """`source` (registry with its path) was copied to `path` of the registry."""

    source: str
    path: str


@dataclass(frozen=True, slots=True)
class OcMirrorResults:
    """`mirrors`: prefix -> source, as the environment's file writes them.

    `elsewhere` are places in other registries; `conflicts` sources that would share a prefix, which no table can hold.
    `catalogs` the images of catalogs that CatalogSource and ClusterCatalog name.
    """

    mirrors: dict[str, str]
    elsewhere: tuple[str, ...] = ()
    conflicts: tuple[MirroredSource, ...] = ()
    catalogs: tuple[str, ...] = ()


def read_results(files: Iterable[tuple[str, str]], own_hosts: Iterable[str]) -> OcMirrorResults:
    """The results in (name, text) pairs of YAML files and mappings. Raises RefusedInput where a file is none of them, or
    nothing is found.
    """
    hosts = frozenset(own_hosts)
    pairs: dict[MirroredSource, None] = {}
    elsewhere: dict[str, None] = {}
    catalogs: dict[str, None] = {}
    for name, text in files:
        is_mapping = name.endswith(MAPPING)
        documents = [] if is_mapping else [each for each in documents_of(name, text) if isinstance(each, dict)]
        found = _mapped(name, text) if is_mapping else (pair for document in documents for pair in _pairs(document))
        for source, mirror in found:
            host, _, path = mirror.partition("/")
            if host in hosts and path:
                pairs[MirroredSource(source, path)] = None
            else:
                elsewhere[mirror] = None
        catalogs |= dict.fromkeys(filter(None, map(_catalog, documents)))
    if not pairs:
        raise RefusedInput(
            "No mirror set sends anything to the environment's registry.",
            why=f"Other places: {', '.join(place[:200] for place in list(elsewhere)[:3])}."
            if elsewhere
            else "No IDMS, ITMS, ImageContentSourcePolicy or mapping.txt was found.",
            remedy="Name the folder cluster-resources of the workspace of oc mirror, and the environment of that registry.",
        )
    mirrors, conflicts = _entries(list(pairs))
    return OcMirrorResults(mirrors, tuple(elsewhere), conflicts, tuple(catalogs))


def _pairs(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    spec = document.get("spec")
    entries = spec.get(_SETS.get(str(document.get("kind")), "")) if isinstance(spec, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("source"), str):
            mirrors = entry.get("mirrors")
            for mirror in mirrors if isinstance(mirrors, list) else ():
                if isinstance(mirror, str):
                    yield entry["source"], mirror


def _mapped(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Repositories of the lines `registry.redhat.io/ubi9/ubi@sha256:…=HOST/ubi9/ubi:TAG`; of folders none."""
    for number, line in enumerate(text.splitlines(), start=1):
        source, equals, place = line.strip().partition("=")
        if not source or source.startswith(("#", "file:", "oci:")):
            continue
        where = Location(name, number)
        if not equals:
            raise RefusedInput(
                f"The line {line[:100]!a} maps nothing.", remedy="Give the mapping.txt of oc mirror.", where=where
            )
        yield _repository(source, where), _repository(place, where)


def _repository(text: str, where: Location) -> str:
    found = read_reference(text, where)
    return f"{found.registry}/{found.repository}"


def _catalog(document: dict[str, Any]) -> str:
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return ""
    if document.get("kind") == "CatalogSource":
        image = spec.get("image")
        return image if isinstance(image, str) else ""
    if document.get("kind") == "ClusterCatalog":
        try:
            return str(spec["source"]["image"]["ref"])
        except (KeyError, TypeError):
            return ""
    return ""


def _entries(pairs: list[MirroredSource]) -> tuple[dict[str, str], tuple[MirroredSource, ...]]:
    """One entry for a registry that lies whole below one prefix of its own, else one for each source."""
    below: dict[str, set[str]] = {}
    for pair in pairs:
        below.setdefault(_registry(pair), set()).add(_common(pair))
    single = {registry: next(iter(found)) for registry, found in below.items() if len(found) == 1}
    taken = [prefix for found in below.values() for prefix in found]
    whole = {registry: prefix for registry, prefix in single.items() if prefix and taken.count(prefix) == 1}
    mirrors: dict[str, str] = {}
    conflicts = []
    for pair in sorted(pairs, key=lambda pair: (pair.path, pair.source)):
        registry = _registry(pair)
        prefix, source = (whole[registry], registry) if registry in whole else (pair.path, pair.source)
        if mirrors.setdefault(prefix, source) != source:
            conflicts.append(pair)
    return mirrors, tuple(conflicts)


def _registry(pair: MirroredSource) -> str:
    return pair.source.partition("/")[0]


def _common(pair: MirroredSource) -> str:
    """What stands before the source's own path in its place; "" when the place is not made of it."""
    path = pair.source.partition("/")[2]
    if not path:
        return pair.path
    prefix, found, rest = pair.path.rpartition(f"/{path}")
    return prefix if found and not rest else ""
