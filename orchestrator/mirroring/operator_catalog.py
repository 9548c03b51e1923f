"""A catalog of operators in file-based form: the texts of its files -> packages, channels, bundles.

Source: operator-registry `alpha/declcfg` (FBC): each file is a stream of JSON or YAML documents with a `schema`. Only
what names images and upgrades is kept: a catalog's files hold hundreds of megabytes, most of it descriptions.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.catalog_files import catalog_documents
from orchestrator.mirroring.versions import Version, parse_version
from orchestrator.plain_text import shown


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """A bundle's place in a channel: the bundle that it replaces ("" for none) and those that it lets be skipped."""

    name: str
    replaces: str = ""
    skips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a package, its entries in the file's order."""

    name: str
    package: str
    entries: tuple[ChannelEntry, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """One version of an operator. `images` are its own image and all related ones, each once, as they are written."""

    name: str
    package: str
    version: Version | None
    images: tuple[str, ...]


@dataclass(slots=True)
class OperatorCatalog:
    """`defaults`: package -> its default channel; `channels` and `bundles` by package, then by name."""

    defaults: dict[str, str] = field(default_factory=dict)
    channels: dict[str, dict[str, Channel]] = field(default_factory=dict)
    bundles: dict[str, dict[str, Bundle]] = field(default_factory=dict)


def read_catalog(files: Iterable[tuple[str, str]]) -> OperatorCatalog:
    """The catalog of (name, text) pairs. Raises RefusedInput with the file's name for what is no catalog."""
    catalog = OperatorCatalog()
    for name, text in files:
        for document in catalog_documents(name, text):
            try:
                _take(catalog, document)
            except (KeyError, TypeError, AttributeError, _Twice) as error:
                raise RefusedInput(
                    f"A document of the schema {shown(document.get('schema'))} is not as its schema says: {error}.",
                    why="File-based catalogs are read as operator-registry reads them.",
                    remedy="Check the catalog: opm validate.",
                    where=Location(name),
                ) from error
    if not catalog.defaults:
        raise RefusedInput(
            "No package was found in the catalog.",
            why="It has no document of the schema olm.package.",
            remedy="Name the image of a catalog, such as registry.redhat.io/redhat/redhat-operator-index:v4.18.",
        )
    return catalog


def _take(catalog: OperatorCatalog, document: dict[str, Any]) -> None:
    schema = document.get("schema")
    if schema == "olm.package":
        name = str(document["name"])
        _once(catalog.defaults, name, f"the package {name[:100]!a}")
        catalog.defaults[name] = str(document.get("defaultChannel") or "")
    elif schema == "olm.channel":
        entries = tuple(
            ChannelEntry(
                str(entry["name"]), str(entry.get("replaces") or ""), tuple(map(str, entry.get("skips") or ()))
            )
            for entry in document.get("entries") or ()
        )
        channel = Channel(str(document["name"]), str(document["package"]), entries)
        channels = catalog.channels.setdefault(channel.package, {})
        _once(channels, channel.name, f"the channel {channel.name[:100]!a} of {channel.package[:100]!a}")
        channels[channel.name] = channel
        seen: set[str] = set()
        for entry in entries:
            _once(seen, entry.name, f"the entry {entry.name[:100]!a} of the channel {channel.name[:100]!a}")
            seen.add(entry.name)
    elif schema == "olm.bundle":
        bundle = _bundle(document)
        bundles = catalog.bundles.setdefault(bundle.package, {})
        _once(bundles, bundle.name, f"the bundle {bundle.name[:100]!a} of {bundle.package[:100]!a}")
        bundles[bundle.name] = bundle


class _Twice(ValueError):
    """OLM does not serve a catalog that says one thing twice."""


def _once(known: Container[str], name: str, what: str) -> None:
    if name in known:
        raise _Twice(f"{what} is there twice")


def _bundle(document: dict[str, Any]) -> Bundle:
    images = [str(related["image"]) for related in document.get("relatedImages") or () if related.get("image")]
    if document.get("image"):
        images.insert(0, str(document["image"]))
    properties = [item for item in document.get("properties") or () if item.get("type") == "olm.package"]
    version = parse_version(str(properties[0]["value"]["version"])) if properties else None
    return Bundle(str(document["name"]), str(document["package"]), version, tuple(dict.fromkeys(images)))
