"""What the lifecycle manager asks of the world: a registry, storage, a queue, and the host that it runs on.

The Lambda and the commands bring `orchestrator.aws.ports`; tests and the benchmark bring simulations. Types only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from orchestrator.lifecycle.units import Image

T = TypeVar("T")
R = TypeVar("R")

# Of an image: it is there, it is not, only a login would tell, or no answer came this time.
UpstreamAnswer = Literal["served", "absent", "withheld", "silent"]
# The prefix of the rule that takes every repository that no other rule has.
ROOT = "ROOT"


class PortError(Exception):
    """The world refused a call: `code` such as AccessDeniedException, `message` in its own words."""

    def __init__(self, code: str, message: str = "", operation: str = "") -> None:
        super().__init__(f"{operation}: {code}: {message}" if operation else f"{code}: {message}")
        self.code = code
        self.message = message
        self.operation = operation


class GoneError(PortError):
    """The repository does not exist (any more)."""


@dataclass(frozen=True, slots=True)
class CacheRule:
    """A pull-through cache rule: its prefix without a trailing slash, or ROOT."""

    prefix: str
    upstream_url: str
    upstream_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An image that was not deleted, with the registry's code, such as ImageReferencedByManifestList."""

    digest: str
    code: str
    reason: str


class Registry(Protocol):
    """One account's ECR in one region. Every method may raise PortError, those about a repository GoneError."""

    def rules(self) -> Sequence[CacheRule]:
        """The pull-through cache rules of the registry."""

    def repository_pages(self) -> Iterator[Sequence[str]]:
        """The names of all repositories, a page at a time."""

    def image_pages(self, repository: str) -> Iterator[Sequence[Image]]:
        """All images, archived ones too, a page at a time."""

    def describe(self, repository: str, digests: Sequence[str]) -> Sequence[Image]:
        """These images (100 at most) as they are now; those that do not exist are left out."""

    def manifests(self, repository: str, digests: Sequence[str]) -> Mapping[str, str]:
        """{digest: manifest} of these images (100 at most); those that do not exist are left out."""

    def policy(self, repository: str) -> str | None:
        """The text of the lifecycle policy, None when there is none."""

    def put_policy(self, repository: str, text: str) -> None:
        """Set the lifecycle policy; an earlier one is replaced."""

    def delete_policy(self, repository: str) -> None:
        """Remove the lifecycle policy."""

    def delete(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        """Delete these images (100 at most) with all their tags; those that were not deleted."""

    def archive(self, repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        """Move these images to the archive; those that were not moved."""

    def in_use(self, repository: str) -> Mapping[str, str]:
        """{digest: who} that Amazon Inspector saw running; empty where it is not asked."""


class Storage(Protocol):
    """Objects by key: snapshots, audit, caches, the state of runs. Every method may raise PortError."""

    def get(self, key: str) -> bytes | None:
        """The object, None when there is none."""

    def put(self, key: str, content: bytes) -> None:
        """Keep the object; an earlier one of this key is replaced."""

    def keys(self, prefix: str) -> Iterable[str]:
        """The keys that begin with `prefix`."""

    def earlier(self, key: str, since: datetime) -> bytes | None:
        """Of the object's versions since then that were replaced the largest; None without one, or without versions."""


class Upstreams(Protocol):
    """The registries that images come from, asked without credentials."""

    def serves(self, host: str, repository: str, references: Sequence[str]) -> bool | None:
        """Has `host` one of these tags and digests of `repository`? None when it cannot be told."""

    def answer(self, host: str, repository: str, reference: str) -> UpstreamAnswer:
        """What `host` says when it is asked for one tag or digest of `repository`."""


class Queue(Protocol):
    """Where work for later invocations goes."""

    def send(self, messages: Sequence[str], *, delay: int = 0) -> None:
        """Send messages that arrive after `delay` seconds (900 at most). Raises PortError unless all were sent."""


class Host(Protocol):
    """Clock, deadline, log and parallelism of where the manager runs."""

    def now(self) -> datetime:
        """The time, in UTC."""

    def remaining(self) -> float:
        """Seconds until work must stop, with what it takes to stop cleanly taken off already."""

    def log(self, level: str, message: str, **fields: object) -> None:
        """One entry of the log; `fields` are its values by name."""

    def metrics(self, values: Mapping[str, int]) -> None:
        """Numbers for the metrics of the environment, by name."""

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        """(item, what `function` answers) as they come, several at a time; items are taken only when there is room."""
