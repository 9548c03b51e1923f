"""The copier: reads everything, plans, then does it with many threads and checks the end.

copies ──Discovery──► Discovered ──make_plan──► Plan ──Run──► Report
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from orchestrator.oci.copies import Copy, CopyOptions, CopyReport, CopyResult
from orchestrator.oci.copy_events import SourceRead
from orchestrator.oci.copy_plan import CopyPlan, make_plan
from orchestrator.oci.copy_run import CopyRun
from orchestrator.oci.copy_tree import Discovered
from orchestrator.oci.discover import Discovery
from orchestrator.oci.journal import Journal
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries


@dataclass(slots=True)
class Prepared:
    """A copy that has been read and planned, and not begun."""

    found: Discovered
    plan: CopyPlan

    @property
    def results(self) -> list[CopyResult]:
        """What each copy would do: MISSING, STALE, UNCHANGED, or FAILED with its error."""
        return [tree.result for tree in self.found.trees]


def prepare(
    copies: Iterable[Copy],
    registries: Registries,
    *,
    options: CopyOptions | None = None,
    journal: Journal | None = None,
    holders: Mapping[tuple[str, str], Iterable[Place]] | None = None,
) -> Prepared:
    """Read everything and plan. Changes nothing anywhere but in the journal.

    `holders` are repositories that are said to hold a blob, {(registry, digest): places}: it is mounted from there.
    """
    options = options or CopyOptions()
    with _opened(journal) as kept:
        found = Discovery(registries, options, kept).run(copies)
    for key, places in (holders or {}).items():
        known = found.committed.setdefault(key, [])
        known += [place for place in places if place not in known]
    for done, tree in enumerate(found.trees, 1):
        registries.tell(SourceRead(str(tree.copy.source), done, len(found.trees)))

    def group(place: Place) -> Hashable | None:
        of = registries.of(place.registry).endpoint.mount_group
        answer: Hashable | None = of(place.repository) if of is not None else ""
        return None if answer is None else (place.registry, answer)

    plan = make_plan(
        found.wanted,
        found.held,
        mount_group=group,
        committed=found.committed,
        foreign_layers=options.foreign_layers,
    )
    return Prepared(found, plan)


def copy_images(
    copies: Iterable[Copy],
    registries: Registries,
    *,
    options: CopyOptions | None = None,
    journal: Journal | None = None,
) -> CopyReport:
    """Copy images with all that belongs to them. A failure is in the report; nothing is raised for a single image."""
    with _opened(journal) as kept:
        prepared = prepare(copies, registries, options=options, journal=kept)
        return execute(prepared, registries, options=options, journal=kept)


def execute(
    prepared: Prepared,
    registries: Registries,
    *,
    options: CopyOptions | None = None,
    journal: Journal | None = None,
) -> CopyReport:
    """Do what was planned."""
    with _opened(journal) as kept:
        return CopyRun(prepared.found, prepared.plan, registries, options or CopyOptions(), kept).run()


@contextmanager
def _opened(journal: Journal | None) -> Iterator[Journal]:
    """The journal that was given, left open; else one in memory, closed at the end."""
    if journal is not None:
        yield journal
        return
    with closing(Journal()) as own:
        yield own
