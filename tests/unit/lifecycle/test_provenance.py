"""What is the cache's own and what somebody pushed: told by evidence, and nothing expires without it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from orchestrator.lifecycle.events import dispatch
from orchestrator.lifecycle.in_use import Snapshot, UsedImage, dump_snapshot
from orchestrator.lifecycle.patterns import matches
from orchestrator.lifecycle.storage import MemoryStorage
from tests.unit.lifecycle.world import NOW, World


def world_of(*repositories: str) -> World:
    """Each repository has four old images, of which the newest stays: half of them may go by the guard."""
    world = World()
    for repository in repositories:
        for name in ("a", "b"):
            world.add(repository, name, name, pushed=90 if name == "a" else 80)
    return world


RETENTION = json.dumps({"default": {"expire_unpulled_days": 30, "keep_at_least": 1}})


def run(world: World, **variables: str) -> dict[str, object]:
    settings = {"RETENTION": RETENTION, "MAX_EXPIRE_FRACTION_ACCOUNT": "1", "MAX_EXPIRE_FRACTION_REPOSITORY": "1"}
    return world.manager(queue=False, **{**settings, **variables}).start("test")


@pytest.mark.parametrize("own", [["quay/own"], ["quay/own", "elsewhere"], ["quay/o*"]])
def test_what_the_environment_declares_is_no_cache_whatever_its_prefix(own: list[str]) -> None:
    world = world_of("quay/own", "quay/team/app")
    report = run(world, OWN=json.dumps(own), NATIVE_POLICY="count")
    assert world.tags("quay/own") == {"a", "b"}
    assert world.tags("quay/team/app") == {"b"}
    assert report["repositories"] == 1
    assert "quay/own" not in world.policies


@pytest.mark.parametrize(("told", "word"), [(False, "does not have it"), (None, "cannot be told")])
def test_what_no_upstream_is_known_to_have_stays_and_the_report_says_why(told: bool | None, word: str) -> None:
    world = world_of("quay/ci/app", "quay/team/app")
    world.served = lambda _host, repository: told if repository == "ci/app" else True
    report = run(world)
    assert world.tags("quay/ci/app") == {"a", "b"}
    assert world.tags("quay/team/app") == {"b"}
    assert word in str(report["skipped"])


def test_no_native_policy_is_given_to_what_somebody_pushed_and_ours_is_taken_away() -> None:
    world = world_of("quay/ci/app")
    run(world, NATIVE_POLICY="count")
    ours = world.policies["quay/ci/app"]
    fresh = world_of("quay/ci/app", "quay/ci/new")
    fresh.policies["quay/ci/app"] = ours
    fresh.served = lambda _host, _repository: False
    run(fresh, NATIVE_POLICY="count")
    assert fresh.policies == {}


def test_an_event_of_the_cache_is_evidence_and_one_of_a_push_is_none() -> None:
    world = world_of("quay/private/app", "quay/ci/app")
    world.served = lambda _host, _repository: None
    manager = world.manager(queue=False)

    def tell(kind: str, repository: str, **detail: str) -> None:
        event = {"detail-type": kind, "detail": {"repository-name": repository, **detail}}
        dispatch(event, "request", lambda: manager, world)

    tell("ECR Pull Through Cache Action", "quay/private/app", **{"sync-status": "SUCCESS"})
    tell("ECR Image Action", "quay/ci/app", **{"action-type": "PUSH", "result": "SUCCESS"})
    run(world)
    assert world.tags("quay/private/app") == {"b"}
    assert world.tags("quay/ci/app") == {"a", "b"}


def test_a_person_can_say_that_nobody_pushes_below_a_prefix() -> None:
    world = world_of("quay/team/app")
    world.served = lambda _host, _repository: None
    run(world, CACHE_ONLY='["quay"]')
    assert world.tags("quay/team/app") == {"b"}


def test_an_upstream_is_asked_once_for_a_repository_and_not_again_in_later_runs() -> None:
    world = world_of("quay/team/app")
    run(world)
    world.add("quay/team/app", "c", "c", pushed=85)
    asked = world.calls["HEAD"]
    run(world)
    assert (asked, world.calls["HEAD"]) == (1, 1)


class Versioned(MemoryStorage):
    """A storage that kept one earlier version of each snapshot, which was replaced a day ago."""

    older: bytes | None = None

    def earlier(self, key: str, since: object) -> bytes | None:
        assert since == NOW - timedelta(days=7)
        return self.older if key.startswith("snapshots/") else None


def snapshot(count: int, cluster: str = "prod") -> bytes:
    images = tuple(UsedImage(f"registry.example/app{n}:1", None) for n in range(count))
    return dump_snapshot(Snapshot(cluster, NOW, images)).encode()


@pytest.mark.parametrize(
    ("before", "now", "stops"),
    [(400, 1, True), (400, 199, True), (10, 2, True), (400, 200, False), (4, 1, False), (3, 90, False)],
)
def test_a_fresh_snapshot_that_shrank_stops_the_expiry_with_the_alarm(before: int, now: int, stops: bool) -> None:
    world = world_of("quay/team/app")
    world.storage = Versioned({"snapshots/prod.json": snapshot(now)})
    world.storage.older = snapshot(before)
    # Used before the snapshot was taken.
    report = run(world, CLUSTERS='["prod"]')
    assert (f"named {before}" in str(report["stopped"])) is stops
    assert (world.numbers["SnapshotStale"] > 0) is stops
    assert world.tags("quay/team/app") == ({"a", "b"} if stops else {"b"})


@pytest.mark.parametrize("older", [b"no snapshot", b"", snapshot(400, "dev"), None])
def test_an_earlier_version_that_says_nothing_of_the_cluster_stops_nothing(older: bytes | None) -> None:
    world = world_of("quay/team/app")
    world.storage = Versioned({"snapshots/prod.json": snapshot(1)})
    world.storage.older = older
    assert run(world, CLUSTERS='["prod"]')["stopped"] == ""


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "abaab", True),
        ("*ab*ab*", "aab", False),
        ("a**b", "ab", True),
        ("a*b*c", "aXbYc", True),
        ("a*bc", "abbc", True),
        ("*.*", "a\nb.c", True),
        ("a.c", "abc", False),
        ("ab*ba", "aba", False),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_thirty_stars_take_no_longer_than_one() -> None:
    assert not matches("*a" * 30 + "*b", "a" * 100_000)
    assert matches("*a" * 30 + "*", "a" * 100_000)
