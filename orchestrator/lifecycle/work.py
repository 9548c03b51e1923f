"""The work of each task of a run, over the ports: a task in, the tasks after it out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from orchestrator.counts import counted
from orchestrator.lifecycle.audit import audit_prefix
from orchestrator.lifecycle.cluster_use import ClusterUse, load_cluster_use
from orchestrator.lifecycle.evaluate import Evaluation, Evaluator, no_more_than, stored_bytes
from orchestrator.lifecycle.expire import Expired, Expirer
from orchestrator.lifecycle.expiry_guard import exceeds
from orchestrator.lifecycle.failure import Failure, failure_of
from orchestrator.lifecycle.in_use import InUse
from orchestrator.lifecycle.policy_keeper import PolicyKeeper, PolicyOutcome
from orchestrator.lifecycle.ports import Host, Registry, Storage, Upstreams
from orchestrator.lifecycle.provenance import Provenance
from orchestrator.lifecycle.run_state import Clearance, Page, RunState
from orchestrator.lifecycle.settings import Settings
from orchestrator.lifecycle.stored_caches import StoredCaches
from orchestrator.lifecycle.tally import Candidate, Tally
from orchestrator.lifecycle.tasks import GATHER_AFTER, Next, Run, Task
from orchestrator.lifecycle.units import Image
from orchestrator.lifecycle.upstream_names import cached_names

T = TypeVar("T")
# How long a gathering waits for pages that do not come: seconds before each look. In all they are longer than the queue
# takes to give a message up (its receives times its visibility timeout). So a page that failed can still come.
WAITS = (30, 60, 120, 240, 480, *(900,) * 6)
# A page that made no headway in so many invocations has a repository that does not fit into one.
STUCK = 2
# Snapshots are read again when they were read longer ago than this.
USED_SECONDS = 120
# An older decision is not carried out any more: its message may leave the dead-letter queue days later.
RUN_AGE = timedelta(days=1)


class Observer(Protocol):
    """Who wants to see each repository: the commands do."""

    def evaluated(self, evaluation: Evaluation) -> None:
        """What was decided about a repository."""

    def expired(self, repository: str, expired: Expired) -> None:
        """What was then deleted or archived in it."""


class Work:
    """Does tasks. `state` is where the pages of a run are kept, `storage` the bucket with snapshots, caches and audit."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        storage: Storage | None,
        state: Storage,
        host: Host,
        upstreams: Upstreams | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._registry = registry
        self._storage = storage
        self._caches = StoredCaches(storage, host)
        self._state = RunState(state)
        self._host = host
        self._observer = observer
        self._used: tuple[datetime, ClusterUse] | None = None

    def do(self, task: Task) -> list[Next]:
        """Do the task; what follows from it. Raises PortError when not even that could be found out.

        A message whose page is done already is not done again. Its tally would say that nothing was left.
        """
        if (task.kind == "plan" and self._state.is_done(task, "planned")) or (
            task.kind == "expire" and self._state.is_done(task, "expired")
        ):
            return []
        work = {"plan": self._plan, "gather": self._gather, "expire": self._expire, "finish": self._finish}
        return work[task.kind](task)

    def used(self) -> ClusterUse:
        """What is in use, as the snapshots say now."""
        now = self._host.now()
        if self._used is None or (now - self._used[0]).total_seconds() > USED_SECONDS:
            self._used = (now, load_cluster_use(self._storage, self._settings, now))
        return self._used[1]

    def may_expire(self, run: Run) -> str:
        """Why nothing may be expired in this run; empty when it may. Of a dry run: why it could not be a real one."""
        if self._settings.dry_run and not run.dry_run and not run.insists:
            return "dry run, since the run began"
        if self._host.now() - run.started > RUN_AGE:
            return "the run began more than a day ago"
        if self._state.report(run) is not None:
            return "the run has ended already"
        if self._storage is None:
            return "there is no bucket for the audit"
        return "; ".join(self.used().problems)

    # plan

    def _plan(self, task: Task) -> list[Next]:
        cache = self._caches.read(task.shard)
        evaluator = self._evaluator(task.run, self._state.in_use(task.run) or self.used().in_use)
        native, dry = self._settings.native_policy, bool(task.run.dry_run)
        keeper = PolicyKeeper(self._registry, self._host, native, evaluator.provenance, dry_run=dry)
        tally, now = task.tally or Tally(), self._host.now()

        def judge(name: str) -> tuple[Evaluation, PolicyOutcome]:
            retention = self._settings.retentions.of(name)
            evaluation = evaluator.evaluate(name, retention, cache, task.run.started)
            return evaluation, keeper.keep(evaluation, cache, now)

        left = dict.fromkeys(task.repositories)
        for name, outcome in self._each(judge, task.repositories):
            if isinstance(outcome, Failure):
                if self._note(name, outcome, tally):
                    del left[name]
                continue
            del left[name]
            evaluation, policy = outcome
            cache.learn(evaluation.children)
            if policy.settled:
                cache.settle_policy(name, policy.settled, now)
            self._count(evaluation, policy, tally)
            if self._observer:
                self._observer.evaluated(evaluation)
        if not left and task.tally is None and not tally.failed:
            # Only who saw the whole page knows what is not there any more.
            cache.forget_unseen()
        self._caches.keep(task.shard, cache)
        if left:
            return self._rest(task, tuple(left), tally)
        self._state.keep_page(task, "planned", tally)
        return []

    def _count(self, evaluation: Evaluation, policy: PolicyOutcome, tally: Tally) -> None:
        name, expired = evaluation.repository, evaluation.expired
        tally.repositories += 1
        tally.images += len(evaluation.images)
        tally.size += _bytes(evaluation.images)
        tally.policies_applied += policy.applied
        tally.policies_removed += policy.removed
        tally.policies_preserved += policy.preserved
        if evaluation.guarded:
            self._guarded(evaluation, tally)
        elif evaluation.skipped:
            tally.skipped[name] = evaluation.skipped
        if expired:
            size = _bytes(decision.image for decision in expired)
            tally.candidates.append(Candidate(name, len(evaluation.images), len(expired), size))

    # gather

    def _gather(self, task: Task) -> list[Next]:
        run = task.run
        planned, missing = self._state.pages(run, "planned", range(run.pages))
        decision = self._state.decision(run)
        if decision is None:
            if missing and task.attempt < len(WAITS):
                return [Next(replace(task, attempt=task.attempt + 1), WAITS[task.attempt])]
            decision = self._decide(run, planned, missing)
            self._state.keep_decision(run, decision)
        # Also when it was decided before: whoever decided may have died before it could send these.
        expiring = [
            Task("expire", run, page, stored.shard, tuple(each.repository for each in stored.tally.candidates))
            for page, stored in planned.items()
            if page in decision.pages
        ]
        finish = Task("finish", run)
        return [*map(Next, expiring), Next(finish, GATHER_AFTER if expiring else 0)]

    def _decide(self, run: Run, planned: Mapping[int, Page], missing: Collection[int]) -> Clearance:
        """Whether what the pages found may expire, with the guard of the account between."""
        total = Tally()
        for stored in planned.values():
            total.add(stored.tally)
        for page in missing:
            self._fail(f"page {page}", "its repositories could not be read; see the dead-letter queue", total)
        if not missing:
            # Half of the pages would read as a cache that shrank.
            self._host.metrics(
                {"CachedRepositories": total.repositories, "CachedImages": total.images, "CachedBytes": total.size}
            )
        stopped = self.may_expire(run) or self._account_guard(run, total)
        pages = (
            () if stopped or run.dry_run else tuple(page for page, stored in planned.items() if stored.tally.candidates)
        )
        return Clearance(stopped, pages, total)

    def _account_guard(self, run: Run, total: Tally) -> str:
        guard = run.guard(self._settings.guard)
        if guard is None or not exceeds(total.expiring, total.images, guard.account):
            return ""
        reason = (
            f"guard: {total.expiring} of the {total.images} images of all cached repositories would expire, more than "
            f"{float(guard.account):g} of them (--allow-fraction, max_expire_fraction_account)"
        )
        self._host.log("ERROR", f"{reason.capitalize()}; nothing expires", run=run.id)
        self._host.metrics({"GuardTripped": 1})
        return reason

    # expire

    def _expire(self, task: Task) -> list[Next]:
        tally = task.tally or Tally()
        stop = "dry run" if task.run.dry_run else self.may_expire(task.run)
        if self.used().problems:
            # It became stale after the run had begun.
            self._host.metrics({"SnapshotStale": len(self.used().problems)})
        if stop or self._storage is None:
            for name in task.repositories:
                tally.skipped[name] = f"stopped: {stop}"
            self._state.keep_page(task, "expired", tally)
            return []
        names = cached_names(task.run.rules, self._settings.routes)
        evaluator = self._evaluator(task.run, self.used().in_use)
        expirer = Expirer(self._registry, self._storage, self._host, names, task.run.id, self._settings.environment)

        cache = self._caches.read(task.shard)
        page = self._state.page(task, "planned")
        planned = {each.repository: each.expiring for each in page.tally.candidates} if page else {}

        def expire(name: str) -> tuple[Evaluation, Expired, Failure | None]:
            retention = self._settings.retentions.of(name)
            # By the time of the plan: time that passed in between makes nothing older than it was judged to be.
            evaluation = evaluator.evaluate(name, retention, cache, task.run.started)
            evaluation = no_more_than(evaluation, planned.get(name, 0))
            expired = Expired()
            try:
                expirer.expire(evaluation, expired)
            except Exception as error:
                # The deletions until then count.
                return evaluation, expired, failure_of(error)
            return evaluation, expired, None

        left = dict.fromkeys(task.repositories)
        headway = False
        for name, outcome in self._each(expire, task.repositories):
            if isinstance(outcome, Failure):
                if self._note(name, outcome, tally):
                    del left[name]
                continue
            evaluation, expired, failure = outcome
            headway = headway or bool(expired.images)
            self._count_expired(evaluation, expired, tally)
            if failure:
                self._note(name, failure, tally)
            if not expired.unfinished:
                del left[name]
        if left:
            return self._rest(task, tuple(left), tally, headway=headway)
        self._state.keep_page(task, "expired", tally)
        return []

    def _count_expired(self, evaluation: Evaluation, expired: Expired, tally: Tally) -> None:
        name = evaluation.repository
        if evaluation.guarded:
            self._guarded(evaluation, tally)
        elif evaluation.skipped:
            tally.skipped[name] = evaluation.skipped
        tally.expired += expired.images
        tally.expired_size += expired.size
        tally.kept += expired.kept
        tally.gone += expired.gone
        tally.refused += len(expired.refused)
        if expired.images:
            self._host.log(
                "INFO",
                f"Expired {counted(expired.images, 'image')} of {name}",
                repository=name,
                images=expired.images,
                bytes=expired.size,
            )
            self._host.metrics({"Expired": expired.images, "BytesFreed": expired.size})
        if expired.refused:
            digest, reason = next(iter(expired.refused.items()))
            self._fail(
                name,
                f"{counted(len(expired.refused), 'image was', 'images were')} not deleted, the first {digest}: {reason}",
                tally,
            )
        if self._observer:
            self._observer.expired(name, expired)

    # finish

    def _finish(self, task: Task) -> list[Next]:
        run = task.run
        if self._state.report(run) is not None:
            return []
        decision = self._state.decision(run) or Clearance("its decision is missing", (), Tally())
        expired, missing = self._state.pages(run, "expired", decision.pages)
        if missing and task.attempt < len(WAITS):
            return [Next(replace(task, attempt=task.attempt + 1), WAITS[task.attempt])]
        total = decision.tally
        for stored in expired.values():
            total.add(stored.tally)
        for page in missing:
            self._fail(f"page {page}", "its repositories were not finished; see the dead-letter queue", total)
        report = self.report(run, total, decision.stopped)
        self._state.keep_report(run, report)
        level = "ERROR" if total.failed else "INFO"
        self._host.log(level, f"Processed {total.repositories} pull-through cache repositories", report=report)
        # A day without it is an alarm.
        self._host.metrics({"RunsFinished": 1})
        return []

    def report(self, run: Run, total: Tally, stopped: str) -> dict[str, object]:
        """The result that people and `lifecycle invoke` see."""
        used = self.used()
        return {
            "run": run.id,
            "environment": self._settings.environment,
            "started": run.started.isoformat(timespec="seconds"),
            "finished": self._host.now().isoformat(timespec="seconds"),
            "dry_run": run.dry_run,
            "stopped": "" if run.dry_run else stopped,
            "would_stop": stopped if run.dry_run else "",
            "audit": audit_prefix(run.id),
            "prefixes": sorted(rule.prefix for rule in run.rules),
            "processed": total.repositories,
            **total.summary(),
            "notes": [*used.notes, *(f"not in a position to expire: {problem}" for problem in used.problems)],
        }

    # what they share

    def _each(self, function: Callable[[str], T], names: Iterable[str]) -> Iterator[tuple[str, T | Failure]]:
        """(name, result or failure), as they come; names are no longer taken once the deadline is near."""

        def guarded(name: str) -> T | Failure:
            try:
                return function(name)
            except Exception as error:
                return failure_of(error)

        def in_time() -> Iterator[str]:
            for name in names:
                if self._host.remaining() <= 0:
                    return
                yield name

        return self._host.each(guarded, in_time())

    def _note(self, name: str, failure: Failure, tally: Tally) -> bool:
        """Note the failure; False when the repository is only unfinished."""
        if failure.unfinished:
            return False
        if failure.gone:
            tally.skipped[name] = failure.reason
            self._host.log("INFO", f"{name} was deleted meanwhile, skipping", repository=name)
        else:
            self._fail(name, failure.reason, tally)
        return True

    def _guarded(self, evaluation: Evaluation, tally: Tally) -> None:
        name = evaluation.repository
        tally.guarded[name] = evaluation.skipped
        self._host.log("ERROR", f"Guard: {name}: {evaluation.skipped}; nothing expires there", repository=name)
        self._host.metrics({"GuardTripped": 1})

    def _fail(self, name: str, reason: str, tally: Tally) -> None:
        tally.fail(name, reason)
        self._host.log("ERROR", f"Failed to process {name}: {reason}", repository=name)
        self._host.metrics({"RepositoriesFailed": 1})

    def _rest(self, task: Task, left: tuple[str, ...], tally: Tally, *, headway: bool = False) -> list[Next]:
        """The task that continues this one. A page that makes no headway gives up its first repository."""
        if headway or len(left) < len(task.repositories):
            return [Next(replace(task, repositories=left, tally=tally, attempt=0))]
        if task.attempt >= STUCK:
            self._fail(left[0], "it takes longer than one invocation may", tally)
            return [Next(replace(task, repositories=left[1:], tally=tally, attempt=0))]
        return [Next(replace(task, tally=tally, attempt=task.attempt + 1))]

    def _evaluator(self, run: Run, in_use: InUse) -> Evaluator:
        provenance = Provenance(self._settings, run.rules, self._upstreams, self._storage)
        guard = run.guard(self._settings.guard)
        return Evaluator(self._registry, self._host, in_use, guard, provenance, self._settings.inspector)


def _bytes(images: Iterable[Image]) -> int:
    return sum(stored_bytes(image) for image in images)
