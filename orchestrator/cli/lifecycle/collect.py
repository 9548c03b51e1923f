"""What the lifecycle commands share: the manager's ports on a person's machine, and what is collected for printing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.aws.ports import ThreadedHost
from orchestrator.errors import RefusedInput
from orchestrator.files.directory_storage import DirectoryStorage
from orchestrator.lifecycle.evaluate import Evaluation, stored_bytes
from orchestrator.lifecycle.expire import Expired
from orchestrator.lifecycle.in_use import snapshot_key
from orchestrator.lifecycle.manager import Manager
from orchestrator.lifecycle.ports import Storage

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.lifecycle.settings import Settings


# Of each kind of trouble so many lines.
LISTED = 30


class ConsoleHost(ThreadedHost):
    """The clock and threads; of the log what people must see, to stderr, and no metrics."""

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(environment="", namespace="")
        self._verbose = verbose

    def log(self, level: str, message: str, **fields: object) -> None:  # noqa: ARG002
        # Errors are in the report, which is printed at the end.
        if level == "WARNING" or self._verbose:
            click.echo(f"{level.lower()}: {message}", err=True)

    def metrics(self, values: object) -> None:
        """None: they are the function's."""


@dataclass(frozen=True, slots=True)
class WithFiles:
    """A storage to which snapshots from files are added."""

    storage: Storage
    files: dict[str, bytes]

    def get(self, key: str) -> bytes | None:
        return self.files[key] if key in self.files else self.storage.get(key)

    def put(self, key: str, content: bytes) -> None:
        self.storage.put(key, content)

    def keys(self, prefix: str) -> Iterable[str]:
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
    from orchestrator.lifecycle.in_use import InvalidSnapshotError, parse_snapshot

    try:
        return parse_snapshot(content).taken
    except InvalidSnapshotError:
        return datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Collector:
    """Sees every repository: keeps what would expire, or would but for the guard, and shows how far a run is."""

    progress: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    guarded_rows: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)
    seen: int = 0

    def evaluated(self, evaluation: Evaluation) -> None:
        self.seen += 1
        self.images[evaluation.repository] = len(evaluation.images)
        rows = self.guarded_rows if evaluation.guarded else self.rows
        for decision in evaluation.decided.expired if evaluation.guarded else evaluation.expired:
            image = decision.image
            rows.append(
                {
                    "repository": evaluation.repository,
                    "digest": image.digest,
                    "tags": list(image.tags),
                    "bytes": stored_bytes(image),
                    "pushed": image.pushed_at.isoformat(),
                    "last_pull": image.pulled_at.isoformat() if image.pulled_at else None,
                    "reason": decision.reason,
                    "action": evaluation.retention.expire_action,
                }
            )
        if self.progress and self.seen % 200 == 0:
            click.echo(f"{self.seen} repositories read, {len(self.rows)} images would expire", err=True)

    def expired(self, repository: str, expired: Expired) -> None:
        if self.progress and expired.images:
            click.echo(f"{repository}: {expired.images} images expired", err=True)

    def repositories(self) -> list[dict[str, Any]]:
        """What would expire by repository, the biggest first."""
        return self._grouped(self.rows)

    def guarded_repositories(self) -> list[dict[str, Any]]:
        """The same of the repositories that the guard holds back."""
        return self._grouped(self.guarded_rows)

    def _grouped(self, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        grouped: dict[str, list[dict[str, Any]]] = {}
        for row in found:
            grouped.setdefault(row["repository"], []).append(row)
        rows = [
            {
                "repository": name,
                "images": self.images[name],
                "expiring": len(images),
                "bytes": sum(image["bytes"] for image in images),
                "expire": images,
            }
            for name, images in grouped.items()
        ]
        return sorted(rows, key=lambda row: (-row["bytes"], row["repository"]))


def node_roles(environment: Environment) -> list[str]:
    """Names of roles whose pulls must go on counting."""
    pools = environment.machine_pools.values()
    return [*environment.node_role_names, *(pool.instance_profile for pool in pools)]


def snapshot_files(paths: Sequence[Path], settings: Settings) -> dict[str, list[tuple[datetime, bytes]]]:
    """{cluster: [(taken, content)]} of snapshots in files. Raises RefusedInput for what is none, and for stale ones.

    Of a declared cluster a stale one stops the expiry and not the command, as it does in the bucket.
    """
    from orchestrator.lifecycle.in_use import InvalidSnapshotError, parse_snapshot, snapshot_problem

    files: dict[str, list[tuple[datetime, bytes]]] = {}
    for path in paths:
        content = path.read_bytes()
        try:
            snapshot = parse_snapshot(content)
        except InvalidSnapshotError as error:
            raise RefusedInput(
                f"{path} is no snapshot of a cluster.",
                why=f"{error}.",
                remedy="`orchestrator images NAME --cluster --snapshot FILE` writes one.",
            ) from error
        problem = snapshot_problem(snapshot, datetime.now(UTC), settings.snapshot_limit)
        if problem and snapshot.cluster not in settings.clusters:
            raise RefusedInput(
                f'{path} is a snapshot of cluster "{snapshot.cluster}" that cannot be relied on: {problem}.',
                why="What the cluster runs since is not in it, and would be judged by its pull times alone.",
                remedy="Write it again: `orchestrator images NAME --cluster --snapshot FILE`.",
            )
        files.setdefault(snapshot.cluster, []).append((snapshot.taken, content))
    return files


def open_storage(
    session: AwsSession, environment: Environment, settings: Settings, folder: Path, snapshots: Sequence[Path]
) -> tuple[Storage, str, list[str]]:
    """(the manager's storage, where it is, notes): the environment's bucket when it exists, else a folder."""
    from orchestrator.aws.lifecycle_calls import bucket_storage
    from orchestrator.aws.translation import explained
    from orchestrator.functions.variables import bucket_of

    bucket, notes = bucket_of(environment), []
    storage: Storage | None = bucket_storage(session, bucket) if bucket else None
    where = f"s3://{bucket}"
    if storage is None:
        if bucket:
            notes.append(f"The bucket {bucket} does not exist yet; {folder} is used in its place.")
        storage, where = DirectoryStorage(folder), str(folder)
    files = snapshot_files(snapshots, settings)
    with explained(environment.name, "s3", what="The snapshots of clusters cannot be read."):
        return (with_files(storage, files) if files else storage), where, notes


def run_manager(environment: str, manager: Manager, seed: str, **options: Any) -> dict[str, Any]:
    """A run's report. Raises OrchestratorError for what stops the whole run."""
    from orchestrator.aws.translation import explained

    with explained(environment, "ecr"):
        report: dict[str, Any] = manager.start(seed, **options)
    return report


def write_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2, default=str))


