"""regsync's configuration (regclient) as it is: `sync` entries -> wishes.

Source: regclient `cmd/regsync/config.go` and its documentation: source, target, type, tags, platform(s), referrers.
Options that are not done are refused by name. `creds` are not taken: logins are docker's. Signatures always come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.tag_selection import select_tags
from orchestrator.mirroring.wishes import Wish, check_platform, read_reference
from orchestrator.mirroring.yaml_documents import shown, texts_of

_REFUSED = {
    "backup": "a tag that moves is replaced; the former image stays by its digest",
    "mediaTypes": "every kind of manifest is copied",
}
_KNOWN = {
    *("source", "target", "type", "tags", "repos", "platform", "platforms", "referrers", "digestTags"),
    *("interval", "schedule", "ratelimit", "fastCopy", "forceRecursive", "includeExternal", "hooks", "tagSets"),
    *("referrerFilters", "referrerSource", "referrerTarget", "referrerSlow", "cacheTime", "cacheCount", "parallel"),
    *("skipDockerConfig", "userAgent", "blobLimit"),
}
_UNDONE = ("tagSets", "referrerFilters", "referrerSource", "referrerTarget", "includeExternal", "hooks")


def is_regsync(document: dict[str, Any]) -> bool:
    """Is it a configuration of regsync?"""
    return isinstance(document.get("sync"), list) and "apiVersion" not in document


def read_regsync(document: dict[str, Any], name: str) -> list[Wish]:
    """The wishes of all entries. Raises RefusedInput that names the entry."""
    if document.get("version") not in (None, 1):
        raise _refused(name, f"its version is {shown(document['version'])}, not 1", "Write version: 1.")
    defaults = document.get("defaults")
    defaults = defaults if isinstance(defaults, dict) else {}
    _check_keys(name, "defaults", defaults)
    found: list[Wish] = []
    for number, entry in enumerate(document["sync"], start=1):
        if not isinstance(entry, dict):
            raise _refused(name, f"entry {number} of sync is no mapping", "Write source and target.")
        found += _entry(name, number, {**defaults, **entry}, own=entry)
    return found


def _refused(name: str, what: str, remedy: str, why: str = "") -> RefusedInput:
    return RefusedInput(f"{name}: {what}.", why=why, remedy=remedy, where=Location(name))


def _entry(name: str, number: int, entry: dict[str, Any], own: dict[str, Any]) -> Iterator[Wish]:
    at = f"entry {number} of sync"
    _check_keys(name, at, own)
    source, target = entry.get("source"), entry.get("target")
    if not isinstance(source, str) or not isinstance(target, str):
        raise _refused(name, f"{at} has no source and target", "Write both.")
    for text in (source, target):
        if "{{" in text:
            raise _refused(name, f"{at} has a template, {text!a}", "Write the value: templates are not evaluated here.")
        if text.startswith("ocidir://"):
            raise _refused(
                name, f"{at} names a folder, {text!a}", "Copy the folder to a registry first: regctl image copy."
            )
    kind = entry.get("type", "image")
    if kind == "registry":
        remedy = "Write one entry of the type repository for each repository."
        raise _refused(name, f"{at} copies a whole registry", remedy, "Not every registry lists its repositories.")
    platforms = entry.get("platforms") or ([entry["platform"]] if entry.get("platform") else [])
    texts = texts_of(platforms)
    if texts is None:
        raise _refused(name, f"{at} has platforms that are no list of texts", 'Write platforms: ["linux/amd64"].')
    checked = tuple(check_platform(platform, Location(name)) for platform in texts)
    where = Location(name)
    image, place = read_reference(source, where), read_reference(target, where)
    if kind == "image":
        if place.tag != image.tag and place.tag and image.tag:
            remedy = "Give the image its tag in the target with a push there."
            raise _refused(name, f"{at} renames the tag {image.tag} to {place.tag}", remedy)
        yield Wish(image, where, None, checked, _repository(place))
    elif kind == "repository":
        selection = _tags(name, at, entry.get("tags"))
        yield Wish(image, where, selection, checked, _repository(place))
    else:
        raise _refused(name, f"{at} has the type {shown(kind)}", "Write image or repository.")


def _check_keys(name: str, at: str, found: dict[str, Any]) -> None:
    for key in found:
        if key in _REFUSED:
            raise _refused(name, f"{at} has {key}, which is not done here", f"Remove it: {_REFUSED[key]}.")
        if key not in _KNOWN:
            raise _refused(name, f"{at} has an unknown {str(key)[:100]!a}", "Correct or remove it.")
        if key in _UNDONE and found[key]:
            raise _refused(
                name, f"{at} has {key}, which is not done here", "Remove it, or keep regsync for this entry."
            )


def _repository(place: Any) -> str:
    return f"{place.registry}/{place.repository}"


def _tags(name: str, at: str, tags: Any) -> Any:
    if tags is None:
        return select_tags()
    if not isinstance(tags, dict) or not set(tags) <= {"allow", "deny", "semverRange"}:
        raise _refused(name, f"{at} has tags of another form", "Write allow, deny and semverRange, each a list.")
    lists = {}
    for key in ("allow", "deny", "semverRange"):
        texts = texts_of(tags.get(key))
        if texts is None:
            raise _refused(name, f"{at} has tags whose {key} is no list of texts", f'Write {key}: ["1.2"], in quotes.')
        lists[key] = texts
    return select_tags((), lists["allow"], lists["semverRange"], lists["deny"])
