"""What a run from here finds, kept for printing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.cli import messages
from orchestrator.counts import counted
from orchestrator.lifecycle.evaluate import Evaluation, stored_bytes
from orchestrator.lifecycle.expire import Expired


@dataclass(slots=True)
class Collector:
    """Sees every repository: keeps what would expire, or would but for the guard, and shows how far a run is."""

    progress: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    guarded_rows: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    kept_rows: list[dict[str, Any]] = field(default_factory=list)
    lists_kept: bool = False
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
        self._keep(evaluation)
        if self.progress and self.seen % 200 == 0:
            messages.tell(f"{self.seen} repositories read, {counted(len(self.rows), 'image')} would expire")

    def _keep(self, evaluation: Evaluation) -> None:
        """Count why images stay, in kinds; with `lists_kept` note each one."""
        going = {decision.image.digest for decision in evaluation.expired}
        held_back = "the guard" if evaluation.guarded else "the repository is skipped"
        for decision in evaluation.decided.decisions:
            if decision.image.digest in going:
                continue
            because = held_back if decision.verdict == "expire" else decision.because
            self.kept[because] += 1
            if self.lists_kept:
                reason = evaluation.skipped if decision.verdict == "expire" else decision.reason
                self.kept_rows.append(
                    {
                        "repository": evaluation.repository,
                        "digest": decision.image.digest,
                        "tags": list(decision.image.tags),
                        "because": because,
                        "reason": reason,
                    }
                )

    def expired(self, repository: str, expired: Expired) -> None:
        if self.progress and expired.images:
            messages.tell(f"{repository}: {counted(expired.images, 'image')} expired")

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
