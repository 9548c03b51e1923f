"""Between a decision and its deletion the world goes on: what changed is kept, and the audit says what was done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.lifecycle.audit import AuditRecord, parse_records, restorable
from orchestrator.lifecycle.events import InvalidEventError, dispatch
from orchestrator.lifecycle.ports import PortError, Refusal
from tests.unit.lifecycle.manager_runs import OTHER, before_the_last_look, filled, held, run
from tests.unit.lifecycle.world import NOW, World


def test_what_was_pulled_after_the_decision_stays_with_its_unit() -> None:
    world = World()
    child = world.add("quay/app", "child")
    world.add("quay/app", "index", "old", children=[child])
    for number in range(4):
        world.add("quay/app", f"new{number}", f"new{number}", pulled=1)
    before_the_last_look(world, lambda: world.change("quay/app", child, pulled_at=NOW))
    report = run(world)
    assert (report["expired"], report["kept"]) == (0, 2)
    assert "old" in world.tags("quay/app")


def test_what_was_tagged_again_after_the_decision_stays() -> None:
    world = World()
    digest = world.add("quay/app", "old", "old")
    world.add("quay/app", "new", "new", pulled=1)
    before_the_last_look(world, lambda: world.change("quay/app", digest, tags=("old", "stable")))
    assert run(world)["expired"] == 0
    assert world.tags("quay/app") == {"old", "stable", "new"}


def test_a_snapshot_that_goes_stale_between_plan_and_deletion_stops_the_deletion() -> None:
    world = filled(1201)
    snapshot = {"version": 1, "cluster": "prod", "taken": NOW.isoformat(), "images": [OTHER]}
    world.storage.put("snapshots/prod.json", json.dumps(snapshot).encode())
    variables = {"CLUSTERS": '["prod"]', "SNAPSHOT_MAX_AGE_HOURS": "0.5"}
    manager = world.manager(variables)
    manager.start("x")
    expire: list[tuple[float, int, str]] = []
    while world.messages and not expire:
        due, _, message = world.messages.pop(0)
        world.clock = max(world.clock, NOW + timedelta(seconds=due))
        manager.work(message)
        expire = [entry for entry in world.messages if '"kind":"expire"' in entry[2]]
    assert expire
    world.clock = NOW + timedelta(hours=1)
    world.deliver(world.manager(variables))
    assert world.report()["expired"] == 0
    assert world.calls["BatchDeleteImage"] == 0


def test_what_is_tagged_while_the_audit_is_written_is_kept() -> None:
    world = filled(1)

    class SlowAudit(type(world.storage)):  # type: ignore[misc]
        def put(self, key: str, content: bytes) -> None:
            if key.startswith("audit/"):
                for name, image in list(world.repositories["quay/app0"].items()):
                    if "v0" in image.tags:
                        world.change("quay/app0", name, tags=("now-live",))
            super().put(key, content)

    world.storage = SlowAudit()
    report = run(world)
    assert (report["expired"], report["kept"]) == (0, 1)
    assert "now-live" in world.tags("quay/app0")
    audit = [content for key, content in world.storage.objects.items() if key.startswith("audit/")]
    assert restorable([record for content in audit for record in parse_records(content)]) == []


def test_when_the_audit_cannot_be_written_nothing_is_deleted() -> None:
    world = filled(2)

    class NoAudit(type(world.storage)):  # type: ignore[misc]
        def put(self, key: str, content: bytes) -> None:
            if key.startswith("audit/"):
                raise PortError("AccessDenied", "no", "PutObject")
            super().put(key, content)

    world.storage = NoAudit()
    report = run(world)
    assert set(report["failed"]) == {"quay/app0", "quay/app1"}  # type: ignore[call-overload]
    assert world.calls["BatchDeleteImage"] == 0


def test_an_index_whose_manifest_cannot_be_read_leaves_its_repository_alone() -> None:
    world = World()
    child = world.add("quay/app", "child")
    index = world.add("quay/app", "index", "v1", pulled=1, children=[child])
    world.texts[index] += " "
    report = run(world, allow_fraction=True)
    assert "another digest" in str(report["failed"])
    assert len(world.repositories["quay/app"]) == 2


def test_a_snapshot_that_suddenly_names_less_expires_no_more_than_was_planned() -> None:
    world = filled(1201, images=4)
    running = [
        {"reference": f"quay.io/app{number}:v1", "target": f"x.example.com/quay/app{number}:v1"}
        for number in range(1201)
    ]
    snapshot = {"version": 1, "cluster": "prod", "taken": NOW.isoformat(), "images": running}
    world.storage.put("snapshots/prod.json", json.dumps(snapshot).encode())
    variables = {"CLUSTERS": '["prod"]', "MAX_EXPIRE_FRACTION_ACCOUNT": "0.25"}
    messages = held(world, world.manager(variables))
    world.storage.put("snapshots/prod.json", json.dumps(snapshot | {"images": [OTHER]}).encode())
    manager = world.manager(variables)
    for message in messages:
        manager.work(message)
    assert all(world.tags(name) == {"v0", "v1", "v2", "v3"} for name in world.repositories)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"DRY_RUN": "true"}, "dry run, since the run began"), ({}, "the run began more than a day ago")],
)
def test_a_message_that_comes_late_or_after_a_brake_was_put_on_deletes_nothing(
    change: dict[str, str], why: str
) -> None:
    world = filled(1201)
    messages = held(world, world.manager())
    world.clock += timedelta(hours=1 if change else 25)
    manager = world.manager(change)
    for message in messages:
        manager.work(message)
    assert all(world.tags(name) == {"v0", "v1"} for name in world.repositories)
    skipped = [json.loads(content)["tally"] for key, content in world.storage.objects.items() if "/expired/" in key]
    assert {reason for tally in skipped for reason in tally["skipped"].values()} == {f"stopped: {why}"}


def test_a_message_of_a_run_that_ended_deletes_nothing() -> None:
    world = filled(1201)
    messages = held(world, world.manager())
    run_id = json.loads(messages[0])["run"]["id"]
    world.storage.put(f"runs/{run_id}/report.json", b"{}")
    for message in messages:
        world.manager().work(message)
    assert all(world.tags(name) == {"v0", "v1"} for name in world.repositories)


def test_time_that_passes_between_the_passes_makes_nothing_older() -> None:
    world = filled(1201)
    for name in world.repositories:
        world.add(name, "almost", "almost", pulled=29.99)
    messages = held(world, world.manager())
    world.clock += timedelta(hours=2)
    for message in messages:
        world.manager().work(message)
    assert all(world.tags(name) == {"v1", "almost"} for name in world.repositories)


def test_of_a_large_unit_each_call_is_preceded_by_a_look() -> None:
    world = World()
    shared = world.add("quay/app", "shared")
    for number in range(250):
        world.add("quay/app", f"index{number}", f"v{number}", children=[shared])
    world.add("quay/app", "fresh", "fresh", pulled=1)
    deletions = []

    def pulled_meanwhile(operation: str, _repository: str) -> None:
        if operation == "BatchDeleteImage":
            deletions.append(operation)
            if len(deletions) == 1:
                held = world.repositories["quay/app"]
                held.update(
                    (image.digest, replace(image, pulled_at=NOW)) for image in held.values() if "v249" in image.tags
                )

    world.before = pulled_meanwhile
    report = run(world, allow_fraction=True)
    assert world.tags("quay/app") == {"fresh", "v249"}
    assert (report["expired"], report["kept"]) == (249, 2)
    # What it lists was kept with it.
    assert shared in world.repositories["quay/app"]


def audited(world: World) -> list[AuditRecord]:
    return [
        record
        for key, content in sorted(world.storage.objects.items())
        if key.startswith("audit/")
        for record in parse_records(content)
    ]


@pytest.mark.parametrize("what", ["image", "repository"])
def test_what_somebody_else_deleted_before_the_last_look_is_not_restored(what: str) -> None:
    world = filled(1, images=4)

    def gone() -> None:
        if what == "repository":
            del world.repositories["quay/app0"]
        else:
            held = world.repositories["quay/app0"]
            del held[next(digest for digest, image in held.items() if "v0" in image.tags)]

    before_the_last_look(world, gone)
    run(world)
    back = {tag for record in restorable(audited(world)) for tag in record.tags}
    assert back == (set() if what == "repository" else {"v1"})


def test_what_an_attempt_that_died_may_have_deleted_is_restored_although_the_next_one_found_it_absent() -> None:
    world = filled(1)
    before_the_last_look(world, lambda: world.repositories["quay/app0"].clear())
    run(world)
    planned = next(record for record in audited(world) if record.stage == "planned")
    died = replace(planned, at="2020-01-01T00:00:00Z")
    assert [record.digest for record in restorable([died, *audited(world)])] == [planned.digest]
    assert restorable(audited(world)) == []


def test_what_another_run_deleted_first_can_still_be_restored() -> None:
    world = filled(1)
    delete = world.delete

    def answer_is_lost(repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        delete(repository, digests)
        return delete(repository, digests)

    world.delete = answer_is_lost  # type: ignore[method-assign]
    report = run(world)
    assert (report["expired"], report["gone"]) == (0, 1)
    audit = [content for key, content in world.storage.objects.items() if key.startswith("audit/")]
    (record,) = restorable([record for content in audit for record in parse_records(content)])
    assert (record.tags, record.outcome) == (("v0",), "")


def test_the_sizes_in_the_audit_add_up_to_what_the_report_says_was_freed() -> None:
    world = World()
    world.add("quay/app", "fresh", "v2", pulled=1)
    children = [world.add("quay/app", f"child{number}") for number in range(2)]
    world.add("quay/app", "index", "v1", children=children)
    report = run(world, allow_fraction=True)
    audit = [content for key, content in world.storage.objects.items() if key.startswith("audit/")]
    done = [record for content in audit for record in parse_records(content) if record.stage == "done"]
    assert sum(record.size for record in done) == report["expired_size"] == world.numbers["BytesFreed"] == 200


@pytest.mark.parametrize("event", [{"dry-run": True}, {"key1": "value1"}, {"source": "manual", "dryRun": True}])
def test_an_event_with_words_that_are_not_known_starts_nothing(event: dict[str, object]) -> None:
    world = filled(2)
    with pytest.raises(InvalidEventError, match="not known"):
        dispatch(event, "request", world.manager, world)
    assert not world.calls
