"""Runs of the manager in a world in memory: budgets, fan-out, events, faults. Nothing in use is ever deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestrator.lifecycle.events import InvalidEventError, dispatch
from orchestrator.lifecycle.ports import PortError
from orchestrator.lifecycle.work import WAITS
from tests.unit.lifecycle.manager_runs import filled, run
from tests.unit.lifecycle.world import NOW, World


def test_a_run_where_nothing_expires_makes_one_call_a_repository() -> None:
    world = World()
    for number in range(300):
        child = world.add(f"quay/app{number}", "child")
        world.add(f"quay/app{number}", "index", "v1", pulled=1, children=[child])
    assert run(world)["expired"] == 0
    cold = world.calls.total()
    assert cold <= 3.1 * 300
    assert any(key.startswith("cache/") for key in world.storage.objects)
    world.calls.clear()
    assert run(world)["expired"] == 0
    assert world.calls.total() <= 1.1 * 300
    assert set(world.calls) == {"DescribePullThroughCacheRules", "DescribeRepositories", "DescribeImages"}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("twice", [False, True])
def test_more_than_a_page_is_spread_over_the_queue_whatever_order_messages_come_in(twice: bool, reverse: bool) -> None:
    world = filled(1201)
    answer = run(world)
    assert answer["fanned_out"] == len(world.messages) - 1 > 1
    assert world.deliver(world.manager(), twice=twice, reverse=reverse) == []
    report = world.report()
    assert (report["processed"], report["expired"], report["failed"]) == (1201, 1201, {})
    assert all(world.tags(name) == {"v1"} for name in world.repositories)
    assert world.numbers["Expired"] == 1201


def test_who_dies_between_deciding_and_sending_is_followed_by_its_message_coming_again() -> None:
    world = filled(1201)
    run(world)
    send = world.send
    failed: list[int] = []

    def dies_once(messages: Sequence[str], *, delay: int = 0) -> None:
        if not failed and any('"kind":"expire"' in message for message in messages):
            failed.append(delay)
            raise PortError("InternalError", "", "SendMessageBatch")
        send(messages, delay=delay)

    world.send = dies_once  # type: ignore[method-assign]
    world.deliver(world.manager(), twice=True)
    assert failed
    assert world.report()["expired"] == 1201
    assert world.numbers["RunsFinished"] == 1


def test_a_page_that_never_comes_is_waited_for_and_then_reported_while_the_others_are_done() -> None:
    world = filled(1201)
    run(world)
    lost = next(entry for entry in world.messages if '"kind":"plan"' in entry[2])
    world.messages.remove(lost)
    names = set(json.loads(lost[2])["repositories"])
    world.deliver(world.manager())
    report = world.report()
    assert report["expired"] == 1201 - len(names)
    assert list(report["failed"]) == [f"page {json.loads(lost[2])['page']}"]  # type: ignore[call-overload]
    assert all(world.tags(name) == {"v0", "v1"} for name in names)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", "{}", '{"version":1,"kind":"plan"}', '{"version":2,"kind":"gather"}', '"\\ud800"']
)
def test_a_poisoned_message_fails_alone(body: str) -> None:
    world = filled(1201)
    run(world)
    good = world.messages[0][2]
    event = {
        "Records": [{"messageId": "bad", "body": body}, {"messageId": "good", "body": good}, {"messageId": "none"}]
    }
    answer = dispatch(event, "r", world.manager, world)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}, {"itemIdentifier": "none"}]}


def test_a_message_cannot_name_an_object_outside_its_run() -> None:
    world = filled(1201)
    run(world)
    message = json.loads(next(entry[2] for entry in world.messages if '"kind":"plan"' in entry[2]))
    message["shard"] = "../snapshots/prod"
    event = {"Records": [{"messageId": "bad", "body": json.dumps(message)}]}
    assert dispatch(event, "r", world.manager, world) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_the_deadline_in_the_middle_of_a_page_leaves_the_rest_to_the_queue_and_all_is_done_once() -> None:
    world = filled(150)

    def tick(operation: str, repository: str) -> None:
        world.seconds_left -= 1

    world.before, world.seconds_left = tick, 60
    answer = run(world)
    assert answer["continued"] is True
    for _ in range(100):
        if not world.messages:
            break
        due, _, message = world.messages.pop(0)
        world.clock = max(world.clock, NOW + timedelta(seconds=due))
        world.seconds_left = 60
        world.manager().work(message)
    report = world.report()
    assert (report["processed"], report["expired"], report["failed"]) == (150, 150, {})


def test_a_repository_too_big_for_an_invocation_is_given_up_and_the_others_are_done() -> None:
    world = filled(3)

    def tick(operation: str, repository: str) -> None:
        if repository == "quay/app1" and operation == "DescribeImages":
            world.seconds_left = 0

    world.before = tick
    run(world)
    for _ in range(100):
        if not world.messages:
            break
        world.seconds_left = 60
        world.manager().work(world.messages.pop(0)[2])
    report = world.report()
    assert list(report["failed"]) == ["quay/app1"]  # type: ignore[call-overload]
    assert report["expired"] == 2


def test_without_a_queue_the_deadline_ends_the_run_and_says_so() -> None:
    world = filled(20)
    world.seconds_left = 0
    answer = dispatch({}, "r", lambda: world.manager(queue=False), world)
    assert answer["continued"] is False
    assert answer["expired"] == 0


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ServerException"])
@pytest.mark.parametrize("operation", ["DescribeImages", "GetLifecyclePolicy", "BatchDeleteImage"])
def test_a_call_that_fails_for_one_repository_fails_that_one_only(operation: str, code: str) -> None:
    world = filled(5)

    def fail(called: str, repository: str) -> None:
        if (called, repository) == (operation, "quay/app2"):
            raise PortError(code, "no", operation)

    world.before = fail
    report = run(world)
    assert report["expired"] == 4
    assert list(report["failed"]) == ["quay/app2"]  # type: ignore[call-overload]
    assert code in str(report["failed"])
    assert world.tags("quay/app2") == {"v0", "v1"}
    assert world.numbers["RepositoriesFailed"] == 1


@pytest.mark.parametrize("operation", ["DescribeImages", "GetLifecyclePolicy", "BatchDeleteImage"])
def test_a_repository_deleted_in_between_is_no_failure(operation: str) -> None:
    world = filled(3)

    def vanish(called: str, repository: str) -> None:
        if (called, repository) == (operation, "quay/app1"):
            world.repositories.pop("quay/app1", None)

    world.before = vanish
    report = run(world)
    assert (report["failed"], report["expired"]) == ({}, 2)


def test_an_index_that_ecr_refuses_to_delete_keeps_its_images() -> None:
    world = World()
    child = world.add("quay/app", "child", "amd64")
    index = world.add("quay/app", "index", "v1", children=[child])
    # Another index, which this world's DescribeImages does not show, still refers to it.
    world.texts["hidden"] = index
    for number in range(3):
        world.add("quay/app", f"new{number}", f"new{number}", pulled=1)
    world.repositories["quay/app"]["hidden"] = world.repositories["quay/app"][index]
    pages = world.image_pages
    world.image_pages = lambda repository: (  # type: ignore[method-assign]
        [image for image in page if image.digest != "hidden"] for page in pages(repository)
    )
    report = run(world)
    assert (report["kept"], report["refused"], report["failed"]) == (2, 0, {})
    assert {"amd64", "v1"} <= world.tags("quay/app")


def test_below_root_only_what_an_override_names_is_taken_for_cached() -> None:
    world = World(prefixes=("ROOT",))
    for name in ("library/nginx", "team/app"):
        world.add(name, "a", "a")
        world.add(name, "b", "b", pulled=1)
    assert run(world)["processed"] == 0
    retention = json.dumps({"overrides": [{"pattern": "library/*", "keep_at_least": 0}]})
    report = dispatch({}, "r", lambda: world.manager(RETENTION=retention), world)
    assert (report["processed"], report["expired"]) == (1, 1)
    assert world.tags("team/app") == {"a", "b"}


def test_events_of_ecr_give_a_new_repository_its_policy_and_count_failures() -> None:
    world = filled(1, images=1)
    (digest,) = world.repositories["quay/app0"]
    named = {"image-digest": digest, "image-tag": "v0"}
    detail = {"sync-status": "SUCCESS", "repository-name": "quay/app0", **named}
    event = {"source": "aws.ecr", "detail-type": "ECR Pull Through Cache Action", "detail": detail}
    assert dispatch(event, "r", world.manager, world)["applied"] == 0
    policies = lambda: world.manager(NATIVE_POLICY="untagged")  # noqa: E731
    assert dispatch(event, "r", policies, world)["applied"] == 1
    assert dispatch(event, "r", policies, world)["applied"] == 0
    assert "orchestrator" in world.policies["quay/app0"]
    push = {"action-type": "PUSH", "result": "SUCCESS", "repository-name": "team/app"}
    image = {"source": "aws.ecr", "detail-type": "ECR Image Action", "detail": push}
    assert dispatch(image, "r", policies, world)["applied"] == 0
    failed = {**event, "detail": {**detail, "sync-status": "FAILED", "failure-code": "UpstreamUnavailable"}}
    dispatch(failed, "r", world.manager, world)
    assert world.numbers["UpstreamSyncFailed"] == 1
    assert dispatch({"detail-type": "Something else"}, "r", world.manager, world) == {"ignored": "Something else"}
    said_nothing = {**event, "detail": {"repository-name": "quay/app0"}}
    assert "ignored" in dispatch(said_nothing, "r", policies, world)


def test_an_event_of_a_repository_that_is_gone_by_then_is_no_failure() -> None:
    world = filled(1)
    detail = {"sync-status": "SUCCESS", "repository-name": "quay/gone"}
    event = {"source": "aws.ecr", "detail-type": "ECR Pull Through Cache Action", "detail": detail}
    answer = dispatch(event, "r", lambda: world.manager(NATIVE_POLICY="untagged"), world)
    assert (answer["applied"], answer["reason"]) == (0, "it is gone")


@pytest.mark.parametrize("event", [None, "text", ["list"], 3])
def test_an_event_that_is_no_object_starts_nothing(event: Any) -> None:
    world = filled(2)
    with pytest.raises(InvalidEventError, match="no object"):
        dispatch(event, "r", world.manager, world)
    assert world.calls["DescribeRepositories"] == 0


@pytest.mark.parametrize("wrong", [{"dry_run": "true"}, {"allow_fraction": 2}, {"allow_fraction": "all"}])
def test_a_wish_that_cannot_be_understood_does_nothing(wrong: dict[str, object]) -> None:
    world = filled(2)
    with pytest.raises(InvalidEventError):
        run(world, **wrong)
    assert world.calls.total() == 0


def test_a_lost_cache_costs_calls_only() -> None:
    world = World()
    for number in range(3):
        child = world.add(f"quay/app{number}", "child")
        world.add(f"quay/app{number}", "index", "v1", pulled=1, children=[child])
    run(world)
    for key in [key for key in world.storage.objects if key.startswith("cache/")]:
        world.storage.objects[key] = b'{"version": 1, "children": 3}'
    assert run(world)["expired"] == 0
    assert world.calls["BatchGetImage"] == 6


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 12))])
def test_whatever_fails_and_in_whatever_order_nothing_in_use_or_young_is_deleted(seed: int) -> None:
    dice = Random(seed)
    world = World()
    kept: dict[str, set[str]] = {}
    used = []
    for number in range(1100):
        name = f"quay/app{number}"
        child = world.add(name, "child")
        index = world.add(name, "index", "v1", children=[child])
        plain = world.add(name, "plain", "v2", pushed=40)
        kept[name] = {world.add(name, "young", pushed=dice.choice([0, 0.5]))}
        if number % 3 == 0:
            target, digests = dice.choice([(f"host.example/{name}:v1", []), (None, [index]), (None, [child])])
            used.append({"reference": f"quay.io/app{number}@{plain}", "target": target, "digests": digests})
            kept[name] |= {index, child, plain}
    snapshot = {"version": 1, "cluster": "prod", "taken": NOW.isoformat(), "images": used}
    world.storage.put("snapshots/prod.json", json.dumps(snapshot).encode())

    def trouble(operation: str, repository: str) -> None:
        if repository and dice.random() < 0.05:
            raise PortError(dice.choice(["ThrottlingException", "AccessDeniedException"]), "no", operation)
        if repository and dice.random() < 0.01:
            world.repositories.pop(repository, None)
        world.seconds_left -= 1

    variables = {"CLUSTERS": '["prod"]', "MAX_EXPIRE_FRACTION_ACCOUNT": "1", "MAX_EXPIRE_FRACTION_REPOSITORY": "1"}
    world.seconds_left = 200
    world.manager(variables).start("x")
    world.before = trouble
    for _ in range(2000):
        if not world.messages:
            break
        due, _, message = world.messages.pop(dice.randrange(len(world.messages)))
        world.clock = max(world.clock, NOW + timedelta(seconds=due))
        world.seconds_left = dice.choice([1, 30, 200, 1000])
        for _ in range(dice.choice([1, 1, 2])):
            with suppress(PortError):
                world.manager(variables).work(message)
    for name, spared in kept.items():
        assert name not in world.repositories or spared <= world.repositories[name].keys()
    assert world.numbers["Expired"] > 0


@pytest.mark.parametrize("pattern", ["*", "*-operator"])
def test_below_root_a_pattern_that_holds_anybodys_repositories_names_none(pattern: str) -> None:
    world = World(prefixes=("ROOT", "quay"))
    world.add("team/shop-operator", "a", "v1")
    world.add("team/shop-operator", "b", "v2", pulled=1)
    retention = {"overrides": [{"pattern": pattern, "keep_at_least": 0}]}
    report = dispatch({}, "request", lambda: world.manager(RETENTION=json.dumps(retention)), world)
    assert (report["processed"], report["expired"]) == (0, 0)


def test_a_run_waits_for_its_pages_longer_than_the_queue_takes_to_give_a_message_up() -> None:
    """By the module's numbers: so often a message is received, and so long it is away each time."""
    module = Path(__file__).parents[3] / "modules" / "lifecycle-manager"
    main, variables = (module / "main.tf").read_text(), (module / "variables.tf").read_text()
    (receives,) = re.findall(r"maxReceiveCount = (\d+)", main)
    (more,) = re.findall(r"visibility_timeout_seconds = var.settings.timeout_seconds \+ (\d+)", main)
    (timeout,) = re.findall(r"timeout_seconds += optional\(number, (\d+)\)", variables)
    assert sum(WAITS) > int(receives) * (int(timeout) + int(more))
