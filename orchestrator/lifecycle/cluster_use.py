"""Snapshots from storage -> what is in use, and why expiry must stop when that is not known. Uses only Storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.counts import counted
from orchestrator.lifecycle.in_use import (
    NOTHING_IN_USE,
    SNAPSHOTS,
    InUse,
    InvalidSnapshotError,
    Snapshot,
    images_in_use,
    parse_snapshot,
    snapshot_key,
    snapshot_problem,
)
from orchestrator.lifecycle.ports import PortError, Storage
from orchestrator.lifecycle.settings import Settings

# A snapshot is measured against the versions of so many days that named at least so many images.
MEASURED_DAYS = 7
SMALLEST = 5
BY_PULL_TIME_ALONE = "no cluster is declared: images are judged by their pull times alone"


@dataclass(frozen=True, slots=True)
class ClusterUse:
    """What is in use. With `problems` nothing may expire; `notes` are for people."""

    in_use: InUse
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load_cluster_use(storage: Storage | None, settings: Settings, now: datetime) -> ClusterUse:
    """What the snapshots in `storage` name: of the declared clusters, which must be fresh, and any other that is there.

    A snapshot of an undeclared cluster can only keep more, so it counts, however old it is. A note
    says that it is not relied on.
    """
    if storage is None:
        needed = settings.clusters or settings.snapshot_required
        if needed:
            return ClusterUse(NOTHING_IN_USE, ("there is no bucket to read the snapshots of clusters from",))
        return ClusterUse(NOTHING_IN_USE, notes=(BY_PULL_TIME_ALONE,))
    wanted = {snapshot_key(cluster): cluster for cluster in settings.clusters}
    problems: list[str] = []
    notes: list[str] = []
    snapshots: list[Snapshot] = []
    fresh = 0
    since: datetime | None = None
    try:
        others = sorted(key for key in storage.keys(SNAPSHOTS) if key not in wanted and key.endswith(".json"))
    except PortError as error:
        return ClusterUse(NOTHING_IN_USE, (f"the snapshots of clusters cannot be listed: {error}",))
    for key in (*wanted, *others):
        problem, snapshot = _read(storage, key, wanted.get(key), settings, now)
        if snapshot:
            snapshots.append(snapshot)
            fresh += not problem
            if key in wanted:
                since = min(since or snapshot.taken, snapshot.taken)
        if problem and key in wanted:
            writes = f"orchestrator images {settings.environment or 'NAME'} --cluster --snapshot s3://{settings.bucket or 'BUCKET'}/{key}"
            problems.append(
                f'snapshot of cluster "{wanted[key]}": {problem} (`{writes}` writes it; '
                "`orchestrator manifests --for usage` makes the CronJob that does)"
            )
        elif problem and snapshot is None:
            # It may be one that matters: a cluster that was renamed, a file that was cut short.
            problems.append(f"{key}: {problem}")
        elif problem and snapshot:
            notes.append(f'snapshot of "{snapshot.cluster}", a cluster that is not declared: {problem}')
    if settings.snapshot_required and not settings.clusters:
        problems.append("a snapshot is required but no cluster is declared")
    elif not settings.clusters and not fresh:
        notes.append(BY_PULL_TIME_ALONE)
    return ClusterUse(replace(images_in_use(snapshots), since=since), tuple(problems), tuple(notes))


def _read(
    storage: Storage, key: str, cluster: str | None, settings: Settings, now: datetime
) -> tuple[str, Snapshot | None]:
    """(what is wrong with it, the snapshot)."""
    try:
        content = storage.get(key)
    except PortError as error:
        return f"it cannot be read: {error}", None
    if content is None:
        return "it is missing", None
    try:
        snapshot = parse_snapshot(content)
    except InvalidSnapshotError as error:
        return f"it cannot be used: {error}", None
    if not snapshot.images:
        # Every cluster runs something: somebody looked without the right to see it.
        return "it names no image", snapshot
    if cluster is not None and snapshot.cluster != cluster:
        return f'it is one of cluster "{snapshot.cluster}"', snapshot
    problem = snapshot_problem(snapshot, now, settings.snapshot_limit)
    return problem or (_shrunk(storage, key, snapshot, now) if cluster is not None else ""), snapshot


def _shrunk(storage: Storage, key: str, snapshot: Snapshot, now: datetime) -> str:
    """Why the snapshot names too few images to be believed: less than half of one of the last days.

    A role without the right to see every namespace writes a fresh, whole and much too small snapshot.
    """
    try:
        content = storage.earlier(key, now - timedelta(days=MEASURED_DAYS))
        earlier = parse_snapshot(content) if content is not None else None
    except PortError as error:
        return f"its earlier versions cannot be read: {error}"
    except InvalidSnapshotError:
        return ""
    if earlier is None or earlier.cluster != snapshot.cluster or len(earlier.images) < SMALLEST:
        return ""
    before, now_named = len(earlier.images), len(snapshot.images)
    if now_named * 2 >= before:
        return ""
    return (
        f"it names {counted(now_named, 'image')}, and the one of {earlier.taken:%Y-%m-%d %H:%M} UTC named {before}. Was it written "
        f"without the right to see every namespace? Its names are believed {MEASURED_DAYS} days after that one, or "
        f"when that version is deleted from the bucket"
    )
