"""Catalogs of operators: read from their images, and the wishes that are made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orchestrator.cli import messages
from orchestrator.cli.mirror.image_set_charts import of_chart
from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.catalog_files import catalog_paths
from orchestrator.mirroring.chart_wishes import ChartWish
from orchestrator.mirroring.filtered_catalog import filtered_catalog
from orchestrator.mirroring.gaps import Gap, ignore_gap
from orchestrator.mirroring.operator_catalog import OperatorCatalog, read_catalog
from orchestrator.mirroring.operator_selection import CatalogWish, Wanted, choose_bundles
from orchestrator.mirroring.wishes import Wish, read_reference
from orchestrator.oci.derived_image import derived_images, pack_layer
from orchestrator.oci.image_files import files_below, image_labels, image_of
from orchestrator.oci.registries import Registries

# Where a catalog's image keeps its files. Source: operator-registry, `opm generate dockerfile`.
CONFIGS_LABEL = "operators.operatorframework.io.index.configs.v1"
_DATABASE_LABEL = "operators.operatorframework.io.index.database.v1"


# Where opm keeps its cache, unless the image's command says otherwise.
_CACHE = "/tmp/cache"  # noqa: S108 - a folder inside an image


def open_catalog(registries: Registries, reference: str, where: Location | None = None) -> OperatorCatalog:
    """The catalog that an image holds. Raises RefusedInput for an image that is none, and what reading it raises."""
    _, files = _files(registries, reference, where)
    return read_catalog(_texts(reference, files))


def _files(registries: Registries, reference: str, where: Location | None) -> tuple[str, dict[str, bytes]]:
    """The folder of a catalog in its image, and {path below it: content}."""
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
    return folder, files_below(registry, image.repository, manifest, folder)


def _texts(reference: str, files: dict[str, bytes], *, keep: bool = False) -> Iterable[tuple[str, str]]:
    for path in catalog_paths(files):
        # Each text is let go when it has been read.
        content = files[path] if keep else files.pop(path)
        yield f"{reference}/{path}", content.decode("utf-8", "replace")


def images_wanted(
    wishes: Sequence[Wanted], registries: Registries, *, filter_catalogs: bool = False, gap: Gap = ignore_gap
) -> list[Wish]:
    """The wishes: a catalog stands for itself and its chosen operators' images, a chart for itself and its images.

    `gap` is told of images that a chart renders and nobody can read. With `filter_catalogs` the catalog's image has the chosen operators only, from here on as `registries` has it.
    """
    found: list[Wish] = []
    known: dict[str, OperatorCatalog] = {}
    for item in wishes:
        if isinstance(item, Wish):
            found.append(item)
            continue
        if isinstance(item, ChartWish):
            found += of_chart(item, registries, gap)
            continue
        if filter_catalogs:
            if item.catalog in known:
                raise RefusedInput(
                    f"{item.catalog} is named twice.",
                    why="Each entry would filter it otherwise.",
                    remedy="Write one entry with all of its packages.",
                    where=item.where,
                )
            known[item.catalog] = _filter(registries, item)
        elif item.catalog not in known:
            known[item.catalog] = open_catalog(registries, item.catalog, item.where)
        found += _of_catalog(known[item.catalog], item)
    return found


def _filter(registries: Registries, wanted: CatalogWish) -> OperatorCatalog:
    """Have the catalog's tag name its image with the chosen operators only; the whole catalog."""
    image = read_reference(wanted.catalog, wanted.where)
    if image.digest:
        raise RefusedInput(
            f"{wanted.catalog} is named by its digest, which a filtered catalog does not have.",
            remedy="Name it by its tag, or leave --filter-catalog out.",
            where=wanted.where,
        )
    folder, files = _files(registries, wanted.catalog, wanted.where)
    catalog = read_catalog(_texts(wanted.catalog, files, keep=True))
    kept = filtered_catalog(_texts(wanted.catalog, files), choose_bundles(catalog, wanted), wanted)
    root = folder.strip("/")
    laid = {f"{root}/.wh..wh..opq": b"", **{f"{root}/{path}": content for path, content in kept.items()}}

    def without_cache(config: dict[str, Any]) -> None:
        """opm refuses a cache of other files. Without one it makes its own in a temporary folder when it starts."""
        words, cache = _without_option([str(word) for word in config.get("Cmd") or ()], "--cache-dir")
        if config.get("Cmd"):
            config["Cmd"] = _without_option(words, "--cache-enforce-integrity")[0]
        if cache and cache.strip("/") != _CACHE.strip("/"):
            raise RefusedInput(
                f"{wanted.catalog} keeps its cache in {cache}, not in {_CACHE}.",
                why="Its files belong to the whole catalog.",
                remedy="Leave --filter-catalog out: the catalog is copied as it is.",
                where=wanted.where,
            )

    parent, _, name = _CACHE.strip("/").rpartition("/")
    laid[f"{parent}/.wh.{name}"] = b""
    source, layer = derived_images(registries, image.registry), pack_layer(laid)
    tag = image.tag or "latest"
    base = source.registry.manifest(image.repository, tag)
    source.derive(image.repository, base, lambda _: [layer], without_cache, named=(image.repository, tag))
    return catalog


def _without_option(words: list[str], option: str) -> tuple[list[str], str]:
    """A command without an option that has a value, and the value."""
    left, value, skip = [], "", False
    for word in words:
        name, equals, given = word.partition("=")
        if skip:
            value, skip = word, False
        elif name == option:
            value, skip = given, not equals
        else:
            left.append(word)
    return left, value


def _of_catalog(catalog: OperatorCatalog, wanted: CatalogWish) -> list[Wish]:
    chosen = choose_bundles(catalog, wanted)
    if chosen.outside:
        names = ", ".join(chosen.outside[:5]) + (", …" if len(chosen.outside) > 5 else "")
        messages.note(f"outside the versions asked for, but upgrades need it: {names}")
    return [
        Wish(read_reference(image, wanted.where), wanted.where, platforms=wanted.platforms)
        for image in wanted.images(chosen.bundles)
    ]
