"""`mirror --prune`: what lies below mirrors' prefixes and is on no list, judged and expired by the lifecycle core.

The stages: `listed_images` gathers every list, `Prune.preview` judges each repository, `Prune.execute` judges again and
expires. An image that is in use, protected, young, somebody's own or not to be had again stays, with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from orchestrator.cli.lifecycle.collector import Collector
from orchestrator.counts import counted
from orchestrator.lifecycle.audit import audit_prefix
from orchestrator.lifecycle.cluster_use import ClusterUse, load_cluster_use
from orchestrator.lifecycle.evaluate import Evaluation, Evaluator, no_more_than
from orchestrator.lifecycle.expire import Expired, Expirer
from orchestrator.lifecycle.expiry_guard import exceeds
from orchestrator.lifecycle.failure import Failure, failure_of
from orchestrator.lifecycle.in_use import InUse
from orchestrator.lifecycle.index_cache import IndexCache
from orchestrator.lifecycle.patterns import holds
from orchestrator.lifecycle.ports import CacheRule, UpstreamAnswer
from orchestrator.lifecycle.provenance import Provenance
from orchestrator.lifecycle.tasks import run_id
from orchestrator.lifecycle.upstream_names import CachedNames, UpstreamNames
from orchestrator.oci.errors import OciError

if TYPE_CHECKING:
    from orchestrator.cli.lifecycle.equipment import Equipment
    from orchestrator.environment.model import Environment
    from orchestrator.oci.registries import Registries
    from orchestrator.project import Project
    from orchestrator.routes.reference import ImageReference
    from orchestrator.routes.table import RouteTable

_TRIED = 3


def sharing_environments(project: Project, environment: Environment) -> list[Environment]:
    """The other environments whose clusters pull from the same registry. Raises for one that cannot be read.

    Images of such a file would be taken for images that nobody names.
    """
    others = [project.load(name) for name in project.environment_names() if name != environment.name]
    return [other for other in others if other.registry == environment.registry]


def listed_images(lists: Iterable[tuple[str, Iterable[tuple[ImageReference, ImageReference]]]]) -> InUse:
    """Names of lists in the registry: by repository and tag, or by digest where the source has one.

    Each list is (who lists it, [(source, target)]).
    """
    tags: dict[tuple[str, str], str] = {}
    digests: dict[str, str] = {}
    for who, pairs in lists:
        for source, target in pairs:
            tags.setdefault((target.repository, target.tag or "latest"), who)
            if source.digest:
                digests.setdefault(source.digest, who)
    return InUse(digests, tags)


@dataclass(frozen=True, slots=True)
class AskedSources:
    """The upstreams port over the sources of a copy, with their logins."""

    registries: Registries
    _silent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def serves(self, host: str, repository: str, references: Sequence[str]) -> bool | None:
        """Has `host` one of these tags and digests of `repository`? None when it cannot be told.

        Of a repository that could not be told three times nothing more is asked.
        """
        if self._silent[host, repository] >= _TRIED:
            return None
        try:
            registry = self.registries.of(host)
            return any(_names(each, registry.manifest_digest(repository, each)) for each in references)
        except OciError:
            self._silent[host, repository] += 1
            return None

    def answer(self, host: str, repository: str, reference: str) -> UpstreamAnswer:
        """What `host` says when it is asked for one tag or digest of `repository`."""
        answers: dict[bool | None, UpstreamAnswer] = {True: "served", False: "absent", None: "silent"}
        return answers[self.serves(host, repository, (reference,))]


def _names(reference: str, digest: str | None) -> bool:
    """Is there what `reference` names? A source that answers with another digest does not have it."""
    return digest is not None and (":" not in reference or digest == reference)


@dataclass(slots=True)
class Pruned:
    """What a preview found, and what was done then. `stopped` says why nothing may go at all."""

    collector: Collector
    evaluations: list[Evaluation]
    stopped: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    expired: int = 0
    expired_size: int = 0
    audit: str = ""

    @property
    def would_fail(self) -> bool:
        """Would pruning end with an error?"""
        return bool(self.failed or self.stopped)

    @property
    def going(self) -> list[dict[str, Any]]:
        """The images that would go: nothing when something stops the whole."""
        return [] if self.stopped else self.collector.rows


class Prune:
    """One pruning. `listed` is everything that a list names; `own` the repositories that environments make.

    `stopped` says why nothing may go, known before anything was read.
    """

    def __init__(
        self,
        equipment: Equipment,
        table: RouteTable,
        listed: InUse,
        own: Sequence[str],
        registries: Registries,
        allow_fraction: float | None,
        stopped: str = "",
    ) -> None:
        self._stopped = stopped
        self._equipment = equipment
        self._table = table
        self._listed = listed
        self._own = tuple(own)
        self._sources = AskedSources(registries)
        guard = equipment.settings.guard.account
        self._guard = guard if allow_fraction is None else Fraction(str(allow_fraction))
        self._started = equipment.host.now()
        self._run = run_id(self._started, f"prune {self._started.isoformat()}")

    def preview(self) -> Pruned:
        """Judge every repository below a mirror's prefix. Changes nothing. Raises PortError."""
        use = self._used()
        evaluator = self._evaluator(use)
        found = Pruned(Collector(progress=False, lists_kept=True), [], notes=[*self._equipment.notes, *use.notes])
        for name, outcome in self._equipment.host.each(lambda name: self._judge(evaluator, name), self._repositories()):
            if isinstance(outcome, Failure):
                if not outcome.gone:
                    found.failed[name] = outcome.reason
                continue
            found.evaluations.append(outcome)
        found.evaluations.sort(key=lambda each: each.repository)
        for each in found.evaluations:
            found.collector.evaluated(each)
        found.stopped = "; ".join(use.problems) or self._stopped or self._guarded(found)
        return found

    def execute(self, found: Pruned) -> None:
        """Expire what `found` shows, each repository judged anew. Counts into it."""
        use = self._used()
        if use.problems:
            found.stopped = "; ".join(use.problems)
            return
        evaluator = self._evaluator(use)
        equipment = self._equipment
        upstreams = {route.prefix: str(route.upstream) for route in self._table.routes}
        names = CachedNames((), UpstreamNames(upstreams))
        expirer = Expirer(
            equipment.registry, equipment.storage, equipment.host, names, self._run, equipment.settings.environment
        )

        def expire(before: Evaluation) -> tuple[Expired, str]:
            done = Expired()
            try:
                now = evaluator.evaluate(before.repository, before.retention, IndexCache(), self._started)
                now = no_more_than(now, len(before.expired))
                expirer.expire(now, done)
            except Exception as error:
                # The deletions until then count.
                failure = failure_of(error)
                return done, "" if failure.gone else failure.reason
            refused = next(iter(done.refused.values()), "")
            return done, now.skipped or (
                f"{counted(len(done.refused), 'image was', 'images were')} not expired: {refused}" if refused else ""
            )

        for before, (done, trouble) in equipment.host.each(
            expire, [each for each in found.evaluations if each.expired]
        ):
            found.expired += done.images
            found.expired_size += done.size
            if trouble:
                found.failed[before.repository] = trouble
        if found.expired:
            found.audit = f"{equipment.where}/{audit_prefix(self._run)}"

    def _repositories(self) -> list[str]:
        names = (name for page in self._equipment.registry.repository_pages() for name in page)
        return [name for name in names if self._is_mirrored(name)]

    def _is_mirrored(self, name: str) -> bool:
        route = self._table.route_of(name)
        return route is not None and route.kind == "mirror" and not any(holds(pattern, name) for pattern in self._own)

    def _judge(self, evaluator: Evaluator, name: str) -> Evaluation | Failure:
        retention = self._equipment.settings.retentions.of(name)
        try:
            return evaluator.evaluate(name, retention, IndexCache(), self._started)
        except Exception as error:
            return failure_of(error)

    def _used(self) -> ClusterUse:
        equipment = self._equipment
        return load_cluster_use(equipment.storage, equipment.settings, equipment.host.now())

    def _evaluator(self, use: ClusterUse) -> Evaluator:
        equipment = self._equipment
        mirrors = [
            CacheRule(route.prefix, route.upstream.registry, route.upstream.path)
            for route in self._table.routes
            if route.kind == "mirror"
        ]
        provenance = Provenance(equipment.settings, mirrors, self._sources, equipment.storage, "mirror")
        # By repository no guard holds: one whose images are all gone from the list is what pruning is for.
        inspector = equipment.settings.inspector
        return Evaluator(
            equipment.registry, equipment.host, use.in_use, None, provenance, inspector, listed=self._listed
        )

    def _guarded(self, found: Pruned) -> str:
        going, images = len(found.collector.rows), sum(found.collector.images.values())
        if not exceeds(going, images, self._guard):
            return ""
        return (
            f"guard: {going} of the {images} mirrored images would go, more than {float(self._guard):g} of them "
            "(--allow-fraction allows it once, lifecycle_manager.max_expire_fraction_account always)"
        )


def own_repositories(environments: Iterable[Environment]) -> list[str]:
    """The repositories that environments declare: nobody's copies."""
    return sorted({name for each in environments for name in each.own_repository_names})
