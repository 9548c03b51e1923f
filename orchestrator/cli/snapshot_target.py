"""Where `images --snapshot` writes: a file, or an object in S3; and what is there before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import messages
from orchestrator.cli.project_session import project_session
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.replace import write_whole
from orchestrator.lifecycle.in_use import snapshot_key

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project

S3 = "s3://"
_FORM = f"{S3}<bucket>/{snapshot_key('<cluster>')}"


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A snapshot in a file."""

    path: Path

    def held(self) -> bytes | None:
        """What is there; None where nothing is."""
        try:
            if self.path.exists() and not self.path.is_file():
                raise RefusedInput(f"--snapshot {self.path} is there and is no file.", remedy="Name a file.")
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OrchestratorError(f"{self.path} cannot be read: {error.strerror}.") from error

    def write(self, text: str) -> None:
        """Put the snapshot in its place."""
        write_whole(self.path, text.encode())


@dataclass(frozen=True, slots=True)
class SnapshotObject:
    """A snapshot in a bucket."""

    session: AwsSession
    bucket: str
    key: str
    region: str

    def held(self) -> bytes | None:
        """What is there; None where nothing is, or it may not be read, which is said."""
        from orchestrator.aws.snapshot_object import read_snapshot

        held, problem = read_snapshot(self.session, self.bucket, self.key, region=self.region)
        if problem:
            text = "whether the snapshot that is there is of another cluster is not known"
            messages.note(f"{text}: it may not be read ({problem})")
        return held

    def write(self, text: str) -> None:
        """Put the snapshot in its place."""
        from orchestrator.aws.snapshot_object import put_snapshot

        put_snapshot(self.session, self.bucket, self.key, text, region=self.region)


def parse_target(snapshot: str) -> Path | tuple[str, str]:
    """A file, or (bucket, key). Raises RefusedInput."""
    if not snapshot.startswith(S3):
        if not snapshot or re.match("[A-Za-z][A-Za-z0-9+.-]*://", snapshot):
            raise RefusedInput(
                f'--snapshot "{snapshot}" is neither a file nor an object in S3.',
                remedy=f"Name a file, or write {_FORM}.",
            )
        return Path(snapshot)
    bucket, _, key = snapshot.removeprefix(S3).partition("/")
    if not bucket or not key or key.endswith("/"):
        raise RefusedInput(f'--snapshot "{snapshot}" names no object.', remedy=f"Write {_FORM}.")
    return bucket, key


def open_target(
    project: Project, environment: Environment, target: Path | tuple[str, str], *, local: bool
) -> SnapshotFile | SnapshotObject:
    """The target with what it takes to reach it."""
    if isinstance(target, Path):
        return SnapshotFile(target)
    session = project_session(project, environment, local=local)
    return SnapshotObject(session, *target, environment.registry.region)