def describe_settings(settings: Settings) -> str:
    """One line of what the default retention is."""
    retention = settings.retentions.default
    parts = [
        f"not pulled for {retention.expire_unpulled_days} days" if retention.expire_unpulled_days else "no age limit",
        f"at least {retention.keep_at_least} kept",
        *([f"at most {retention.keep_at_most} kept"] if retention.keep_at_most else []),
        *([f"untagged after {retention.untagged_days} days"] if retention.untagged_days else []),
        *([f"{len(settings.retentions.overrides)} overrides"] if settings.retentions.overrides else []),
    ]
    return ", ".join(parts)


def print_trouble(document: dict[str, Any], *, err: bool = False) -> None:
    """Which repositories the guard stopped, which were skipped, which failed; and notes, these always to stderr."""
    for kind, said in (("guarded", "guard"), ("skipped", "skipped"), ("failed", "failed")):
        for repository, reason in list(document[kind].items())[:LISTED]:
            click.echo(f"{said}: {repository}: {reason}", err=err)
        if len(document[kind]) > LISTED:
            click.echo(f"{said}: {len(document[kind]) - LISTED} more repositories (--json shows all)", err=err)
    for note in document["notes"]:
        click.echo(f"note: {note}", err=True)


def readable_size(size: int) -> str:
    """`1.5 GB`: bytes in the largest unit of 1024 that fits."""
    for unit, scale in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
