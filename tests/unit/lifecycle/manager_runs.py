"""A world with repositories, and one run of the manager in it."""

from __future__ import annotations

import heapq
from datetime import timedelta

from orchestrator.lifecycle.events import dispatch
from orchestrator.lifecycle.manager import Manager
from tests.unit.lifecycle.world import NOW, World

# What a snapshot names that nobody asks about.
OTHER = {"reference": "registry.k8s.io/pause:3.10", "target": None}


def filled(count: int, *, images: int = 2) -> World:
    """`count` repositories of which half of the images are stale."""
    world = World()
    for number in range(count):
        for index in range(images):
            fresh = index * 2 >= images
            world.add(f"quay/app{number}", f"i{index}", f"v{index}", pulled=1 if fresh else None)
    return world


def run(world: World, **event: object) -> dict[str, object]:
    return dispatch({"source": "manual", **event}, "request", world.manager, world)


def before_the_last_look(world: World, act: object) -> None:
    """Let `act` happen ahead of the description right before the deletion: the third of the repository."""
    seen = []

    def watch(operation: str, repository: str) -> None:
        if operation == "DescribeImages":
            seen.append(repository)
            if len(seen) == 3:
                act()  # type: ignore[operator]

    world.before = watch


def held(world: World, manager: Manager) -> list[str]:
    """The expire messages of a run, before anyone did them."""
    manager.start("x")
    while not (expire := [entry for entry in world.messages if '"kind":"expire"' in entry[2]]):
        due, _, message = heapq.heappop(world.messages)
        world.clock = max(world.clock, NOW + timedelta(seconds=due))
        manager.work(message)
    world.messages.clear()
    return [message for _, _, message in expire]
