"""oc-mirror's ImageSetConfiguration (`mirror.openshift.io/v2alpha1`): images, operators and charts -> wishes.

Parts that are not done are refused by name: an image set that came only in part looks whole.
Source: oc-mirror `internal/pkg/api/v2alpha1/type_config.go`, `type_config_include.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.chart_wishes import read_charts
from orchestrator.mirroring.expressions import Expression, NoExpression, parse_expression
from orchestrator.mirroring.operator_selection import CatalogWish, PackageChoice, VersionSpan, Wanted
from orchestrator.mirroring.versions import Version, parse_version
from orchestrator.mirroring.wishes import Wish, listed_platforms, wish
from orchestrator.plain_text import shown

API = "mirror.openshift.io/"
# Sections that are done, and what stands for the others.
_DONE = {"additionalImages", "operators", "blockedImages", "helm"}
_INSTEAD = {
    "platform": "Releases of OpenShift come with the cluster on ROSA; elsewhere mirror them with `oc mirror`.",
}
_DOCUMENT_KEYS = {"apiVersion", "kind", "metadata", "mirror", "archiveSize"}
_OPERATOR_KEYS = {"catalog", "packages", "full", "platforms", "skipDependencies", "targetCatalogSourceTemplate"}
_PACKAGE_KEYS = {"name", "channels", "defaultChannel", "minVersion", "maxVersion", "minBundle"}
_CHANNEL_KEYS = {"name", "minVersion", "maxVersion", "minBundle"}


def is_image_set(document: dict[str, Any]) -> bool:
    """Is it an ImageSetConfiguration of any version?"""
    return document.get("kind") == "ImageSetConfiguration" and _is_ours(document.get("apiVersion"))


def _is_ours(version: object) -> bool:
    return isinstance(version, str) and version.startswith(API)


def read_image_set(document: dict[str, Any], name: str) -> list[Wanted]:
    """The additional images, the catalogs and the charts. Raises RefusedInput for what else the document asks for."""
    if document["apiVersion"] != f"{API}v2alpha1":
        raise _refused(name, f"it is {shown(document['apiVersion'])}", f"Write it for oc-mirror v2: {API}v2alpha1.")
    _known(name, "it", document, _DOCUMENT_KEYS)
    mirror = document.get("mirror")
    if not isinstance(mirror, dict):
        raise _refused(name, "it has no mirror section", "Write mirror with additionalImages or operators.")
    for key in mirror:
        if key not in _DONE and mirror[key]:
            remedy = _INSTEAD.get(key, "Mirror it with `oc mirror`, or list its images in additionalImages.")
            raise _refused(name, f"mirror.{str(key)[:100]} is not done here", remedy)
    blocked = _blocked(name, mirror)
    images = _named(name, "additionalImages", mirror.get("additionalImages"))
    found: list[Wanted] = [
        _additional(name, entry) for entry in images if not any(pattern.is_in(entry["name"]) for pattern in blocked)
    ]
    catalogs = [_catalog(name, entry, blocked) for entry in _mappings(name, "operators", mirror.get("operators"))]
    _once(name, "mirror.operators", (each.catalog for each in catalogs))
    found += catalogs
    found += read_charts(name, mirror.get("helm"), blocked)
    if not found:
        raise _refused(name, "mirror names nothing to copy", "List images in additionalImages, operators or charts.")
    return found


def _blocked(name: str, mirror: dict[str, Any]) -> tuple[Expression, ...]:
    """Images are blocked by expressions that are found anywhere in the reference, as oc-mirror v2 has it."""
    patterns = []
    for entry in _named(name, "blockedImages", mirror.get("blockedImages")):
        text = entry["name"]
        _known(name, f"blockedImages of {text[:100]!a}", entry, {"name"})
        try:
            patterns.append(parse_expression(text))
        except NoExpression as error:
            what = f"blockedImages has {text[:100]!a}, which is no expression: {error}"
            raise _refused(name, what, "Correct it.") from error
    return tuple(patterns)


def _additional(name: str, entry: dict[str, Any]) -> Wish:
    for key in ("targetRepo", "targetTag"):
        if entry.get(key):
            raise _refused(name, f"{entry['name']} has a {key}", "Remove it: the route table says where images go.")
    _known(name, entry["name"], entry, {"name", "platforms", "targetRepo", "targetTag"})
    return wish(entry["name"], Location(name), platforms=listed_platforms(entry.get("platforms"), Location(name)))


def _catalog(name: str, entry: dict[str, Any], blocked: tuple[Expression, ...]) -> CatalogWish:
    catalog = entry.get("catalog")
    if not isinstance(catalog, str) or not catalog:
        raise _refused(
            name, "mirror.operators has an entry without a catalog", "Write catalog: registry/repository:tag."
        )
    if catalog.startswith("oci:"):
        raise _refused(
            name, f"the catalog {catalog} is a folder", "Push it to a registry: skopeo copy oci:… docker://…"
        )
    for key in ("targetCatalog", "targetTag"):
        if entry.get(key):
            raise _refused(
                name, f"the catalog {catalog} has a {key}", "Remove it: the route table says where images go."
            )
    _known(name, f"the catalog {catalog}", entry, _OPERATOR_KEYS)
    full = _truth(name, catalog, entry)
    packages = tuple(
        _package(name, package, full) for package in _named(name, "operators.packages", entry.get("packages"))
    )
    _once(name, f"the catalog {catalog}", (package.name for package in packages))
    platforms = listed_platforms(entry.get("platforms"), Location(name))
    return CatalogWish(catalog, packages, full, platforms, Location(name), blocked)


def _truth(name: str, catalog: str, entry: dict[str, Any]) -> bool:
    full = entry.get("full", False)
    if not isinstance(full, bool):
        raise _refused(name, f"full of the catalog {catalog} is {shown(full)}", "Write true or false.")
    return full


def _package(name: str, entry: dict[str, Any], full: bool) -> PackageChoice:
    package = entry["name"]
    if entry.get("bundles"):
        raise _refused(name, f"the package {package} chooses bundles", "Choose it by minVersion and maxVersion.")
    _known(name, f"the package {package}", entry, _PACKAGE_KEYS)
    own = _span(name, f"the package {package}", entry)
    channels: dict[str, VersionSpan] = {}
    for channel in _named(name, f"the channels of {package}", entry.get("channels")):
        _known(name, f"the channel {channel['name']} of {package}", channel, _CHANNEL_KEYS)
        _once(name, f"the package {package}", (*channels, channel["name"]))
        channels[channel["name"]] = _span(name, f"the channel {channel['name']} of {package}", channel)
    if own and any(channels.values()):
        raise _refused(name, f"the package {package} and one of its channels both choose versions", "Keep one of both.")
    if full and (own or any(channels.values())):
        raise _refused(name, f"full and the versions of {package} contradict each other", "Keep one of both.")
    return PackageChoice(package, tuple(channels.items()), own, str(entry.get("defaultChannel") or ""))


def _span(name: str, what: str, entry: dict[str, Any]) -> VersionSpan:
    if entry.get("minBundle"):
        raise _refused(name, f"{what} has a minBundle", "Write minVersion: bundles have versions.")
    bounds: list[Version | None] = []
    for key in ("minVersion", "maxVersion"):
        text = entry.get(key)
        version = parse_version(text) if isinstance(text, str) and text else None
        if text not in (None, "") and version is None:
            raise _refused(
                name, f"{key} of {what} is {shown(text)}, which is no version", 'Write it like "1.2.3", in quotes.'
            )
        bounds.append(version)
    return VersionSpan(*bounds)


def _known(name: str, what: str, entry: dict[str, Any], known: set[str]) -> None:
    for key in entry:
        if key not in known and entry[key]:
            raise _refused(name, f"{what} has {str(key)[:100]!a}, which is not done here", "Correct or remove it.")


def _once(name: str, what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in names:
        if each in seen:
            raise _refused(name, f"{what} names {each[:100]} twice", "Write one entry with everything of it.")
        seen.add(each)


def _mappings(name: str, key: str, entries: Any) -> Iterator[dict[str, Any]]:
    if entries is not None and not isinstance(entries, list):
        raise _refused(name, f"mirror.{key} is no list", "Write one - for each entry.")
    for entry in entries or ():
        if not isinstance(entry, dict):
            raise _refused(name, f"mirror.{key} has an entry that is no mapping", "Write keys and values.")
        yield entry


def _named(name: str, key: str, entries: Any) -> Iterator[dict[str, Any]]:
    for entry in _mappings(name, key, entries):
        if not isinstance(entry.get("name"), str):
            raise _refused(name, f"mirror.{key} has an entry without a name", "Write - name: and what it names.")
        yield entry


def _refused(name: str, what: str, remedy: str) -> RefusedInput:
    return RefusedInput(f"{name}: {what}.", remedy=remedy, where=Location(name))
