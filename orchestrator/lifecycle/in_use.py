"""What clusters use: the snapshot that `orchestrator images --cluster --snapshot` writes, and the question asked of it.

A snapshot is JSON, version 1:

    {"version": 1, "cluster": "prod", "taken": "2026-07-01T02:00:00Z",
     "images": [{"reference": "nginx:1.27", "target": "<registry>/docker-hub/library/nginx:1.27",
                 "digests": ["sha256:..."], "workloads": ["Deployment/default/web"]}],
     "uid": "1b9cda2e-..."}

`reference` is as written in the workload. `target` is what the route table makes of it (null: it stays). `digests` is
what nodes report to run. `uid`, of the namespace kube-system, tells the cluster from any other; it is missing
where it could not be read. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

VERSION = 1
# Where the bucket has the snapshots.
SNAPSHOTS = "snapshots/"
# A snapshot may come from a machine whose clock is a little ahead; one from further ahead cannot be trusted.
CLOCK_SKEW = timedelta(minutes=5)
DEFAULT_TAG = "latest"
SHOWN = 80  # characters of a wrong value

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class InvalidSnapshotError(ValueError):
    """The text is no snapshot of this version."""


@dataclass(frozen=True, slots=True)
class UsedImage:
    """One image that a cluster uses, with the workloads that name it, such as `Deployment/default/web`."""

    reference: str
    target: str | None
    digests: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `cluster` used at `taken` (aware); `uid` is the cluster's own, "" when it is not known."""

    cluster: str
    taken: datetime
    images: tuple[UsedImage, ...]
    uid: str = ""


def dump_snapshot(snapshot: Snapshot) -> str:
    """The snapshot as JSON text, the same for the same content: images by reference, lists sorted."""
    images = sorted(snapshot.images, key=lambda image: (image.reference, image.target or "", image.digests))
    document: dict[str, object] = {
        "version": VERSION,
        "cluster": snapshot.cluster,
        "taken": snapshot.taken.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "images": [
            {
                "reference": image.reference,
                "target": image.target,
                "digests": sorted(set(image.digests)),
                "workloads": sorted(set(image.workloads)),
            }
            for image in images
        ],
    }
    if snapshot.uid:
        document["uid"] = snapshot.uid
    return json.dumps(document, indent=1) + "\n"


def snapshot_key(cluster: str) -> str:
    """Key of a cluster's snapshot in the bucket: `snapshots/<cluster>.json`."""
    return f"{SNAPSHOTS}{cluster}.json"


def parse_snapshot(text: str | bytes) -> Snapshot:
    """The snapshot of `text`. Raises InvalidSnapshotError, with the member at fault: half of one is not used."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSnapshotError(f"not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise InvalidSnapshotError("not a JSON object")
    if document.get("version") != VERSION or isinstance(document.get("version"), bool):
        raise InvalidSnapshotError(f"version is {_short(document.get('version'))}, not {VERSION}")
    cluster, images, uid = document.get("cluster"), document.get("images"), document.get("uid")
    if not isinstance(cluster, str) or not cluster:
        raise InvalidSnapshotError("cluster is no name")
    if not isinstance(images, list):
        raise InvalidSnapshotError("images is no list")
    if uid is not None and not isinstance(uid, str):
        raise InvalidSnapshotError("uid is no text")
    parsed = tuple(_image(image, f"images[{index}]") for index, image in enumerate(images))
    return Snapshot(cluster, _taken(document.get("taken")), parsed, uid or "")


def _taken(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        # The first and the last year have hours that are in no year of UTC.
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidSnapshotError(f"taken is {_short(value)}, not a time with its zone such as 2026-07-01T02:00:00Z")


def _short(value: object) -> str:
    """The value as JSON, as much of it as a message needs."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _image(value: object, path: str) -> UsedImage:
    if not isinstance(value, Mapping):
        raise InvalidSnapshotError(f"{path} is no object")
    reference, target = value.get("reference"), value.get("target")
    if not isinstance(reference, str) or not reference:
        raise InvalidSnapshotError(f"{path}.reference is no image reference")
    if target is not None and not isinstance(target, str):
        raise InvalidSnapshotError(f"{path}.target is neither an image reference nor null")
    digests = _strings(value.get("digests", []), f"{path}.digests")
    for digest in digests:
        if not _DIGEST.fullmatch(digest):
            raise InvalidSnapshotError(f"{path}.digests: {_short(digest)} is no sha256 digest")
    return UsedImage(reference, target, digests, _strings(value.get("workloads", []), f"{path}.workloads"))


def _strings(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InvalidSnapshotError(f"{path} is no list of strings")
    return tuple(value)


def snapshot_problem(snapshot: Snapshot, now: datetime, limit: timedelta) -> str:
    """Why the snapshot must not be relied on at `now`; empty when it may. At exactly its limit it still may."""
    age = now - snapshot.taken
    if age > limit:
        hours = age.total_seconds() / 3600
        return f"it is {hours:.1f} hours old, the limit is {limit.total_seconds() / 3600:g}"
    if age < -CLOCK_SKEW:
        return f"it was taken at {snapshot.taken:%Y-%m-%dT%H:%M:%SZ}, which is in the future"
    return ""


@dataclass(frozen=True, slots=True)
class InUse:
    """The union of snapshots: {digest: who}, {(repository, tag): who}; `who` is a cluster and one of its workloads.

    A digest counts in every repository, and a repository on every registry host: both can only keep more. `since` is
    the time of the oldest required snapshot. It does not know what runs since then.
    """

    digests: Mapping[str, str]
    tags: Mapping[tuple[str, str], str]
    since: datetime | None = None

    def user_of(self, repository: str, digest: str, tags: Iterable[str]) -> str:
        """Who uses the image, such as `prod: Deployment/default/web`; empty when nobody does."""
        found = self.digests.get(digest)
        if found is None and self.tags:
            found = next((self.tags[repository, tag] for tag in tags if (repository, tag) in self.tags), None)
        return found or ""


NOTHING_IN_USE = InUse({}, {})


def images_in_use(snapshots: Iterable[Snapshot]) -> InUse:
    """What the snapshots name.

    Both the reference as written and its target count, a tag beside a digest too, and no tag means `latest`.
    """
    by_digest: dict[str, str] = {}
    by_tag: dict[tuple[str, str], str] = {}
    for snapshot in snapshots:
        for image in snapshot.images:
            who = f"{snapshot.cluster}: {image.workloads[0] if image.workloads else image.reference}"
            for digest in image.digests:
                by_digest.setdefault(digest, who)
            for reference in filter(None, (image.reference, image.target)):
                repository, tag, digest = _split(reference)
                if digest:
                    by_digest.setdefault(digest, who)
                if tag or not digest:
                    by_tag.setdefault((repository, tag or DEFAULT_TAG), who)
    return InUse(by_digest, by_tag)


def _split(reference: str) -> tuple[str, str, str]:
    """(repository without host, tag, digest). The references were parsed when the snapshot was written."""
    name, _, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    host, _, rest = f"{head}{slash}{last}".partition("/")
    is_host = bool(rest) and ("." in host or ":" in host or host == "localhost")
    return (rest if is_host else f"{head}{slash}{last}"), tag, digest
