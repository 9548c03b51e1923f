"""What happens during a copy, as values: for a bar, a line or a count. Called from many threads, one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.oci.ports import Place


@dataclass(frozen=True, slots=True)
class Waiting:
    """A registry limits its rate: nothing is asked of it for `seconds`."""

    registry: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class SourceRead:
    """One source was read to its end: `done` of `total` references, and bytes that its image has."""

    source: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Moved:
    """`count` more bytes of a blob arrived in the target."""

    target: Place
    digest: str
    count: int


@dataclass(frozen=True, slots=True)
class BlobDone:
    """A blob is in the target: sent, or mounted from another repository without a byte."""

    target: Place
    digest: str
    size: int
    mounted: bool


@dataclass(frozen=True, slots=True)
class ManifestDone:
    """A manifest is in the target, under its tag or (tag "") by its digest."""

    target: Place
    digest: str
    tag: str


@dataclass(frozen=True, slots=True)
class Retried:
    """Something went wrong and is tried again."""

    what: str
    why: str


Event = Waiting | SourceRead | Moved | BlobDone | ManifestDone | Retried
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listens to nothing."""
