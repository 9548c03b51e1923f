"""Whatever order the calls of replicas come in, and whoever dies: each image is copied once in each of its lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.unit.swapper.copies_world import TARGETS, World, open_table

# Each finds what one order of calls shows; the first ones are seen to find a lost condition of the table.
FEW, MANY = 12, 80
STEPS = 60


@pytest.fixture(scope="module")
def table() -> Iterator[Any]:
    with mock_aws():
        yield open_table()


@pytest.mark.parametrize(
    "seed", [*range(FEW), *(pytest.param(one, marks=pytest.mark.long) for one in range(FEW, MANY))]
)
def test_each_image_is_copied_once_in_each_of_its_lives_and_at_last(seed: int, table: Any) -> None:
    for target in TARGETS:
        table.delete_item(TableName="copies", Key={"job": {"S": target}})
    world = World(seed, table)
    for _ in range(STEPS):
        world.happen()
    assert world.faults == []
    assert {one: count for one, count in world.copied.items() if count > world.lives[one]} == {}
    # Nobody dies any more, and Pods go on coming: every image is there in the end, and nobody waits for one.
    world.dies = 0.0
    for _ in range(400):
        world.settle()
        if world.is_settled():
            break
    assert world.there == set(TARGETS)
    assert world.is_settled()
    assert {one: count for one, count in world.copied.items() if count > world.lives[one]} == {}
