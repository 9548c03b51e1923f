"""Units: the images of a repository that are kept or expired together.

A unit is a root with all that hangs on it. That is an index with its images (and theirs), and the referrers of each: signatures,
attestations, SBOMs and others. Referrers are found by their subject (OCI 1.1) and by cosign's tags `sha256-<hex>.sig`, `.att`,
`.sbom`. Registries without a referrers API have the fallback tag `sha256-<hex>`. An image may hang on several
roots: it lives while one of them does. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

INDEX_MEDIA_TYPES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_ATTACHED = re.compile(r"sha256-([0-9a-f]{64})(?:\.[a-z0-9.]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Image:
    """An image as DescribeImages has it: `size` in bytes, times aware, `subject` the digest that it refers to.

    `status`: ACTIVE, ARCHIVED (it cannot be pulled, nor its manifest be read) or ACTIVATING (on its way back).
    """

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None = None
    size: int = 0
    media_type: str = ""
    subject: str | None = None
    status: str = "ACTIVE"

    @property
    def is_active(self) -> bool:
        """Can it be pulled, and so expire?"""
        return self.status == "ACTIVE"

    @property
    def last_used(self) -> datetime:
        """Last recorded pull; the push when it was never pulled."""
        return self.pulled_at or self.pushed_at

    @property
    def may_have_children(self) -> bool:
        """An index, or something of which ECR does not say what it is."""
        return not self.media_type or self.media_type in INDEX_MEDIA_TYPES

    @property
    def own_tags(self) -> tuple[str, ...]:
        """Tags that name the image itself, not what it is attached to."""
        return tuple(tag for tag in self.tags if not _ATTACHED.fullmatch(tag))


def by_push(image: Image) -> tuple[datetime, datetime]:
    """Orders images from the oldest to the newest."""
    return image.pushed_at, image.last_used


@dataclass(frozen=True, slots=True)
class Unit:
    """A root and all that hangs on it; the root is the first of `members`."""

    members: tuple[Image, ...]

    @property
    def root(self) -> Image:
        """The image that the others belong to: the index, or the only image."""
        return self.members[0]

    @property
    def last_used(self) -> datetime:
        """The newest pull of a member; a member that was never pulled counts from its push."""
        return max(member.last_used for member in self.members)

    @property
    def pulled_at(self) -> datetime | None:
        """The newest pull of a member; None when none was ever pulled."""
        return max((member.pulled_at for member in self.members if member.pulled_at), default=None)

    @property
    def pushed_at(self) -> datetime:
        """The newest push of a member."""
        return max(member.pushed_at for member in self.members)

    @property
    def newest_tagged(self) -> Image | None:
        """The active member with a tag of its own that was pushed last; a signature's tag names what it signs.

        Of several pushed at the same time the one used last, then the one with the smallest digest.
        """
        named = (member for member in self.members if member.own_tags and member.is_active)
        tagged = sorted(named, key=lambda member: member.digest)
        return max(tagged, key=by_push, default=None)


def units_of(images: Iterable[Image], children: Mapping[str, Sequence[str]]) -> tuple[Unit, ...]:
    """Every unit of a repository; each image is in at least one. `children` are an index's digests, by its digest."""
    held = {image.digest: image for image in images}
    below: dict[str, list[str]] = {}
    hanging: set[str] = set()
    for digest, parent in hanging_on(held, children):
        below.setdefault(parent, []).append(digest)
        hanging.add(digest)
    units = [_unit(digest, held, below) for digest in held if digest not in hanging]
    reached = {member.digest for unit in units for member in unit.members}
    # Tags can be set so that images are attached to each other in a ring, which then has no root. Any of it is one,
    # unless something else without a root leads there.
    rings: list[Unit] = []
    for digest in sorted(held.keys() - reached):
        if digest not in reached:
            ring = _unit(digest, held, below)
            below_it = {member.digest for member in ring.members}
            rings = [*(unit for unit in rings if unit.root.digest not in below_it), ring]
            reached |= below_it
    units += rings
    return tuple(units)


def hanging_on(held: Mapping[str, Image], children: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """(image, what it hangs on) by digest, both among `held`: an index's images, a subject's referrers."""
    for image in held.values():
        for child in children.get(image.digest, ()):
            if child in held and child != image.digest:
                yield child, image.digest
        attached = {f"sha256:{found.group(1)}" for tag in image.tags if (found := _ATTACHED.fullmatch(tag))}
        if image.subject:
            attached.add(image.subject)
        for subject in sorted(attached):
            if subject in held and subject != image.digest:
                yield image.digest, subject


def _unit(root: str, held: Mapping[str, Image], below: Mapping[str, Sequence[str]]) -> Unit:
    reached = {root: None}
    waiting = [root]
    while waiting:
        for digest in below.get(waiting.pop(), ()):
            if digest not in reached:
                reached[digest] = None
                waiting.append(digest)
    return Unit(tuple(held[digest] for digest in reached))


def children_of(manifest: str) -> tuple[str, ...]:
    """The digests that an index lists; none for the manifest of one image. Raises ValueError when it is no manifest."""
    document = json.loads(manifest)
    if not isinstance(document, dict):
        raise ValueError("a manifest is a JSON object")  # noqa: TRY004 - the text is wrong, not the call
    entries = document.get("manifests")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise ValueError("the manifests of an index are a list")  # noqa: TRY004
    digests = [entry.get("digest") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(digest, str) for digest in digests):
        raise ValueError("an entry of the index has no digest")
    return tuple(dict.fromkeys(str(digest) for digest in digests))
