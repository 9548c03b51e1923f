"""A catalog of operators in file-based form: the texts of its files -> packages, channels, bundles.

Source: operator-registry `alpha/declcfg` (FBC): each file is a stream of JSON or YAML documents with a `schema`. Only
what names images and upgrades is kept: a catalog's files hold hundreds of megabytes, most of it descriptions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.versions import Version, parse_version
from orchestrator.yaml_documents import UnreadableYaml, load_documents, shown

_DECODER = json.JSONDecoder()


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
            except (KeyError, TypeError, AttributeError) as error:
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


def catalog_documents(name: str, text: str) -> Iterator[dict[str, Any]]:
    """The documents of one of a catalog's files. Raises RefusedInput."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        yield from _json_stream(name, text)
        return
    try:
        for document in load_documents(text):
            if isinstance(document, dict):
                yield document
    except UnreadableYaml as error:
        raise _unreadable(name, error.line, str(error)) from error


def _json_stream(name: str, text: str) -> Iterator[dict[str, Any]]:
    position, end = 0, len(text)
    while True:
        while position < end and text[position] in " \t\r\n\ufeff":
            position += 1
        if position == end:
            return
        try:
            document, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", position)) + 1
            raise _unreadable(name, line, getattr(error, "msg", "it is nested too deeply")) from error
        if isinstance(document, dict):
            yield document


def _unreadable(name: str, line: int, why: str) -> RefusedInput:
    return RefusedInput(
        f"A file of the catalog cannot be read: {why}.",
        remedy="Check the catalog: opm validate.",
        where=Location(name, line),
    )


def _take(catalog: OperatorCatalog, document: dict[str, Any]) -> None:
    schema = document.get("schema")
    if schema == "olm.package":
        catalog.defaults[str(document["name"])] = str(document.get("defaultChannel") or "")
    elif schema == "olm.channel":
        entries = tuple(
            ChannelEntry(
                str(entry["name"]), str(entry.get("replaces") or ""), tuple(map(str, entry.get("skips") or ()))
            )
            for entry in document.get("entries") or ()
        )
        channel = Channel(str(document["name"]), str(document["package"]), entries)
        catalog.channels.setdefault(channel.package, {})[channel.name] = channel
    elif schema == "olm.bundle":
        bundle = _bundle(document)
        catalog.bundles.setdefault(bundle.package, {})[bundle.name] = bundle


def _bundle(document: dict[str, Any]) -> Bundle:
    images = [str(related["image"]) for related in document.get("relatedImages") or () if related.get("image")]
    if document.get("image"):
        images.insert(0, str(document["image"]))
    properties = [item for item in document.get("properties") or () if item.get("type") == "olm.package"]
    version = parse_version(str(properties[0]["value"]["version"])) if properties else None
    return Bundle(str(document["name"]), str(document["package"]), version, tuple(dict.fromkeys(images)))
