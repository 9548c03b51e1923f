"""One copy while it is read: its root, every manifest that belongs to it, and where its signatures stand. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.errors import OrchestratorError
from orchestrator.oci.copies import Copy, CopyResult, CopyState
from orchestrator.oci.copy_plan import Held, Wanted
from orchestrator.oci.errors import Absent
from orchestrator.oci.manifest import Manifest
from orchestrator.oci.ports import Place


@dataclass(slots=True)
class CopyTree:
    """One copy under way: its result so far, its root, and every manifest that belongs to it.

    `known` are manifests that an earlier run has verified in the target. `signatures` {digest: (subject, tag or "")}.
    """

    copy: Copy
    result: CopyResult
    root: Manifest | None = None
    source_digest: str = ""
    manifests: dict[str, Manifest] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    signatures: dict[str, tuple[str, str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    settled: bool = False

    @property
    def live(self) -> bool:
        """Whether there is more to find out."""
        return self.result.error is None and not self.settled

    def fail(self, error: OrchestratorError) -> None:
        """Nothing more is done for this copy."""
        self.result.error = error
        self.result.state = CopyState.FAILED


@dataclass(slots=True)
class Discovered:
    """What was found: the copies, the manifests that targets shall hold, and what they do."""

    trees: list[CopyTree]
    wanted: list[Wanted]
    held: Held
    committed: dict[tuple[str, str], list[Place]]


def missing_child(digest: str, error: OrchestratorError) -> OrchestratorError:
    """What is wrong with an image of an index. Some indexes list platforms that nobody has pushed."""
    if not isinstance(error, Absent):
        return error
    return Absent(
        f"An index lists {digest}, which its registry does not have.",
        status=error.status,
        code=error.code,
        why=error.what,
        remedy="Name the platforms that are there: --platform linux/amd64.",
    )
