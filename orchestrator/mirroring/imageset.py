"""oc-mirror's ImageSetConfiguration (`mirror.openshift.io/v2alpha1`): its `additionalImages` -> wishes.

What of it is not done is refused by name: an image set that came only in part looks whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.wishes import Wish, wish

API = "mirror.openshift.io/"


def is_image_set(document: dict[str, Any]) -> bool:
    """Is it an ImageSetConfiguration of any version?"""
    return document.get("kind") == "ImageSetConfiguration" and str(document.get("apiVersion")).startswith(API)


def read_image_set(document: dict[str, Any], name: str) -> list[Wish]:
    """The additional images. Raises RefusedInput for what else the document asks for."""
    if document["apiVersion"] != f"{API}v2alpha1":
        raise _refused(name, f"it is {document['apiVersion']}", f"Write it for oc-mirror v2: {API}v2alpha1.")
    mirror = document.get("mirror")
    if not isinstance(mirror, dict):
        raise _refused(name, "it has no mirror section", "Write mirror with additionalImages.")
    for key in mirror:
        if key not in {"additionalImages", "blockedImages"} and mirror[key]:
            raise _refused(
                name,
                f"mirror.{key} is not done here",
                "Mirror it with `oc mirror`, or list its images in additionalImages.",
            )
    blocked = {entry["name"] for entry in _named(name, "blockedImages", mirror.get("blockedImages"))}
    entries = _named(name, "additionalImages", mirror.get("additionalImages"))
    found = [_wish(name, entry) for entry in entries if entry["name"] not in blocked]
    if not found:
        raise _refused(name, "mirror.additionalImages names nothing", "List images there.")
    return found


def _wish(name: str, entry: dict[str, Any]) -> Wish:
    for key in ("targetRepo", "targetTag"):
        if entry.get(key):
            raise _refused(name, f"{entry['name']} has a {key}", "Remove it: the route table says where images go.")
    return wish(entry["name"], Location(name))


def _named(name: str, key: str, entries: Any) -> Iterator[dict[str, Any]]:
    for entry in entries or ():
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _refused(name, f"mirror.{key} has an entry without a name", "Write - name: registry/repository:tag.")
        yield entry


def _refused(name: str, what: str, remedy: str) -> RefusedInput:
    return RefusedInput(f"{name}: {what}.", remedy=remedy, where=Location(name))
