"""Catalogs of operators: read from their images, and the wishes that are made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.cli import messages
from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.operator_catalog import OperatorCatalog, read_catalog
from orchestrator.mirroring.operator_selection import CatalogWish, Wanted, choose_bundles
from orchestrator.mirroring.wishes import Wish, read_reference
from orchestrator.oci.image_files import files_below, image_labels, image_of
from orchestrator.oci.registries import Registries

# Where a catalog's image keeps its files. Source: operator-registry, `opm generate dockerfile`.
CONFIGS_LABEL = "operators.operatorframework.io.index.configs.v1"
_DATABASE_LABEL = "operators.operatorframework.io.index.database.v1"


def open_catalog(registries: Registries, reference: str, where: Location | None = None) -> OperatorCatalog:
    """The catalog that an image holds. Raises RefusedInput for an image that is none, and what reading it raises."""
    image = read_reference(reference, where)
    registry = registries.of(image.registry)
    manifest = image_of(registry, image.repository, image.digest or image.tag or "latest")
    labels = image_labels(registry, image.repository, manifest)
    folder = labels.get(CONFIGS_LABEL)
    if not folder:
        old = "It is in the former form of catalogs, a database." if _DATABASE_LABEL in labels else ""
        raise RefusedInput(
            f"{reference} is no catalog of operators: it has no label {CONFIGS_LABEL}.",
            why=old,
            remedy="Name a catalog's image, such as registry.redhat.io/redhat/redhat-operator-index:v4.18.",
            where=where,
        )
    files = files_below(registry, image.repository, manifest, folder)
    return read_catalog(_texts(reference, files))


def _texts(reference: str, files: dict[str, bytes]) -> Iterable[tuple[str, str]]:
    for path in sorted(files):
        # `.indexignore` and the like are no part of a catalog; each text is let go when it has been read.
        if not path.rpartition("/")[2].startswith("."):
            yield f"{reference}/{path}", files.pop(path).decode("utf-8", "replace")


def images_wanted(wishes: Sequence[Wanted], registries: Registries) -> list[Wish]:
    """The wishes, a catalog replaced by itself and the images of the operators that are chosen of it."""
    found: list[Wish] = []
    known: dict[str, OperatorCatalog] = {}
    for item in wishes:
        if isinstance(item, Wish):
            found.append(item)
            continue
        if item.catalog not in known:
            known[item.catalog] = open_catalog(registries, item.catalog, item.where)
        found += _of_catalog(known[item.catalog], item)
    return found


def _of_catalog(catalog: OperatorCatalog, wanted: CatalogWish) -> list[Wish]:
    chosen = choose_bundles(catalog, wanted)
    if chosen.outside:
        names = ", ".join(chosen.outside[:5]) + (", …" if len(chosen.outside) > 5 else "")
        messages.note(f"outside the versions asked for, but upgrades need it: {names}")
    return [
        Wish(read_reference(image, wanted.where), wanted.where, platforms=wanted.platforms)
        for image in wanted.images(chosen.bundles)
    ]
