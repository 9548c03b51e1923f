"""A text -> wishes: which kind of document it is, and what it names.

Lists of references, what `orchestrator images` and `route` print, CycloneDX, ImageSetConfiguration, regsync's
configuration. Manifests, values and the like are read by `orchestrator.workloads`: `is_list_like` says what is theirs.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.gaps import Gap, ignore_gap
from orchestrator.mirroring.imageset import is_image_set, read_image_set
from orchestrator.mirroring.operator_selection import Wanted
from orchestrator.mirroring.regsync import is_regsync, read_regsync
from orchestrator.mirroring.wishes import Wish, wish
from orchestrator.yaml_documents import documents_of


def read_document(name: str, text: str, gap: Gap = ignore_gap) -> list[Wanted] | None:
    """The wishes of a document that lists images; None for one in which they have to be looked for.

    `name` is the file's, or `-`. `gap` is told what the document itself says that it does not have. Raises RefusedInput with file and line.
    """
    head = text.lstrip("\ufeff \t\r\n")
    if head.startswith("{"):
        return _json(name, text, gap)
    if head.startswith("<"):
        raise RefusedInput(
            f"{name} is XML.",
            why="Of CycloneDX the JSON form is read.",
            remedy="Write it as JSON: cyclonedx-cli convert --output-format json.",
            where=Location(name),
        )
    if _is_yaml(name, head):
        document = _yaml_mapping(name, text)
        if is_image_set(document):
            return read_image_set(document, name)
        if is_regsync(document):
            return list(read_regsync(document, name))
        return None
    return list(_lines(name, text))


def _is_yaml(name: str, head: str) -> bool:
    """By its name, or by how it begins: a list of references has no `key:` and no dashes."""
    if name.endswith((".yaml", ".yml")):
        return True
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    key, colon, rest = first.partition(":")
    return first.startswith("---") or (bool(colon) and key.isidentifier() and rest[:1] in ("", " "))


def _yaml_mapping(name: str, text: str) -> dict[str, Any]:
    """The first document when it is one that lists images; {} for everything else."""
    if "ImageSetConfiguration" not in text and "sync:" not in text:
        return {}
    document = next(documents_of(name, text), None)
    return document if isinstance(document, dict) else {}


def _lines(name: str, text: str) -> Iterator[Wish]:
    """One reference a line; what follows it on the line, and indented lines, are what `images` and `route` add."""
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.split("#", 1)[0] if line.lstrip().startswith("#") else line
        if not content.strip() or content[:1] in " \t":
            continue
        yield wish(content.split()[0], Location(name, number))


def _json(name: str, text: str, gap: Gap) -> list[Wanted] | None:
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise _no_json(name, 0, "it is nested too deeply") from error
    except ValueError as error:
        if "\n" not in text.strip():
            raise _no_json(name, getattr(error, "lineno", 0), getattr(error, "msg", str(error))) from error
        return list(_json_lines(name, text))
    if document.get("bomFormat") == "CycloneDX":
        return list(_components(name, document))
    if isinstance(document.get("images"), list):
        _tell_gaps(document, name, gap)
        return [_entry(name, entry, 0) for entry in document["images"]]
    if "reference" in document and "answer" in document:
        return [_entry(name, document, 1)]
    if is_image_set(document):
        return read_image_set(document, name)
    if is_regsync(document):
        return list(read_regsync(document, name))
    return None


def _tell_gaps(document: dict[str, Any], name: str, gap: Gap) -> None:
    """What `orchestrator images` could not read: images in files, kinds of objects in a cluster."""
    for each in document.get("unreadable") or ():
        if isinstance(each, dict):
            gap(Location(str(each.get("file") or name)), str(each.get("reason")))
    for each in document.get("not_read") or ():
        gap(Location(name), str(each))


def _no_json(name: str, line: int, why: str) -> RefusedInput:
    return RefusedInput(f"{name} is no JSON: {why}.", remedy="Correct it.", where=Location(name, line))


def _json_lines(name: str, text: str) -> Iterator[Wish]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _no_json(name, number, getattr(error, "msg", "it is nested too deeply")) from error
            yield _entry(name, entry, number)


def _entry(name: str, entry: Any, line: int) -> Wish:
    if isinstance(entry, str):
        return wish(entry, Location(name, line))
    if not isinstance(entry, dict) or not isinstance(entry.get("reference"), str):
        raise RefusedInput(
            f"{name} has an entry without a reference.",
            why="Entries are what `orchestrator images --json` prints.",
            remedy='Write {"images": [{"reference": "…"}]}.',
            where=Location(name, line),
        )
    return wish(entry["reference"], Location(name, line))


def _components(name: str, document: dict[str, Any]) -> Iterator[Wish]:
    """The containers of a CycloneDX document, those inside others and the one that it is about included."""
    metadata = document.get("metadata")
    about = metadata.get("component") if isinstance(metadata, dict) else None
    waiting = deque([about, *_inner(name, document)])
    found: dict[str, Wish] = {}
    while waiting:
        component = waiting.popleft()
        if not isinstance(component, dict):
            continue
        waiting += _inner(name, component)
        text = _container(component)
        if text:
            found.setdefault(text, wish(text, Location(name)))
    if not found:
        raise RefusedInput(
            f"{name} names no container image.",
            why="Its components have neither the type container nor a purl of the type oci or docker.",
            remedy="Give the document of a cluster or a deployment, not that of a program.",
            where=Location(name),
        )
    yield from found.values()


def _inner(name: str, holder: dict[str, Any]) -> list[Any]:
    components = holder.get("components")
    if components is not None and not isinstance(components, list):
        raise RefusedInput(
            f"{name} has components that are no list.",
            why="CycloneDX lists them.",
            remedy="Write the document again with the tool that made it.",
            where=Location(name),
        )
    return components or []


def _container(component: dict[str, Any]) -> str:
    """The reference of a component, or nothing: its purl, else name and version."""
    purl = str(component.get("purl") or "")
    if purl.startswith(("pkg:oci/", "pkg:docker/")):
        return _purl(purl)
    if component.get("type") != "container":
        return ""
    name, version = str(component.get("name") or ""), str(component.get("version") or "")
    if not version or "@" in name or ":" in name.rpartition("/")[2]:
        return name
    return f"{name}@{version}" if version.startswith("sha256:") else f"{name}:{version}"


def _purl(purl: str) -> str:
    """`pkg:oci/nginx@sha256%3A…?repository_url=docker.io/library/nginx&tag=1.25` -> `docker.io/library/nginx:1.25@…`.

    Source: purl specification, types oci and docker.
    """
    address, _, query = purl.partition("#")[0].partition("?")
    kind, _, path = address.removeprefix("pkg:").partition("/")
    path, _, version = path.partition("@")
    qualifiers = {key: _decoded(value) for key, _, value in (part.partition("=") for part in query.split("&"))}
    version, path = _decoded(version), _decoded(path)
    repository = qualifiers.get("repository_url", "").rstrip("/")
    if kind == "docker":
        repository = f"{repository}/{path}" if repository else path
    elif not repository:
        repository = path
    elif repository.rpartition("/")[2] != path:
        repository = f"{repository}/{path}"
    tag = qualifiers.get("tag", "")
    if version.startswith("sha256:"):
        return f"{repository}:{tag}@{version}" if tag else f"{repository}@{version}"
    tag = tag or version
    return f"{repository}:{tag}" if tag else repository


def _decoded(text: str) -> str:
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), text)
