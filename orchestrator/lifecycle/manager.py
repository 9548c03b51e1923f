"""The lifecycle manager: a run from start to report, here or spread over the queue, and answers to events.

start ─► few repositories: every task here, what the deadline leaves over goes to the queue
      └► more than one page of DescribeRepositories: a message for each page, and one that gathers them
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.lifecycle.index_cache import IndexCache
from orchestrator.lifecycle.policy_keeper import PolicyKeeper
from orchestrator.lifecycle.ports import ROOT, GoneError, Host, PortError, Queue, Registry, Storage, Upstreams
from orchestrator.lifecycle.provenance import Provenance, evidence_key
from orchestrator.lifecycle.run_state import RunState, report_key
from orchestrator.lifecycle.settings import Settings
from orchestrator.lifecycle.storage import MemoryStorage
from orchestrator.lifecycle.tasks import (
    GATHER_AFTER,
    Next,
    Run,
    Task,
    messages,
    pages_of,
    parse_task,
    run_id,
)
from orchestrator.lifecycle.upstream_names import CachedNames, cached_names
from orchestrator.lifecycle.work import Observer, Work

# What one invocation takes on by itself: one page of DescribeRepositories.
FAN_OUT_ABOVE = 1000
# A repository that an event names is looked at where it is new and small. A run looks at the others.
ASKED_OF_EVENTS = 50


class Manager:
    """One invocation's manager. `storage` is None without a bucket: then nothing is expired."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        storage: Storage | None,
        queue: Queue | None,
        host: Host,
        upstreams: Upstreams | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._registry = registry
        self._storage = storage
        # Without storage the pages of a run could not be gathered.
        self._queue = queue if storage is not None else None
        self._host = host
        self._observer = observer

    def start(
        self,
        seed: str,
        *,
        dry_run: bool | None = None,
        allow: float | None = None,
        started: datetime | None = None,
        state: Storage | None = None,
    ) -> dict[str, object]:
        """Start a run and answer its report, or that it was spread over the queue.

        `seed` names what started it: the same one twice is the same run. `allow` is the fraction of images that may
        expire in place of the guard's. `state` may hold pages of the run that `seed` and `started` name, which are
        not read again.
        """
        now = started or self._host.now()
        names = cached_names(self._registry.rules(), self._settings.routes)
        self._log(f"Found pull-through cache prefixes: {names.prefixes}", prefixes=names.prefixes)
        run = Run(
            id=run_id(now, seed),
            started=now,
            dry_run=self._settings.dry_run if dry_run is None else dry_run,
            allow=allow,
            rules=names.rules,
            insists=dry_run is False,
        )
        self._host.metrics(dict.fromkeys(("Expired", "BytesFreed", "RepositoriesFailed", "GuardTripped"), 0))
        repositories = self._repositories(names) if names.rules else []
        tasks = pages_of(run, repositories)
        run = replace(run, pages=len(tasks))
        gather = Task("gather", run)
        if self._queue is not None and self._storage is not None and len(repositories) > FAN_OUT_ABOVE:
            work = self._work(self._storage)
            self._report_snapshots(work)
            RunState(self._storage).keep_in_use(run, work.used().in_use)
            self._send([*map(Next, tasks), Next(gather, GATHER_AFTER)])
            self._log(f"Spread {len(repositories)} repositories over {len(tasks)} messages", run=run.id)
            return self._spread(run, len(repositories), len(tasks))
        return self._here(run, [*tasks, gather], state or MemoryStorage())

    def work(self, message: str) -> None:
        """Do one message of the queue. Raises PoisonedMessageError for what is none, PortError when it should be tried again."""
        task = parse_task(message)
        if self._storage is None or self._queue is None:
            raise PortError("NoBucket", "a message of the queue needs BUCKET and QUEUE_URL")
        self._send(self._work(self._storage).do(task))

    def _work(self, state: Storage) -> Work:
        return Work(self._settings, self._registry, self._storage, state, self._host, self._upstreams, self._observer)

    def cached_event(self, repository: str, digest: str, tag: str) -> dict[str, object]:
        """ECR pulled an image into a repository: that both are the cache's is noted; it gets its native policy.

        `digest` and `tag` are empty where the event names none.
        """
        if self._storage is not None:
            self._storage.put(evidence_key(repository), b"")
            if digest:
                self._storage.put(evidence_key(repository, digest=digest), b"")
            if tag:
                self._storage.put(evidence_key(repository, tag=tag), b"")
        return self.repository_event(repository)

    def repository_event(self, repository: str) -> dict[str, object]:
        """A repository was made or filled: it gets its native policy at once when policies are asked for."""
        if not self._settings.native_policy:
            return {"repository": repository, "applied": 0, "reason": "no native policy is asked for"}
        names = cached_names(self._registry.rules(), self._settings.routes)
        if not names.is_cached(repository, self._settings.retentions, self._settings.own):
            return {"repository": repository, "applied": 0, "reason": "it lies below no pull-through cache prefix"}
        # The upstream is asked by the runs: most pushes below a cached prefix are the cache's, and told apart there.
        provenance = Provenance(self._settings, names.rules, None, self._storage)
        if provenance.doubt(repository, (), IndexCache()):
            return {"repository": repository, "applied": 0, "reason": "it is not known to be the cache's own yet"}
        return self._apply_policy(repository, provenance)

    def _apply_policy(self, repository: str, provenance: Provenance) -> dict[str, object]:
        """Put the native policy, where ECR named every image: its rules ask nobody before they delete."""
        keeper = PolicyKeeper(
            self._registry, self._host, self._settings.native_policy, provenance, dry_run=self._settings.dry_run
        )
        try:
            images = next(iter(self._registry.image_pages(repository)), ())
            if len(images) > ASKED_OF_EVENTS:
                return {"repository": repository, "applied": 0, "reason": "it is not new: the next run judges it"}
            unproved = provenance.unproved(repository, images)
            if unproved:
                reason = f"no event of ECR named its tag {unproved}: the next run judges it"
                return {"repository": repository, "applied": 0, "reason": reason}
            outcome = keeper.apply_to(repository, self._settings.retentions.of(repository))
        except GoneError:
            # Events come late: somebody deleted it meanwhile, and there is nothing left to do.
            return {"repository": repository, "applied": 0, "reason": "it is gone"}
        return {"repository": repository, "applied": outcome.applied, "preserved": outcome.preserved}

    def upstream_failed(self, detail: Mapping[str, Any]) -> dict[str, object]:
        """The cache could not refresh an image: a line for people and a number for the alarm."""
        name = str(detail.get("repository-name", ""))
        tag, code = str(detail.get("image-tag", "")), str(detail.get("failure-code", ""))
        self._host.log(
            "ERROR",
            f"Upstream sync failed for {name}:{tag} ({code})",
            repository=name,
            tag=tag,
            upstream=str(detail.get("upstream-registry-url", "")),
            code=code,
            reason=str(detail.get("failure-reason", ""))[:1000],
        )
        self._host.metrics({"UpstreamSyncFailed": 1})
        return {"repository": name, "upstream_sync_failed": 1}

    def _repositories(self, names: CachedNames) -> list[str]:
        """The cached repositories; a hundred thousand names are some megabytes, and the only thing kept of them."""
        found: list[str] = []
        for page in self._registry.repository_pages():
            found += [name for name in page if names.is_cached(name, self._settings.retentions, self._settings.own)]
        if ROOT in names.prefixes:
            self._log("Below ROOT only repositories that an override of the retention names are taken for cached")
        return found

    def _here(self, run: Run, tasks: Sequence[Task], state: Storage) -> dict[str, object]:
        """Do every task in this process; what the deadline leaves over goes to the queue."""
        work = self._work(state)
        self._report_snapshots(work)
        kept = RunState(state)
        done = kept.done_keys(run, "planned")
        waiting = deque(task for task in tasks if task.kind != "plan" or not kept.is_among(task, "planned", done))
        while waiting:
            if self._host.remaining() <= 0:
                return self._continue_later(run, list(waiting), work, state)
            waiting.extend(following.task for following in work.do(waiting.popleft()))
        report = kept.report(run)
        assert report is not None, "a run that ends has its report"
        return report

    def _continue_later(self, run: Run, tasks: list[Task], work: Work, state: Storage) -> dict[str, object]:
        done, stopped = RunState(state).so_far(run, tasks)
        if self._queue is None or self._storage is None:
            self._host.log("WARNING", "The deadline came first and there is no queue: the next run begins anew")
            report = work.report(run, done, "the deadline came first and there is no queue to continue in")
            return report | {"continued": False}
        for key in state.keys(f"runs/{run.id}/"):
            content = state.get(key)
            if content is not None:
                self._storage.put(key, content)
        self._send([Next(task, GATHER_AFTER if task.kind in ("gather", "finish") else 0) for task in tasks])
        self._log(f"The deadline came first: {len(tasks)} tasks continue in the queue", run=run.id)
        return work.report(run, done, stopped) | {"continued": True, "tasks": len(tasks)}

    def _spread(self, run: Run, repositories: int, pages: int) -> dict[str, object]:
        return {
            "run": run.id,
            "environment": self._settings.environment,
            "started": run.started.isoformat(timespec="seconds"),
            "dry_run": run.dry_run,
            "prefixes": sorted(rule.prefix for rule in run.rules),
            "repositories": repositories,
            "fanned_out": pages,
            "report": report_key(run.id),
        }

    def _report_snapshots(self, work: Work) -> None:
        used = work.used()
        for problem in used.problems:
            self._host.log("ERROR", f"Nothing is expired: {problem}")
        for note in used.notes:
            self._log(note[:1].upper() + note[1:])
        self._host.metrics({"SnapshotStale": len(used.problems)})

    def _send(self, following: Sequence[Next]) -> None:
        assert self._queue is not None
        for delay, texts in sorted(messages(following).items()):
            self._queue.send(texts, delay=delay)

    def _log(self, message: str, **fields: object) -> None:
        self._host.log("INFO", message, **fields)
