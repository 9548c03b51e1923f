"""regsync's configuration (regclient) as it is: `sync` entries -> wishes.

Source: regclient `cmd/regsync/root/config.go` and `root.go`: source, target, type, tags, tagSets, platform(s), referrers.
Options that are not done are refused by name. `creds` are not taken: logins are docker's. Signatures always come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.expressions import alternatives
from orchestrator.mirroring.loose_versions import parse_loose_range
from orchestrator.mirroring.tag_selection import TagSelection, compile_pattern
from orchestrator.mirroring.wishes import Wish, check_platform, read_reference
from orchestrator.plain_text import shown
from orchestrator.yaml_documents import texts_of

_REFUSED = {
    "backup": "a tag that moves is replaced; the former image stays by its digest",
    "mediaTypes": "every kind of manifest is copied",
}
_CHOICES = ("source", "target", "type", "tags", "tagSets", "repos", "platform", "platforms")
_UNDONE = ("referrerFilters", "referrerSource", "referrerTarget", "includeExternal", "hooks")
# What says how fast, how often or how thoroughly regsync works. It is decided otherwise here.
_LEFT = (
    *("referrers", "referrerSlow", "digestTags", "interval", "schedule", "ratelimit", "fastCheck", "fastCopy"),
    *("forceRecursive", "blobLimit", "cacheCount", "cacheTime", "parallel", "skipDockerConfig", "userAgent"),
)
# An anchor counts where no quantifier makes it optional, and no backslash makes it a character.
_BEGINS = re.compile(r"(?:\^|\\A)(?![*+?{])")
_ENDS = re.compile(r"(?:(?<!\\)(?:\\\\)*(?:\$|\\z))\Z")
_DEFAULTS = {*_UNDONE, *_LEFT}
_KNOWN = {*_CHOICES, *_DEFAULTS}


def is_regsync(document: dict[str, Any]) -> bool:
    """Is it a configuration of regsync?"""
    return isinstance(document.get("sync"), list) and "apiVersion" not in document


def read_regsync(document: dict[str, Any], name: str) -> list[Wish]:
    """The wishes of all entries. Raises RefusedInput that names the entry."""
    if document.get("version") not in (None, 0, 1):
        raise _refused(name, f"its version is {shown(document['version'])}, not 1", "Write version: 1.")
    defaults = document.get("defaults")
    defaults = defaults if isinstance(defaults, dict) else {}
    _check_keys(name, "defaults", defaults, _DEFAULTS)
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
    _check_keys(name, at, own, _KNOWN)
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
        before, after = (each.tag or each.digest or "latest" for each in (image, place))
        if before != after:
            # A target without a tag is `latest` to regsync, too.
            remedy = f"Write the target with {before}, or give the image its other tag with a push there."
            raise _refused(name, f"{at} renames {before} to {after}", remedy)
        yield Wish(image, where, None, checked, _repository(place))
    elif kind == "repository":
        if image.suffix or place.suffix:
            raise _refused(
                name, f"{at} is a repository with a tag or digest", "Write both without, and tags to choose."
            )
        for selection in _selections(name, at, entry):
            yield Wish(image, where, selection, checked, _repository(place))
    else:
        raise _refused(name, f"{at} has the type {shown(kind)}", "Write image or repository.")


def _check_keys(name: str, at: str, found: dict[str, Any], known: set[str]) -> None:
    for key in found:
        if key in _REFUSED:
            raise _refused(name, f"{at} has {key}, which is not done here", f"Remove it: {_REFUSED[key]}.")
        if key not in known:
            remedy = (
                "Write it in each entry: regsync reads it there alone." if key in _CHOICES else "Correct or remove it."
            )
            raise _refused(name, f"{at} has an unknown {str(key)[:100]!a}", remedy)
        if key in _UNDONE and found[key]:
            raise _refused(
                name, f"{at} has {key}, which is not done here", "Remove it, or keep regsync for this entry."
            )


def _repository(place: Any) -> str:
    return f"{place.registry}/{place.repository}"


def _selections(name: str, at: str, entry: dict[str, Any]) -> list[TagSelection]:
    """One for each of tagSets, and one for tags where they say something: what any of them takes is copied.

    An empty set of tagSets takes all tags, as regsync has it; so does an entry without any.
    """
    sets = entry.get("tagSets") or []
    if not isinstance(sets, list):
        raise _refused(name, f"{at} has tagSets that are no list", "Write - allow, deny and semverRange.")
    found = [_tags(name, at, each) for each in sets]
    tags = entry.get("tags")
    chosen = _tags(name, at, tags)
    if not found or any((tags or {}).values()):
        found.append(chosen)
    return found


def _tags(name: str, at: str, tags: Any) -> TagSelection:
    """All where nothing is said. A tag must be in a range, match one of `allow` and none of `deny`."""
    tags = {} if tags is None else tags
    if not isinstance(tags, dict) or not set(tags) <= {"allow", "deny", "semverRange"}:
        raise _refused(name, f"{at} has tags of another form", "Write allow, deny and semverRange, each a list.")
    lists = {}
    for key in ("allow", "deny", "semverRange"):
        texts = texts_of(tags.get(key))
        if texts is None:
            raise _refused(name, f"{at} has tags whose {key} is no list of texts", f'Write {key}: ["1.2"], in quotes.')
        lists[key] = texts
    ranges = tuple(parse_loose_range(text) for text in lists["semverRange"] if text)
    allow, deny = (tuple(map(compile_pattern, lists[key])) for key in ("allow", "deny"))
    for pattern in (each.text for each in (*allow, *deny)):
        if _is_open(pattern):
            raise _refused(
                name,
                f"{at} has the expression {pattern[:100]!a}, which regsync reads as ^{pattern[:100]}$",
                f'Write it in parentheses: "({pattern[:100]})".',
                "Only its first part is held at the beginning then, and its last one at the end.",
            )
    return TagSelection((), allow, ranges, deny, both=True)


def _is_open(pattern: str) -> bool:
    """Does one of its alternatives not hold the whole tag, once ^ stands before the first and $ after the last?"""
    found = alternatives(pattern)
    return not (all(map(_BEGINS.match, found[1:])) and all(map(_ENDS.search, found[:-1])))
