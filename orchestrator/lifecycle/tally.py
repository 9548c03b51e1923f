"""What a run found and did, added up: of one page of repositories, of several, of all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

# A report must fit into a function's answer, and a page's tally into a message.
MAX_LISTED = 1000
MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """A repository of which something would expire: its images, those that would go and their bytes."""

    repository: str
    images: int
    expiring: int
    size: int


@dataclass(slots=True)
class Tally:
    """Counts in images and bytes; `failed`, `skipped` and `guarded` are {repository: reason}.

    `refused`: images that ECR would not delete; `kept`: pulled or re-tagged between decision and deletion.
    """

    repositories: int = 0
    images: int = 0
    size: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    guarded: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    policies_applied: int = 0
    policies_removed: int = 0
    policies_preserved: int = 0
    expired: int = 0
    expired_size: int = 0
    kept: int = 0
    gone: int = 0
    refused: int = 0

    @property
    def expiring(self) -> int:
        """Images that would expire."""
        return sum(candidate.expiring for candidate in self.candidates)

    @property
    def expiring_size(self) -> int:
        """Bytes of all candidates."""
        return sum(candidate.size for candidate in self.candidates)

    def add(self, other: Tally) -> None:
        """Count `other` in."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, int):
                setattr(self, each.name, mine + theirs)
            elif isinstance(mine, list):
                mine += theirs
            else:
                mine.update(theirs)

    def fail(self, repository: str, reason: str) -> None:
        """Note a repository's failure."""
        self.failed[repository] = reason[:MAX_TEXT]

    def document(self) -> dict[str, object]:
        """The tally as JSON holds it, for read_tally."""
        return asdict(self) | {"candidates": [list(_row(candidate)) for candidate in self.candidates]}

    def summary(self) -> dict[str, object]:
        """The tally as people read it: lists cut, the biggest candidates first."""
        biggest = sorted(self.candidates, key=lambda candidate: (-candidate.size, candidate.repository))
        listed = {
            name: dict(list(getattr(self, name).items())[:MAX_LISTED]) for name in ("skipped", "guarded", "failed")
        }
        return {
            **asdict(self),
            **listed,
            "candidates": [asdict(candidate) for candidate in biggest[:100]],
            "expiring": self.expiring,
            "expiring_size": self.expiring_size,
            "repositories_failed": len(self.failed),
            "repositories_skipped": len(self.skipped),
        }


def read_tally(document: object) -> Tally:
    """The tally of a document that `document()` made; raises ValueError, TypeError or KeyError for any other."""
    if not isinstance(document, Mapping):
        raise ValueError("a tally is an object")  # noqa: TRY004
    tally = Tally(**document)
    tally.candidates = [Candidate(str(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in tally.candidates]  # type: ignore[index]
    return tally


def _row(candidate: Candidate) -> tuple[str, int, int, int]:
    return candidate.repository, candidate.images, candidate.expiring, candidate.size
