"""What a run leaves behind while it is done: its pages, the decision between its two passes, its report. Over Storage.

runs/<run>/in-use.json           what the snapshots named when it began.
runs/<run>/planned/<page>.json   what a page would expire.
runs/<run>/decision.json         whether it may, and of which pages.
runs/<run>/expired/<page>.json   what a page did expire.
runs/<run>/report.json           the result
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from orchestrator.lifecycle.in_use import InUse
from orchestrator.lifecycle.ports import Storage
from orchestrator.lifecycle.tally import Tally, read_tally
from orchestrator.lifecycle.tasks import Run, Task

Pass = Literal["planned", "expired"]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page's task left: the shard of its cache and its tally."""

    shard: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Clearance:
    """What was found between the passes: why nothing expires ("" when something may), and of which pages it does."""

    stopped: str
    pages: tuple[int, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class RunState:
    """The objects of runs. Every method may raise PortError."""

    storage: Storage

    def is_done(self, task: Task, kind: Pass) -> bool:
        """Was the page of this task done, with the same repositories?"""
        content = self.storage.get(_key(task.run, kind, task.page))
        return content is not None and json.loads(content)["shard"] == task.shard

    def done_keys(self, run: Run, kind: Pass) -> Collection[str]:
        """The keys of the pages that are there."""
        return set(self.storage.keys(f"runs/{run.id}/{kind}/"))

    def is_among(self, task: Task, kind: Pass, keys: Collection[str]) -> bool:
        """As is_done, for keys that were listed: only what is listed is read."""
        return _key(task.run, kind, task.page) in keys and self.is_done(task, kind)

    def keep_page(self, task: Task, kind: Pass, tally: Tally) -> None:
        """The page of this task is done."""
        self._put(_key(task.run, kind, task.page), {"shard": task.shard, "tally": tally.document()})

    def page(self, task: Task, kind: Pass) -> Page | None:
        """What was kept of this task's page; None before it was done."""
        content = self.storage.get(_key(task.run, kind, task.page))
        if content is None:
            return None
        document = json.loads(content)
        return Page(document["shard"], read_tally(document["tally"]))

    def pages(self, run: Run, kind: Pass, numbers: Iterable[int]) -> tuple[dict[int, Page], list[int]]:
        """({page: what was kept of it}, the pages that are missing)."""
        there = self.done_keys(run, kind)
        found, missing = {}, []
        for number in numbers:
            page = self.page(Task("plan", run, number), kind) if _key(run, kind, number) in there else None
            if page is None:
                missing.append(number)
            else:
                found[number] = page
        return found, missing

    def in_use(self, run: Run) -> InUse | None:
        """What was in use when the run began; None where that was not kept."""
        content = self.storage.get(f"runs/{run.id}/in-use.json")
        if content is None:
            return None
        document = json.loads(content)
        since = document.get("since")
        tags = {(row[0], row[1]): row[2] for row in document["tags"]}
        return InUse(document["digests"], tags, datetime.fromisoformat(since) if since else None)

    def keep_in_use(self, run: Run, in_use: InUse) -> None:
        """Keep it, so that a page reads one object in place of every cluster's snapshot."""
        rows = [[repository, tag, who] for (repository, tag), who in in_use.tags.items()]
        since = in_use.since.isoformat() if in_use.since else None
        self._put(f"runs/{run.id}/in-use.json", {"digests": dict(in_use.digests), "tags": rows, "since": since})

    def decision(self, run: Run) -> Clearance | None:
        """What was decided; None before that."""
        content = self.storage.get(f"runs/{run.id}/decision.json")
        if content is None:
            return None
        document = json.loads(content)
        return Clearance(document["stopped"], tuple(document["pages"]), read_tally(document["tally"]))

    def keep_decision(self, run: Run, decision: Clearance) -> None:
        """The run is decided."""
        self._put(
            f"runs/{run.id}/decision.json",
            {"stopped": decision.stopped, "pages": decision.pages, "tally": decision.tally.document()},
        )

    def so_far(self, run: Run, waiting: Iterable[Task]) -> tuple[Tally, str]:
        """(results of a run that has not ended, with those that waiting tasks carry along; why nothing expires)."""
        decision = self.decision(run)
        kind: Pass = "expired" if decision else "planned"
        total = decision.tally if decision else Tally()
        for key in self.done_keys(run, kind):
            content = self.storage.get(key)
            if content is not None:
                total.add(read_tally(json.loads(content)["tally"]))
        for task in waiting:
            total.add(task.tally or Tally())
        return total, decision.stopped if decision else ""

    def report(self, run: Run) -> dict[str, Any] | None:
        """The report of a run that ended; None before that."""
        content = self.storage.get(report_key(run.id))
        return None if content is None else dict(json.loads(content))

    def keep_report(self, run: Run, report: dict[str, object]) -> None:
        """The run ended."""
        self._put(report_key(run.id), report)

    def _put(self, key: str, document: object) -> None:
        self.storage.put(key, json.dumps(document).encode())


def _key(run: Run, kind: Pass, page: int) -> str:
    return f"runs/{run.id}/{kind}/{page}.json"


def report_key(run_id: str) -> str:
    """Where the report of a finished run is."""
    return f"runs/{run_id}/report.json"
