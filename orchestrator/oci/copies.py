"""What is to be copied, and what became of it: the values that the copier takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.errors import OrchestratorError
from orchestrator.oci.ports import Place
from orchestrator.routes.reference import ImageReference


@dataclass(frozen=True, slots=True)
class Copy:
    """One image: from where to where. `platforms` (`linux/amd64`) make a smaller index; none keeps everything.

    Without a tag in `target` the image is put by its digest. A digest in `target` is ignored: the source decides.
    """

    source: ImageReference
    target: ImageReference
    platforms: tuple[str, ...] = ()

    @property
    def source_place(self) -> Place:
        """The repository that it comes from."""
        return Place(self.source.registry, self.source.repository)

    @property
    def target_place(self) -> Place:
        """The repository that it goes to."""
        return Place(self.target.registry, self.target.repository)

    @property
    def source_reference(self) -> str:
        """What is asked for at the source: the digest, else the tag, else `latest`."""
        return self.source.digest or self.source.tag or "latest"

    @property
    def target_tag(self) -> str:
        """The tag at the target, or "" when only a digest was named at the source."""
        return self.target.tag or (self.source.tag or "" if self.source.digest else self.source.tag or "latest")


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """`referrers`: signatures and attestations come too. `recheck`: seconds after which those of an unchanged image
    are looked for again. `threads`: requests under way at most; each holds at most two pieces of 256 KiB.
    `accept(repository, digest)` raises OrchestratorError for an image of a source that must not be copied.
    """

    referrers: bool = True
    foreign_layers: bool = False
    threads: int = 32
    recheck: float = 3600.0
    verify: bool = True
    accept: Callable[[Place, str], None] | None = None


class CopyState(StrEnum):
    """Of one copy. MISSING and STALE are what a plan says; COPIED, UNCHANGED and FAILED what a run ends with."""

    MISSING = "missing"
    STALE = "stale"
    UNCHANGED = "unchanged"
    COPIED = "copied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Loss:
    """A signature or attestation that could not come: its digest or tag, the manifest it belongs to, and why."""

    target: Place
    digest: str
    subject: str
    kind: str
    why: str


@dataclass(slots=True)
class CopyResult:
    """What became of one copy. `digest` is what the target's tag names now; `moved` is where the source's tag went
    during the copy, or ""; `other_digest` says that a selection of platforms made the digest differ from the source's.
    """

    copy: Copy
    state: CopyState
    digest: str = ""
    error: OrchestratorError | None = None
    lost: list[Loss] = field(default_factory=list)
    moved: str = ""
    other_digest: bool = False
    signatures: int = 0


@dataclass(slots=True)
class CopyReport:
    """A whole run. Bytes are of blobs: `sent` over the wire to targets, `mounted` without; `refused_mounts` counts those
    that the target did not grant. `requests` is {registry: {action: count}}, `throttled` the number of 429s.
    """

    results: list[CopyResult]
    sent: int = 0
    mounted: int = 0
    blobs_sent: int = 0
    blobs_mounted: int = 0
    refused_mounts: int = 0
    manifests: int = 0
    seconds: float = 0.0
    requests: dict[str, dict[str, int]] = field(default_factory=dict)
    throttled: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything is in its target, signatures included."""
        return all(result.state is not CopyState.FAILED and not result.lost for result in self.results)

    @property
    def lost(self) -> list[Loss]:
        """Every signature that could not come, once."""
        return list(dict.fromkeys(loss for result in self.results for loss in result.lost))
