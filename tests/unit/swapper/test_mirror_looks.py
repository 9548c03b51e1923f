"""Images of mirrors: imageSwapPolicy × imageCopyPolicy, what is remembered, what is asked and copied once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.copy_queue import CopyQueue
from orchestrator.swapper.image_state import ImageState
from orchestrator.swapper.logs import LOGGER
from orchestrator.swapper.metrics import SwapMetrics
from orchestrator.swapper.mirror_looks import MirrorLooks
from orchestrator.swapper.pod_secrets import PodSecrets
from orchestrator.swapper.review import Verdict, read_review
from orchestrator.swapper.swap_settings import SwapSettings
from orchestrator.swapper.webhook import budget
from tests.references_table import OWN, environment
from tests.unit.swapper.reviews import containers, pod, review, rules_of

RULES = rules_of(environment("standard"))
TARGET = f"{OWN}/gcr/a/b:1"
DOCUMENT = review(pod(containers=containers("gcr.io/a/b:1")))


class World:
    """A registry that holds `there`, and copies that end when `gate` opens."""

    def __init__(self, tmp_path: Path, *, there: bool = False, fails: bool = False, **settings: Any) -> None:
        self.there = {TARGET} if there else set()
        self.fails = fails
        self.gate = threading.Event()
        self.gate.set()
        self.copied: list[str] = []
        self.opened_by: PodSecrets | None = None
        self.asked: list[str] = []
        self.settings = SwapSettings(**settings)
        self.path = tmp_path / "queue.sqlite"

    def ask(self, target: str) -> bool:
        self.asked.append(target)
        if self.fails:
            raise OrchestratorError("AWS does not answer.")
        return target in self.there

    def copy(self, source: str, target: str, secrets: PodSecrets | None) -> None:
        assert self.gate.wait(30)
        self.copied.append(source)
        self.opened_by = secrets
        self.there.add(target)

    def verdict_of(self, image: str, **limits: Any) -> tuple[str, Verdict]:
        """(target, verdict) of one image where rules that pull through need a look, too."""

        async def main() -> tuple[str, Verdict]:
            looks = MirrorLooks(ImageState(self.ask), self.settings, SwapMetrics(), **limits)
            looks.queue = CopyQueue(self.path, self.copy, looks.copied)
            rules = replace(RULES, looked_at=frozenset({"mirror", "pull-through"}))
            try:
                admission = read_review(review(pod(containers=containers(image))), rules)
                (found,) = (await looks.verdicts(admission.looks, admission, 20.0)).items()
                return found
            finally:
                looks.close()

        return asyncio.run(main())

    def verdict(self, document: Any = DOCUMENT, seconds: float = 20.0, times: int = 1) -> Verdict:
        async def main() -> Verdict:
            looks = MirrorLooks(ImageState(self.ask), self.settings, SwapMetrics())
            if self.settings.copy_policy != "none":
                looks.queue = CopyQueue(self.path, self.copy, looks.copied)
            try:
                admission = read_review(document, RULES)
                found = await asyncio.gather(
                    *(looks.verdicts(admission.looks, admission, seconds) for _ in range(times))
                )
                return found[0][TARGET]
            finally:
                looks.close()

        return asyncio.run(main())


@pytest.mark.parametrize("swap", ["exists", "always"])
@pytest.mark.parametrize("copy", ["delayed", "immediate", "force", "none"])
def test_what_is_there_is_swapped_and_what_is_not_by_its_policies(swap: Any, copy: Any, tmp_path: Path) -> None:
    there = World(tmp_path, there=True, swap_policy=swap, copy_policy=copy)
    at_once = swap == "always" and copy in ("delayed", "none")
    assert there.verdict() == Verdict(swap=True, reason="always" if at_once else "there")
    assert there.copied == []
    absent = World(tmp_path, swap_policy=swap, copy_policy=copy)
    if copy == "delayed":
        absent.gate.clear()
    verdict = absent.verdict()
    absent.gate.set()
    assert verdict.swap == (swap == "always" or copy in ("immediate", "force"))
    expected = {"none": "absent", "delayed": "absent, being copied"}.get(copy, "copied")
    assert verdict.reason == ("always" if at_once else expected)


@pytest.mark.parametrize(("swap", "swapped"), [("exists", False), ("always", True)])
def test_a_copy_that_is_too_slow_does_not_hold_the_pod(swap: Any, swapped: bool, tmp_path: Path) -> None:
    world = World(tmp_path, swap_policy=swap, copy_policy="immediate", copy_deadline=0.05)
    world.gate.clear()
    assert world.verdict() == Verdict(swap=swapped, reason="absent, being copied")
    world.gate.set()


def test_a_registry_that_cannot_be_asked_or_does_not_answer_leaves_the_source(tmp_path: Path) -> None:
    assert World(tmp_path, fails=True, copy_policy="none").verdict() == Verdict(False, "registry cannot be asked")
    hangs = World(tmp_path, copy_policy="none")
    release = threading.Event()
    hangs.ask = lambda target: release.wait(30)  # type: ignore[method-assign]
    assert hangs.verdict(seconds=0.05) == Verdict(False, "no answer in time")
    release.set()


def test_a_refused_look_is_logged_once_for_many_pods(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Whoever configured the log before keeps it from the root's handlers.
    caplog.handler.setLevel("WARNING")
    logger = logging.getLogger(LOGGER)
    logger.addHandler(caplog.handler)
    try:
        assert World(tmp_path, fails=True, copy_policy="none").verdict(times=50).reason == "registry cannot be asked"
    finally:
        logger.removeHandler(caplog.handler)
    [line] = {id(record): record for record in caplog.records}.values()
    assert line.getMessage() == "the registry cannot be asked"
    assert vars(line)["target"] == TARGET
    assert vars(line)["why"] == "AWS does not answer."


@pytest.mark.parametrize("of", ["request", "settings"])
def test_a_dry_run_copies_nothing(of: str, tmp_path: Path) -> None:
    world = World(tmp_path, dry_run=of == "settings", copy_policy="immediate")
    document = review(DOCUMENT["request"]["object"], dryRun=of == "request")
    assert world.verdict(document) == Verdict(swap=False, reason="absent")
    assert world.copied == []


def test_a_thousand_pods_of_one_image_ask_before_and_after_one_copy(tmp_path: Path) -> None:
    world = World(tmp_path, copy_policy="immediate")
    assert world.verdict(times=1000).swap
    assert world.copied == ["gcr.io/a/b:1"]
    assert world.opened_by == PodSecrets("shop")
    assert len(world.asked) == 2


@pytest.mark.parametrize(
    ("image", "policy", "compared"),
    [
        ("gcr.io/a/b:1", "Always", 1),
        ("gcr.io/a/b:1", "IfNotPresent", 0),
        (f"gcr.io/a/b@sha256:{'0' * 64}", "Always", 0),
    ],
)
def test_a_tag_that_pods_ask_for_at_each_start_is_compared_with_its_source(
    image: str, policy: str, compared: int, tmp_path: Path
) -> None:
    world, ended = World(tmp_path), threading.Event()
    held = [{"name": "other", "image": image}, {"name": "web", "image": image, "imagePullPolicy": policy}]
    admission = read_review(review(pod(containers=held)), RULES)
    world.there |= {one.target for one in admission.looks}

    async def main() -> None:
        for seconds in (3600.0, 0.0):
            looks = MirrorLooks(ImageState(world.ask), world.settings, SwapMetrics(), moved_seconds=seconds)
            looks.queue = CopyQueue(world.path, world.copy, lambda *_: ended.set())
            for _ in range(2):
                # The first Pod that is seen begins the time.
                (verdict,) = (await looks.verdicts(admission.looks, admission, 20.0)).values()
                assert verdict.swap
            if seconds == 0.0 and compared:
                assert ended.wait(30)
            looks.close()

    asyncio.run(main())
    assert world.copied == [image] * compared


def test_what_is_there_is_believed_longer_than_what_is_absent() -> None:
    now, answers, asked = [0.0], {"a": True, "b": False}, []

    def ask(target: str) -> bool:
        asked.append(target)
        return answers[target]

    async def main() -> None:
        state = ImageState(ask, present_seconds=300, absent_seconds=5, clock=lambda: now[0])
        for now[0] in (0.0, 4.0, 6.0, 299.0, 301.0):
            assert [await state.is_there("a"), await state.is_there("b")] == [True, False]
        answers["a"] = False
        state.forget("a")
        assert not await state.is_there("a")
        state.close()

    asyncio.run(main())
    assert asked == ["a", "b", "b", "b", "a", "a"]


@pytest.mark.parametrize("by_repository", [True, False])
def test_what_was_deleted_or_copied_is_asked_again_and_nothing_else(by_repository: bool) -> None:
    asked: list[str] = []
    begun, release = threading.Event(), threading.Event()
    answers = {"own/a/c:1": True}

    def ask(target: str) -> bool:
        asked.append(target)
        answer = answers.get(target, True)
        if target == "own/a/c:1":
            begun.set()
            assert release.wait(30)
        return answer

    others = ["own/a/b:1", "own/a/b@sha256:0", "own/a/b/c:1"]

    async def main() -> None:
        state = ImageState(ask)
        for target in others:
            assert await state.is_there(target)
        slow = asyncio.create_task(state.is_there("own/a/c:1"))
        await asyncio.to_thread(begun.wait, 30)
        # The answer that is under way is older than what happens now.
        answers["own/a/c:1"] = False
        if by_repository:
            state.forget_in({"a/b", "a/c"})
        else:
            for target in ("own/a/b:1", "own/a/b@sha256:0", "own/a/c:1"):
                state.forget(target)
        release.set()
        assert not await slow
        asked.append("after")
        for target in (*others, "own/a/c:1"):
            await state.is_there(target)
        state.close()

    asyncio.run(main())
    assert asked == [*others, "own/a/c:1", "own/a/c:1", "after", "own/a/b:1", "own/a/b@sha256:0"]


def test_a_copy_whose_image_was_deleted_before_its_end_was_told_is_not_believed(tmp_path: Path) -> None:
    world = World(tmp_path)

    def copy(source: str, target: str, secrets: PodSecrets | None) -> None:
        # Another replica's word: it copied, the image was deleted, and only then the word came.
        world.copied.append(source)

    async def main() -> None:
        looks = MirrorLooks(ImageState(world.ask), world.settings, SwapMetrics())
        looks.queue = CopyQueue(world.path, copy, looks.copied)
        admission = read_review(DOCUMENT, RULES)
        for count in (1, 2):
            verdicts = await looks.verdicts(admission.looks, admission, 5.0)
            assert not verdicts[TARGET].swap
            await asyncio.to_thread(waiting, partial(_has_copied, world, count))
            await asyncio.to_thread(waiting, lambda: looks.queue is not None and looks.queue.oldest()[0] == 0)
            await asyncio.sleep(0.05)
        looks.close()

    asyncio.run(main())


def test_copies_that_stand_still_are_told_to_metrics_and_readyz(tmp_path: Path) -> None:
    class Still(CopyQueue):
        def problems(self) -> list[str]:
            return ["copies are not shared: SQS is away"]

    async def main() -> None:
        world, metrics = World(tmp_path), SwapMetrics()
        looks = MirrorLooks(ImageState(world.ask), world.settings, metrics)
        for kind, number in ((Still, b"1.0"), (CopyQueue, b"0.0")):
            looks.queue = kind(world.path, world.copy, looks.copied)
            looks.measure()
            assert b"\nswapper_copies_stand_still " + number + b"\n" in metrics.text()
            assert looks.problems() == list(looks.queue.problems())
            looks.close()

    asyncio.run(main())


def _has_copied(world: World, count: int) -> bool:
    return len(world.copied) == count


def waiting(condition: Callable[[], bool]) -> None:
    ticker = threading.Event()
    for _ in range(1000):
        if condition():
            return
        ticker.wait(0.01)
    raise AssertionError("it did not happen")


def test_what_was_not_copied_when_the_process_ended_is_copied_by_the_next(tmp_path: Path) -> None:
    path, begun, gate = tmp_path / "queue.sqlite", threading.Event(), threading.Event()
    ended: list[tuple[str, OrchestratorError | None]] = []

    def stuck(source: str, target: str, secrets: PodSecrets | None) -> None:
        begun.set()
        gate.wait(30)
        raise OrchestratorError("The process ended.")

    first = CopyQueue(path, stuck, lambda *end: ended.append(end), threads=1)
    assert first.add("a", "x/a")
    assert first.add("b", "x/b")
    assert first.add("a", "x/a")
    assert begun.wait(30)
    assert first.oldest()[0] == 2
    first.close()
    gate.set()
    copied: list[str] = []
    second = CopyQueue(path, lambda source, target, _: copied.append(source), lambda *end: ended.append(end))
    waiting(lambda: len(ended) == 2)
    assert sorted(copied) == ["a", "b"]
    assert all(error is None for _, error in ended)
    second.close()
    with contextlib.closing(sqlite3.connect(path)) as base:
        assert base.execute("select count(*) from wanted").fetchone() == (0,)


def test_what_failed_is_left_for_a_minute(tmp_path: Path) -> None:
    now, ended = [100.0], []
    opened_by: list[PodSecrets | None] = []

    def refuse(source: str, target: str, secrets: PodSecrets | None) -> None:
        opened_by.append(secrets)
        raise OrchestratorError("no such image")

    queue = CopyQueue(
        tmp_path / "queue.sqlite", refuse, lambda target, error: ended.append(target), clock=lambda: now[0]
    )
    assert queue.add("a", "x/a")
    waiting(lambda: len(ended) == 1)
    assert not queue.add("a", "x/a")
    # Another Pod may have the login that this one lacked.
    assert queue.add("a", "x/a", PodSecrets("shop", ("login",)))
    waiting(lambda: len(ended) == 2)
    assert not queue.add("a", "x/a", PodSecrets("shop", ("login",)))
    now[0] += 61
    assert queue.add("a", "x/a")
    waiting(lambda: len(ended) == 3)
    now[0] -= 3600
    assert queue.add("a", "x/a"), "the clock was set back"
    waiting(lambda: len(ended) == 4)
    assert opened_by == [None, PodSecrets("shop", ("login",)), None, None]
    queue.close()


def test_the_time_is_what_the_api_server_gives_less_a_margin() -> None:
    given = {"timeout=10s": 9.0, "timeout=5s": 4.0, "timeout=1s": 0.1, "": 9.0, "timeout=99s": 9.0, "timeout=x": 9.0}
    assert {query: budget(query) for query in given} == given


def test_an_image_that_a_rule_pulls_through_is_redirected_once_its_cache_has_it(tmp_path: Path) -> None:
    world = World(tmp_path, swap_policy="always")
    target, absent = world.verdict_of("nginx:1")
    assert target == f"{OWN}/docker-hub/library/nginx:1"
    # imageSwapPolicy is about mirrors.
    assert absent == Verdict(swap=False, reason="absent, being pulled")
    world.there.add(target)
    assert world.verdict_of("nginx:1") == (target, Verdict(swap=True, reason="there"))


def test_a_registry_of_others_is_warmed_and_not_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.verdict_of("nginx:1", brings={"pull-through"})[1].reason == "absent, being pulled"
    assert world.verdict_of("gcr.io/a/b:1", brings={"pull-through"})[1] == Verdict(swap=False, reason="absent")
