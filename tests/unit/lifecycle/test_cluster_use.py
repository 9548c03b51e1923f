"""What snapshots make of a run: what they keep, what they stop, and what is said of those that nobody waits for."""

from __future__ import annotations

from datetime import datetime, timedelta

from orchestrator.lifecycle.cluster_use import BY_PULL_TIME_ALONE
from orchestrator.lifecycle.events import dispatch
from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.lifecycle.ports import PortError
from tests.unit.lifecycle.world import NOW, World

CEILING = '{"default": {"keep_at_most": 1, "keep_at_least": 0}}'


def keep(world: World, cluster: str, taken: datetime, reference: str = "quay/app:other") -> None:
    used = UsedImage(reference, None, (), ("Pod/a/b",))
    world.storage.put(f"snapshots/{cluster}.json", dump_snapshot(Snapshot(cluster, taken, (used,))).encode())


def with_ceiling(world: World, **variables: str) -> dict[str, object]:
    manager = lambda: world.manager(variables, RETENTION=CEILING)  # noqa: E731
    return dispatch({"source": "manual", "allow_fraction": True}, "request", manager, world)


def three_images() -> World:
    world = World()
    world.add("quay/app", "new", "new", pushed=5)
    world.add("quay/app", "pulled-since", "pulled-since", pushed=50, pulled=1 / 24)
    world.add("quay/app", "pulled-before", "pulled-before", pushed=50, pulled=2)
    return world


def test_the_ceiling_leaves_what_was_pulled_since_the_oldest_snapshot_was_taken() -> None:
    world = three_images()
    keep(world, "prod", NOW - timedelta(hours=30))
    keep(world, "stage", NOW - timedelta(hours=1))
    with_ceiling(world, CLUSTERS='["prod", "stage"]')
    assert world.tags("quay/app") == {"new", "pulled-since"}


def test_that_holds_where_pages_are_spread_over_the_queue() -> None:
    world = three_images()
    for number in range(1200):
        world.add(f"quay/other{number}", "a", "a", pulled=1)
    keep(world, "prod", NOW - timedelta(hours=30))
    variables = {"CLUSTERS": '["prod"]', "RETENTION": CEILING}
    dispatch({"source": "manual", "allow_fraction": True}, "request", lambda: world.manager(variables), world)
    assert world.messages
    assert world.deliver(world.manager(variables)) == []
    assert (world.report()["expiring"], world.report()["kept"]) == (1, 0)
    assert world.tags("quay/app") == {"new", "pulled-since"}


def test_without_clusters_the_ceiling_takes_what_was_just_pulled() -> None:
    world = three_images()
    report = with_ceiling(world)
    assert world.tags("quay/app") == {"new"}
    assert BY_PULL_TIME_ALONE in report["notes"]  # type: ignore[operator]


def test_an_old_snapshot_that_nobody_waits_for_keeps_what_it_names_and_is_not_relied_on() -> None:
    world = three_images()
    keep(world, "once", NOW - timedelta(days=400), "quay/app:pulled-before")
    report = with_ceiling(world)
    assert world.tags("quay/app") == {"new", "pulled-before"}
    notes = " ".join(report["notes"])  # type: ignore[arg-type]
    assert 'snapshot of "once", a cluster that is not declared: it is 9600.0 hours old' in notes
    assert BY_PULL_TIME_ALONE in notes


def test_what_was_done_before_a_repository_failed_is_counted() -> None:
    world = World()
    for number in range(2):
        world.add("quay/app", f"new{number}", f"new{number}", pulled=1)
    child = world.add("quay/app", "child")
    world.add("quay/app", "index", "v1", children=[child])
    deletions: list[str] = []

    def fails_then(operation: str, repository: str) -> None:
        if operation == "BatchDeleteImage":
            deletions.append(repository)
            if len(deletions) == 2:
                raise PortError("AccessDeniedException", "no", operation)

    world.before = fails_then
    report = dispatch({"source": "manual"}, "request", world.manager, world)
    assert (report["expired"], world.numbers["Expired"]) == (1, 1)
    assert "AccessDenied" in str(report["failed"])
