"""What is put where, in which order, so that no byte goes twice. Pure: what is wanted and what is there -> Plan.

Every manifest has a place in one order: images by size, indexes after their images, referrers after their subjects. A blob that
several repositories need is sent for the first manifest that has it. The others mount it once that manifest is committed, for
ECR mounts only what a committed manifest refers to. A copy that waits, waits for something earlier: there is no circle.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.oci.manifest import Descriptor, Manifest
from orchestrator.oci.ports import Place


@dataclass(slots=True)
class Wanted:
    """One manifest that a repository shall hold: its tags there (none: by digest), and where it comes from."""

    target: Place
    manifest: Manifest
    origins: list[Place]
    tags: set[str] = field(default_factory=set)
    # A signature, an attestation: what is lost without it is named, and the image comes nevertheless.
    is_signature: bool = False


@dataclass(slots=True)
class Held:
    """What the targets have already: manifests and blobs by repository."""

    manifests: dict[Place, set[str]] = field(default_factory=dict)
    blobs: dict[Place, set[str]] = field(default_factory=dict)

    def has_manifest(self, place: Place, digest: str) -> bool:
        """Whether the repository holds the manifest."""
        return digest in self.manifests.get(place, ())

    def has_blob(self, place: Place, digest: str) -> bool:
        """Whether the repository holds the blob."""
        return digest in self.blobs.get(place, ())


@dataclass(slots=True)
class BlobStep:
    """A blob that `target` lacks. `leads`: it is sent for this one; else it is mounted, when its leader is committed.

    `mountable` are repositories that have it committed from the start; `group` are those that mount from each other,
    None where the registry does not mount.
    """

    target: Place
    blob: Descriptor
    origins: list[Place]
    order: int
    leads: bool
    mountable: list[Place] = field(default_factory=list)
    group: Hashable | None = None


@dataclass(slots=True)
class PutStep:
    """A manifest to put, under each of its tags, after its blobs and the manifests that it needs."""

    wanted: Wanted
    order: int
    blobs: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def key(self) -> tuple[Place, str]:
        """(repository, digest)."""
        return self.wanted.target, self.wanted.manifest.digest


@dataclass(slots=True)
class CopyPlan:
    """The work, in order. `bytes_to_send` and `bytes_to_mount` count blobs."""

    puts: list[PutStep]
    blobs: list[BlobStep]

    @property
    def bytes_to_send(self) -> int:
        """Bytes of the blobs that are sent."""
        return sum(step.blob.size for step in self.blobs if step.leads)

    @property
    def bytes_to_mount(self) -> int:
        """Bytes of the blobs that come without being sent."""
        return sum(step.blob.size for step in self.blobs if not step.leads)


MountGroup = Callable[[Place], Hashable | None]


def make_plan(
    wanted: Sequence[Wanted],
    held: Held,
    *,
    mount_group: MountGroup,
    committed: Mapping[tuple[str, str], Iterable[Place]] | None = None,
    foreign_layers: bool = False,
) -> CopyPlan:
    """The plan for everything that is wanted and not held.

    `committed` are repositories that hold a blob already, {(registry, digest): places}.
    """
    levels = _levels(wanted)
    ordered = sorted(
        (item for item in wanted if item.tags or not held.has_manifest(item.target, item.manifest.digest)),
        key=lambda item: (
            levels[item.target, item.manifest.digest],
            sum(blob.size for blob in item.manifest.blobs),
            item.manifest.digest,
            item.target,
        ),
    )
    here = {(item.target, item.manifest.digest) for item in ordered}
    puts, blobs = [], []
    steps: dict[tuple[Place, str], BlobStep] = {}
    leaders: dict[tuple[Hashable, str], BlobStep] = {}
    for order, item in enumerate(ordered):
        place, manifest = item.target, item.manifest
        needed = []
        # A manifest that is there has its blobs; only its tag is missing.
        for blob in () if held.has_manifest(place, manifest.digest) else manifest.blobs:
            if (blob.is_foreign and not foreign_layers) or held.has_blob(place, blob.digest):
                continue
            needed.append(blob.digest)
            step = steps.get((place, blob.digest))
            if step is None:
                step = _step(item, blob, order, mount_group(place), leaders, committed or {})
                steps[place, blob.digest] = step
                blobs.append(step)
            step.origins += [origin for origin in item.origins if origin not in step.origins]
        after = [child.digest for child in manifest.children if (place, child.digest) in here]
        if manifest.subject and (place, manifest.subject) in here:
            after.append(manifest.subject)
        puts.append(PutStep(item, order, tuple(needed), tuple(after)))
    return CopyPlan(puts, blobs)


def _step(
    item: Wanted,
    blob: Descriptor,
    order: int,
    group: Hashable | None,
    leaders: dict[tuple[Hashable, str], BlobStep],
    committed: Mapping[tuple[str, str], Iterable[Place]],
) -> BlobStep:
    place = item.target
    if group is None:
        return BlobStep(place, blob, list(item.origins), order, leads=True)
    mountable = [at for at in committed.get((place.registry, blob.digest), ()) if at != place]
    leader = leaders.get((group, blob.digest))
    step = BlobStep(place, blob, list(item.origins), order, leader is None and not mountable, mountable, group)
    leaders.setdefault((group, blob.digest), step)
    return step


def _levels(wanted: Sequence[Wanted]) -> dict[tuple[Place, str], int]:
    """How many others each manifest has to come after: images 0, an index above its images, a referrer above its subject."""
    by_key = {(item.target, item.manifest.digest): item.manifest for item in wanted}
    levels: dict[tuple[Place, str], int] = {}
    for start in by_key:
        stack = [start]
        while stack:
            key = stack[-1]
            place, manifest = key[0], by_key[key]
            below = [(place, child.digest) for child in manifest.children]
            if manifest.subject:
                below.append((place, manifest.subject))
            missing = [other for other in below if other in by_key and other not in levels]
            # A digest cannot contain itself; a document that claims so is not followed.
            missing = [other for other in missing if other not in stack]
            if missing:
                stack.extend(missing)
                continue
            levels[key] = 1 + max((levels.get(other, 0) for other in below if other in by_key), default=-1)
            stack.pop()
    return levels
