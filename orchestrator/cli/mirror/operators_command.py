"""`orchestrator operators`: what a catalog of operators offers, and how a cluster finds its copy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option, registry_option
from orchestrator.cli.project_option import open_project
from orchestrator.counts import counted
from orchestrator.errors import RefusedInput

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.mirroring.operator_catalog import OperatorCatalog
    from orchestrator.oci.registries import Registries

_THREADS = 16


@click.command()
@NAME
@click.argument("catalog", metavar="CATALOG")
@click.option("--package", "packages", metavar="PACKAGE", multiple=True, help="Only this package.")
@click.option("--sizes", is_flag=True, help="Ask the registries how big the images of each package's heads are.")
@click.option(
    "--for",
    "form",
    type=click.Choice(["catalog-source", "cluster-catalog"]),
    help="Print the object with which a cluster reads the copy of the catalog, and nothing else.",
)
@registry_option()
@json_option()
@click.pass_context
def operators(
    ctx: click.Context,
    name: str,
    catalog: str,
    packages: tuple[str, ...],
    sizes: bool,
    form: str | None,
    via: dict[str, str],
    as_json: bool,
) -> int:
    """List packages, channels and heads of the image CATALOG, a catalog of operators in file-based form.

    What `orchestrator mirror NAME --from FILE` takes of it stands in an ImageSetConfiguration: its `operators`.
    """
    from orchestrator.cli.mirror.catalogs import open_catalog
    from orchestrator.oci.logins import docker_logins
    from orchestrator.oci.ports import Endpoint
    from orchestrator.oci.registries import Registries

    environment = open_project(ctx).load(name)
    if form is not None:
        from orchestrator.manifests.document import dump_json, dump_yaml

        document = _source(environment, catalog, form)
        sys.stdout.write(dump_json(document) if as_json else dump_yaml(document))
        return 0
    ways = [Endpoint(registry, url=url) for registry, url in via.items()]
    with Registries(ways, logins=docker_logins()) as registries:
        offered = open_catalog(registries, catalog)
        listed = list(_packages(offered, packages))
        if sizes:
            _measure(registries, listed)
    if as_json:
        click.echo(json.dumps({"catalog": catalog, "packages": listed}, indent=2, ensure_ascii=False))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(listed)))
    return 0


def _source(environment: Environment, catalog: str, form: Any) -> dict[str, Any]:
    from orchestrator.manifests.operator_sources import operator_source
    from orchestrator.mirroring.wishes import read_reference
    from orchestrator.routes.build import build_route_table
    from orchestrator.routes.table import Redirected

    reference = read_reference(catalog)
    answer = build_route_table(environment).redirect(reference)
    if not isinstance(answer, Redirected):
        raise RefusedInput(
            f"{catalog} has no place in the registry of {environment.name}.",
            why="No route of the environment takes it.",
            remedy=f'Add an entry to mirrors with source = "{reference.registry}".',
        )
    return operator_source(environment, reference, answer.target, form)


def _packages(catalog: OperatorCatalog, chosen: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    from orchestrator.mirroring.operator_selection import CatalogWish, PackageChoice, choose_bundles

    names = sorted(set(chosen)) or sorted(catalog.defaults)
    for name in names:
        # Asked for by the rule of `mirror`, so that both say the same heads; an unknown package is its error.
        found = choose_bundles(catalog, CatalogWish("The catalog", (PackageChoice(name),)))
        yield {
            "name": name,
            "default_channel": catalog.defaults[name],
            "channels": [
                {"name": channel, "head": heads[0], "bundles": len(catalog.channels[name][channel].entries)}
                for (_, channel), heads in found.channels.items()
            ],
            "images": sorted({image for bundle in found.bundles for image in bundle.images}),
        }


def _measure(registries: Registries, listed: list[dict[str, Any]]) -> None:
    """Write into each package how many bytes its images' blobs have, each blob once (linux/amd64)."""
    from orchestrator.mirroring.wishes import read_reference
    from orchestrator.oci.crew import for_each
    from orchestrator.oci.errors import OciError
    from orchestrator.oci.image_files import image_of

    def blobs_of(text: str) -> dict[str, int] | None:
        reference = read_reference(text)
        try:
            registry = registries.of(reference.registry)
            image = image_of(registry, reference.repository, reference.digest or reference.tag or "latest")
        except OciError:
            return None
        return {blob.digest: blob.size for blob in image.blobs}

    images = sorted({image for package in listed for image in package["images"]})
    known = dict(zip(images, for_each(_THREADS, blobs_of, images), strict=True))
    for package in listed:
        found = [known[image] for image in package["images"]]
        package["bytes"] = sum(dict(pair for blobs in found if blobs for pair in blobs.items()).values())
        package["unreadable"] = [image for image in package["images"] if known[image] is None]


def _lines(listed: Iterable[dict[str, Any]]) -> Iterator[str]:
    from orchestrator.cli.mirror.words import size

    for package in listed:
        about = [counted(len(package["images"]), "image")]
        if "bytes" in package:
            about.append(size(package["bytes"]))
        if package.get("unreadable"):
            about.append(f"{len(package['unreadable'])} could not be read")
        yield f"{package['name']}  ({', '.join(about)})"
        for channel in package["channels"]:
            default = "  default" if channel["name"] == package["default_channel"] else ""
            yield f"    {channel['name']}  {channel['head']}  {counted(channel['bundles'], 'bundle')}{default}"
