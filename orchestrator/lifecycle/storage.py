"""Storages of one process: in memory, and another storage with snapshots from files beside its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.lifecycle.in_use import InvalidSnapshotError, parse_snapshot, snapshot_key
from orchestrator.lifecycle.ports import Storage


@dataclass(slots=True)
class MemoryStorage:
    """The state of a run that one process does by itself."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        """The object, None when there is none."""
        return self.objects.get(key)

    def put(self, key: str, content: bytes) -> None:
        """Keep the object; an earlier one of this key is replaced."""
        self.objects[key] = content

    def keys(self, prefix: str) -> Iterable[str]:
        """The keys that begin with `prefix`."""
        return [key for key in self.objects if key.startswith(prefix)]

    def earlier(self, key: str, since: datetime) -> bytes | None:  # noqa: ARG002 - the port's
        """None: nothing is kept of what was replaced."""
        return None


@dataclass(frozen=True, slots=True)
class WithFiles:
    """A storage to which snapshots from files are added."""

    storage: Storage
    files: dict[str, bytes]

    def get(self, key: str) -> bytes | None:
        """The file of that key, else the object, None when there is neither."""
        return self.files[key] if key in self.files else self.storage.get(key)

    def put(self, key: str, content: bytes) -> None:
        """Keep the object in the storage; files are left alone."""
        self.storage.put(key, content)

    def earlier(self, key: str, since: datetime) -> bytes | None:
        """The storage's: files have no earlier versions."""
        return self.storage.earlier(key, since)

    def keys(self, prefix: str) -> Iterable[str]:
        """The keys of both that begin with `prefix`."""
        return sorted({*self.storage.keys(prefix), *(key for key in self.files if key.startswith(prefix))})


def with_files(storage: Storage, snapshots: Mapping[str, Sequence[tuple[datetime, bytes]]]) -> WithFiles:
    """The storage with {cluster: its snapshots in files}: what any of them or the storage's own names is in use.

    The newest of a cluster takes the place that is looked at for its age, the others stand beside it.
    """
    files = {}
    for cluster, given in snapshots.items():
        held = storage.get(snapshot_key(cluster))
        found = [*given, *([(_taken(held), held)] if held is not None else [])]
        for number, (_, content) in enumerate(sorted(found, key=lambda one: one[0], reverse=True)):
            files[snapshot_key(f"{cluster}+{number}" if number else cluster)] = content
    return WithFiles(storage, files)


def _taken(content: bytes) -> datetime:
    """When the snapshot was taken; the beginning of time for what is none, which the manager then says."""
    try:
        return parse_snapshot(content).taken
    except InvalidSnapshotError:
        return datetime.min.replace(tzinfo=UTC)
