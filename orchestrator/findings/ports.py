"""What scan findings asks of the world: images, their scans, storage, a topic, and the runtime that it is in.

The function brings `orchestrator.aws.ports`, tests bring simulations. Types only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from orchestrator.findings.message import Message
from orchestrator.lifecycle.ports import Storage
from orchestrator.lifecycle.units import Image


class Images(Protocol):
    """The images of one registry. Every method may raise PortError, and GoneError."""

    def describe(self, repository: str, digests: Sequence[str]) -> Sequence[Image]:
        """These images as they are now; those that do not exist are left out."""

    def manifests(self, repository: str, digests: Sequence[str]) -> Mapping[str, str]:
        """{digest: manifest} of these images; those that do not exist are left out."""


class Scanner(Protocol):
    """The scans of one registry. Every method may raise PortError, with ECR's own code."""

    def start(self, repository: str, digest: str) -> None:
        """Start a basic scan of an image."""

    def finding_pages(self, repository: str, digest: str) -> Iterator[Mapping[str, Any]]:
        """What its scan found, a page at a time, as `read_findings` takes it."""


class VersionedStorage(Storage, Protocol):
    """Objects that several write at once. Every method may raise PortError."""

    def read(self, key: str) -> tuple[bytes | None, str | None]:
        """(the object, its version); both None when there is none."""

    def replace(self, key: str, content: bytes, version: str | None) -> bool:
        """Put the object in place of that version; False when somebody else wrote since."""


class Topic(Protocol):
    """Where messages go."""

    def publish(self, message: Message, severity: str) -> None:
        """Publish one message. Raises PortError."""


class Runtime(Protocol):
    """Clock, log and pauses of where the function runs."""

    def now(self) -> datetime:
        """The time, in UTC."""
        ...

    def log(self, level: str, message: str, **fields: object) -> None:
        """Write one line of JSON with the message and its fields."""
        ...

    def pause(self, most: float) -> None:
        """Wait for a random part of `most` seconds."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All of them, for one invocation."""

    images: Images
    scanner: Scanner
    storage: VersionedStorage
    topic: Topic
    runtime: Runtime
