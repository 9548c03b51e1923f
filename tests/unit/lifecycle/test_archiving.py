"""Archiving, which takes a call an image: what an interruption leaves is finished, and nothing fails for being done already."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.lifecycle.audit import parse_records, restorable
from orchestrator.lifecycle.events import dispatch
from orchestrator.lifecycle.ports import Refusal
from tests.unit.lifecycle.world import World

ARCHIVE = '{"default": {"expire_action": "archive"}}'


def run(world: World, **event: object) -> dict[str, object]:
    return dispatch({"source": "manual", **event}, "request", lambda: world.manager(RETENTION=ARCHIVE), world)


def archived(world: World, repository: str = "quay/app") -> int:
    return sum(not image.is_active for image in world.repositories[repository].values())


def with_index(children: int = 2) -> World:
    """A repository with an index that expires and as many images that stay."""
    world = World()
    below = [world.add("quay/app", f"child{number}") for number in range(children)]
    world.add("quay/app", "index", "v1", children=below)
    for number in range(children + 2):
        world.add("quay/app", f"new{number}", f"new{number}", pulled=1)
    return world


def test_what_is_left_of_an_archived_index_is_archived_by_the_next_run() -> None:
    world = with_index()
    archive = world.archive
    world.archive = lambda repository, digests: (  # type: ignore[method-assign]
        [Refusal(digest, "ThrottlingException", "") for digest in digests]
        if any(not world.texts[digest].count("index") for digest in digests)
        else archive(repository, digests)
    )
    assert (run(world)["expired"], archived(world)) == (1, 1)
    world.archive = archive  # type: ignore[method-assign]
    assert run(world)["expired"] == 2
    assert archived(world) == 3
    assert run(world)["expiring"] == 0


def test_what_another_run_archived_first_is_no_failure_and_can_be_brought_back() -> None:
    world = with_index(1)
    archive = world.archive

    def answer_is_lost(repository: str, digests: Sequence[str]) -> Sequence[Refusal]:
        archive(repository, digests)
        return archive(repository, digests)

    world.archive = answer_is_lost  # type: ignore[method-assign]
    report = run(world)
    assert (report["refused"], report["failed"], archived(world)) == (0, {}, 2)
    audit = [content for key, content in world.storage.objects.items() if key.startswith("audit/")]
    assert len(restorable([record for content in audit for record in parse_records(content)])) == 2


def test_it_is_no_failure_where_ecr_describes_active_images_only() -> None:
    world = with_index(1)
    archive, describe = world.archive, world.describe
    world.describe = lambda repository, digests: [  # type: ignore[method-assign]
        image for image in describe(repository, digests) if image.is_active
    ]
    world.archive = lambda repository, digests: archive(repository, digests) or archive(repository, digests)  # type: ignore[method-assign]
    report = run(world)
    assert (report["refused"], report["failed"], archived(world)) == (0, {}, 2)


def test_a_refusal_of_an_image_that_is_not_archived_is_one() -> None:
    world = with_index(1)
    code = "ImageStorageClassUpdateNotSupportedException"
    world.archive = lambda repository, digests: [Refusal(digest, code, "no") for digest in digests]  # type: ignore[method-assign]
    report = run(world)
    assert (report["refused"], archived(world)) == (2, 0)
    assert "quay/app" in report["failed"]  # type: ignore[operator]


def test_the_deadline_is_looked_at_every_few_images() -> None:
    world = World()
    for number in range(60):
        world.add("quay/app", f"old{number}", f"old{number}")
        world.add("quay/app", f"new{number}", f"new{number}", pulled=1)

    def slow(operation: str, repository: str) -> None:
        if operation == "UpdateImageStorageClass" and archived(world) >= 20:
            world.seconds_left = 0

    world.before = slow
    answer = run(world)
    assert archived(world) == 30
    assert (answer["continued"], answer["expired"], answer["images"]) == (True, 30, 120)
    world.before, world.seconds_left = (lambda operation, repository: None), float("inf")
    assert world.deliver(world.manager(RETENTION=ARCHIVE)) == []
    assert archived(world) == 60
