"""Where a run from here reads snapshots and writes its audit: the environment's bucket, a folder, or files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import RefusedInput
from orchestrator.files.directory_storage import DirectoryStorage
from orchestrator.files.named_files import read_given
from orchestrator.lifecycle.ports import Storage

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.lifecycle.settings import Settings


def snapshot_files(paths: Sequence[Path], settings: Settings) -> dict[str, list[tuple[datetime, bytes]]]:
    """{cluster: [(taken, content)]} of snapshots in files. Raises RefusedInput for what is none, and for stale ones.

    Of a declared cluster a stale one stops the expiry and not the command, as it does in the bucket.
    """
    from orchestrator.lifecycle.in_use import InvalidSnapshotError, parse_snapshot, snapshot_problem

    files: dict[str, list[tuple[datetime, bytes]]] = {}
    for path in paths:
        try:
            content = read_given(path)
        except OSError as error:
            why = f"{error.strerror}."
            raise RefusedInput(f"{path} cannot be read.", why=why, remedy="Name the file of a snapshot.") from error
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
                why="Images that the cluster runs since are not in it, and would be judged by their pull times alone.",
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
    from orchestrator.lifecycle.storage import with_files

    bucket, notes = bucket_of(environment), []
    storage: Storage | None = bucket_storage(session, bucket) if bucket else None
    where = f"s3://{bucket}"
    if storage is None:
        if bucket:
            notes.append(f"The bucket {bucket} does not exist yet; {folder} is used in its place.")
        storage, where = DirectoryStorage(folder), str(folder)
    files = snapshot_files(snapshots, settings)
    with explained(session, "s3", what="The snapshots of clusters cannot be read."):
        return (with_files(storage, files) if files else storage), where, notes
