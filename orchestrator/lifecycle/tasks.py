"""The pieces that a run is made of, as messages of the queue carry them. Pure.

    plan    read a page of repositories and note what would expire
    gather  when all pages are there: the account's guard, then a message for each page where something expires
    expire  read those repositories again and expire
    finish  when all pages are there: the report

Each may arrive twice or late, and may be done again without harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fractions import Fraction
from hashlib import sha256
from typing import Any, Literal

from orchestrator.lifecycle.expiry_guard import Guard
from orchestrator.lifecycle.ports import CacheRule
from orchestrator.lifecycle.tally import Tally, read_tally

VERSION = 1
PAGE = 200
# Seconds after which it is first looked whether all pages are there.
GATHER_AFTER = 10
Kind = Literal["plan", "gather", "expire", "finish"]
_KINDS = ("plan", "gather", "expire", "finish")


class PoisonedMessageError(ValueError):
    """The message is no task of this version; it will not become one by being tried again."""


@dataclass(frozen=True, slots=True)
class Run:
    """What holds for a whole run. `allow` is the fraction that a person allowed to expire, None as the settings say.

    `insists`: a person asked for no dry run, whatever the settings say.
    """

    id: str
    started: datetime
    dry_run: bool
    allow: float | None
    rules: tuple[CacheRule, ...]
    pages: int = 0
    insists: bool = False

    def guard(self, settings: Guard) -> Guard | None:
        """The guard of this run; None where everything is allowed."""
        if self.allow is None:
            return settings
        return None if self.allow >= 1 else Guard(Fraction(str(self.allow)), Fraction(str(self.allow)))


@dataclass(frozen=True, slots=True)
class Task:
    """One piece. `page` numbers it, `shard` names its cache, `tally` what earlier parts of the same page found.

    `attempt` counts how often a gathering found pages missing, or how often a page made no headway.
    """

    kind: Kind
    run: Run
    page: int = 0
    shard: str = ""
    repositories: tuple[str, ...] = ()
    tally: Tally | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Next:
    """A task to do after `delay` seconds."""

    task: Task
    delay: int = 0


def dump_task(task: Task) -> str:
    """The task as a message."""
    run = asdict(task.run) | {
        "started": task.run.started.isoformat(),
        "rules": [asdict(rule) for rule in task.run.rules],
    }
    document = {
        "version": VERSION,
        "kind": task.kind,
        "run": run,
        "page": task.page,
        "shard": task.shard,
        "repositories": list(task.repositories),
        "tally": task.tally.document() if task.tally else None,
        "attempt": task.attempt,
    }
    return json.dumps(document, separators=(",", ":"))


def parse_task(text: str) -> Task:
    """The task of a message. Raises PoisonedMessageError."""
    try:
        return _task(json.loads(text))
    except PoisonedMessageError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise PoisonedMessageError(f"{type(error).__name__}: {error}") from error


def _task(document: Any) -> Task:
    if document["version"] != VERSION or document["kind"] not in _KINDS:
        raise PoisonedMessageError(f"version {document['version']!r}, kind {document['kind']!r}")
    names = document["repositories"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PoisonedMessageError("repositories is no list of names")
    return Task(
        kind=document["kind"],
        run=_run(document["run"]),
        page=int(document["page"]),
        shard=_name(document["shard"]) if document["shard"] else "",
        repositories=tuple(names),
        tally=read_tally(document["tally"]) if document["tally"] is not None else None,
        attempt=int(document["attempt"]),
    )


def _run(document: Any) -> Run:
    started = datetime.fromisoformat(document["started"])
    if started.tzinfo is None or not isinstance(document["dry_run"], bool):
        raise PoisonedMessageError("the run has no time with zone, or its dry_run is neither true nor false")
    return Run(
        id=_name(document["id"]),
        started=started,
        dry_run=document["dry_run"],
        allow=None if document["allow"] is None else float(document["allow"]),
        rules=tuple(CacheRule(**rule) for rule in document["rules"]),
        pages=int(document["pages"]),
        insists=bool(document.get("insists", False)),
    )


def _name(value: object) -> str:
    """A part of a key; anything that could lead elsewhere is refused."""
    if not isinstance(value, str) or not value or not all(char.isalnum() or char in "-_" for char in value):
        raise PoisonedMessageError(f"{value!r} is no name")
    return value


def pages_of(run: Run, repositories: Sequence[str]) -> list[Task]:
    """A plan task for each page: repositories by the hash of their names, so that a page keeps its cache.

    A repository stays on its page as long as the number of repositories does not double or halve.
    """
    bits = max(0, (len(repositories) - 1) // PAGE).bit_length()
    shards: dict[int, list[str]] = {}
    for name in repositories:
        number = int(sha256(name.encode()).hexdigest()[:8], 16) >> (32 - bits)
        shards.setdefault(number, []).append(name)
    run = replace(run, pages=len(shards))
    return [
        Task("plan", run, page=page, shard=f"{bits}-{number:x}", repositories=tuple(names))
        for page, (number, names) in enumerate(sorted(shards.items()))
    ]


def run_id(now: datetime, seed: str) -> str:
    """A run's name: its time and what started it; one event delivered twice has one name."""
    return f"{now:%Y%m%d}-{sha256(seed.encode()).hexdigest()[:12]}"


def messages(tasks: Iterable[Next]) -> dict[int, list[str]]:
    """{delay: messages} of tasks."""
    grouped: dict[int, list[str]] = {}
    for following in tasks:
        grouped.setdefault(following.delay, []).append(dump_task(following.task))
    return grouped
