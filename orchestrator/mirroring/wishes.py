"""A wish: an image that somebody wants in the registry, or a repository with a choice of its tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.tag_selection import TagSelection
from orchestrator.plain_text import shown
from orchestrator.routes.reference import ImageReference, InvalidReference, parse_reference

_PLATFORM_KEYS = ("os", "architecture", "arch", "variant")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """`image` alone; with `tags` the chosen tags of its repository, and `image` has neither tag nor digest then.

    `platforms` are `os/architecture[/variant]`, none for all. `target` is the repository that another tool's
    configuration names (`host/path`). It is empty where the route table decides. `where` is its place in a
    file.
    """

    image: ImageReference
    where: Location | None = None
    tags: TagSelection | None = None
    platforms: tuple[str, ...] = ()
    target: str = ""


def wish(text: str, where: Location | None = None, **more: object) -> Wish:
    """The wish for the image that `text` names. Raises RefusedInput with the place."""
    return Wish(read_reference(text, where), where, **more)  # type: ignore[arg-type]


def read_reference(text: str, where: Location | None = None) -> ImageReference:
    """The reference that `text` writes, a scheme (`docker://`, `oci://`) left out. Raises RefusedInput with the place."""
    try:
        return parse_reference(re.sub(r"^(?:docker|oci)://", "", text.strip()))
    except InvalidReference as error:
        raise RefusedInput(error.what, why=error.why, remedy=error.remedy, where=where) from error


def read_platforms(texts: Iterable[str]) -> tuple[str, ...]:
    """`linux/amd64,linux/arm64` and the like, each once, in the order given. Raises RefusedInput."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(check_platform(part) for part in parts if part))


def check_platform(text: str, where: Location | None = None) -> str:
    """`linux/amd64` or `linux/arm/v7` as it is. Raises RefusedInput."""
    if not _PLATFORM.fullmatch(text):
        raise RefusedInput(
            f"{text[:100]!a} is no platform.",
            why="A platform is os/architecture, and /variant where there is one.",
            remedy='Write it like "linux/amd64".',
            where=where,
        )
    return text


def listed_platforms(entries: object, where: Location) -> tuple[str, ...]:
    """`[{os, architecture}]` of oc-mirror, keys in any case, or `os/architecture`. Raises RefusedInput.

    A `variant` is taken too: oc-mirror's filter has none, and without it `arm` means every arm.
    """
    if entries is not None and not isinstance(entries, list):
        raise RefusedInput(
            f"{where.file}: platforms is no list.", remedy='Write platforms: ["linux/amd64"].', where=where
        )
    found = []
    for entry in entries or ():
        if isinstance(entry, dict):
            parts = {str(key).lower(): value for key, value in entry.items()}
            unread = [key for key in entry if str(key).lower() not in _PLATFORM_KEYS]
            if unread:
                raise RefusedInput(
                    f"{where.file}: a platform has {str(unread[0])[:100]!a}, which is not done here.",
                    why="It would choose other images than those that are copied.",
                    remedy="Write os, architecture and variant alone.",
                    where=where,
                )
            variant = parts.get("variant")
            texts = (parts.get("os") or "linux", parts.get("architecture") or parts.get("arch") or "", variant)
            entry = "/".join(text if isinstance(text, str) else shown(text) for text in texts[: 3 if variant else 2])
        found.append(check_platform(entry if isinstance(entry, str) else "", where))
    return tuple(dict.fromkeys(found))
