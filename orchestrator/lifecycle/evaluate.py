"""One repository, read and judged, with as few calls as tell whether anything would expire. Nothing is changed here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from orchestrator.counts import counted
from orchestrator.lifecycle.decide import Decided, Decision, decide, settled, spare
from orchestrator.lifecycle.expiry_guard import Guard, exceeds
from orchestrator.lifecycle.in_use import InUse
from orchestrator.lifecycle.index_cache import IndexCache
from orchestrator.lifecycle.native_policy import is_ours
from orchestrator.lifecycle.ports import Host, PortError, Registry
from orchestrator.lifecycle.provenance import Provenance
from orchestrator.lifecycle.retention import Retention
from orchestrator.lifecycle.units import INDEX_MEDIA_TYPES, Image, children_of

T = TypeVar("T")
BATCH = 100
OWN_POLICY = "it has a lifecycle policy of its own"


class DeadlineReached(Exception):
    """There is no time left for this; it is done again, whole, by whoever continues."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What would happen to a repository at the moment it was read.

    `children` has every index of the repository that had to be read or was known. `policy` is the text of its lifecycle
    policy where that was read (`policy_read`). `skipped` says why nothing expires although the decision says so;
    `guarded` that the guard is the reason.
    """

    repository: str
    retention: Retention
    decided: Decided
    children: Mapping[str, Sequence[str]]
    policy: str | None = None
    policy_read: bool = False
    skipped: str = ""
    guarded: bool = False

    @property
    def images(self) -> tuple[Image, ...]:
        """The images that can be pulled; what is archived is neither counted nor touched."""
        return tuple(decision.image for decision in self.decided.decisions if decision.image.is_active)

    @property
    def is_mixed(self) -> bool:
        """Is there an image that would expire and is not known to be the cache's?"""
        return any(decision.because == "not at its upstream" for decision in self.decided.decisions)

    @property
    def expired(self) -> tuple[Decision, ...]:
        """What expires: nothing where the repository is skipped."""
        return () if self.skipped else self.decided.expired


def no_more_than(evaluation: Evaluation, planned: int) -> Evaluation:
    """The evaluation, skipped where more would expire than the guards saw when it was planned."""
    expiring = len(evaluation.expired)
    if expiring <= planned:
        return evaluation
    reason = f"it changed: {counted(expiring, 'image')} would expire where {planned} were planned, so the next run judges it anew"
    return replace(evaluation, skipped=reason)


def stored_bytes(image: Image) -> int:
    """Bytes that the image's own layers take; an index has none of its own."""
    return 0 if image.media_type in INDEX_MEDIA_TYPES else image.size


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Judges repositories by calls to `registry`; `guard` is None where a person allowed any fraction.

    `provenance` tells what is the cache's own from what somebody pushed. `listed` is what a list wants there, as for
    `decide`.
    """

    registry: Registry
    host: Host
    in_use: InUse
    guard: Guard | None
    provenance: Provenance
    inspector: bool = False
    listed: InUse | None = None

    def evaluate(self, repository: str, retention: Retention, cache: IndexCache, now: datetime) -> Evaluation:
        """Raises PortError, GoneError when the repository does not exist, DeadlineReached.

        Of `cache` the children of indexes are taken; it learns whether the repository is the cache's own.
        """
        known = cache.children
        images = self._images(repository)
        children = {image.digest: known[image.digest] for image in images if image.digest in known}
        decided = decide(repository, images, children, retention, self.in_use, now, self.listed)
        found = Evaluation(repository, retention, decided, children)
        unknown = [image.digest for image in found.images if image.may_have_children and image.digest not in children]
        if settled(decided, unknown):
            return found
        if unknown:
            children |= self._children(repository, unknown)
            found = replace(
                found, decided=decide(repository, images, children, retention, self.in_use, now, self.listed)
            )
        if not found.decided.expired:
            return found
        policy = self.registry.policy(repository)
        found = replace(found, policy=policy, policy_read=True)
        if policy is not None and not is_ours(policy):
            return replace(found, skipped=OWN_POLICY)
        doubt = self.provenance.doubt(repository, found.images, cache)
        if doubt:
            return replace(found, skipped=doubt)
        if self.inspector:
            running = {**self.registry.in_use(repository), **self.in_use.digests}
            in_use = replace(self.in_use, digests=running)
            found = replace(found, decided=decide(repository, images, children, retention, in_use, now, self.listed))
        if retention.expire_action == "delete":
            found = replace(found, decided=spare(found.decided, self._image_doubts(found, cache)))
        expiring = len(found.decided.expired)
        if self.guard is not None and exceeds(expiring, len(found.images), self.guard.repository):
            reason = (
                f"{expiring} of {len(found.images)} images would expire, more than "
                f"{float(self.guard.repository):g} of them (--allow-fraction allows it once, "
                "max_expire_fraction_repository always)"
            )
            return replace(found, skipped=reason, guarded=True)
        return found

    def _image_doubts(self, found: Evaluation, cache: IndexCache) -> dict[str, str]:
        """{digest: why it must stay} of what would be deleted. Images that an index lists come with it, their tags do not."""
        listed = {child for children in found.children.values() for child in children}
        doubts = {}
        for decision in found.decided.expired:
            digest = decision.image.digest
            below = digest in listed and digest != decision.root
            hangs = digest != decision.root and self.provenance.asks_roots_alone
            if (below or hangs) and not decision.image.own_tags:
                continue
            if self.host.remaining() <= 0:
                raise DeadlineReached
            doubt = self.provenance.image_doubt(
                found.repository, decision.image, cache, listed=below or hangs, parts=found.children.get(digest, ())
            )
            if doubt:
                doubts[digest] = doubt
        return doubts

    def _images(self, repository: str) -> list[Image]:
        images: dict[str, Image] = {}
        for page in self.registry.image_pages(repository):
            images.update((image.digest, image) for image in page)
            if self.host.remaining() <= 0:
                raise DeadlineReached
        return list(images.values())

    def _children(self, repository: str, digests: Sequence[str]) -> dict[str, tuple[str, ...]]:
        children = {}
        for batch in chunks(digests, BATCH):
            if self.host.remaining() <= 0:
                raise DeadlineReached
            manifests = self.registry.manifests(repository, batch)
            for digest in batch:
                children[digest] = _checked_children(digest, manifests.get(digest))
        return children


def _checked_children(digest: str, manifest: str | None) -> tuple[str, ...]:
    """The index's children. Not knowing them is no answer: its images would look as if nothing referred to them."""
    if manifest is None:
        raise PortError("ManifestNotAnswered", f"the manifest of {digest} was not to be had", "BatchGetImage")
    if f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}" != digest:
        raise PortError("ManifestDigestMismatch", f"the manifest of {digest} has another digest", "BatchGetImage")
    try:
        return children_of(manifest)
    except (ValueError, RecursionError) as error:
        raise PortError("ManifestUnreadable", f"the manifest of {digest}: {error}", "BatchGetImage") from error


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in their order, `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
