"""The images of an index: in use with it, called by its name, unknown where it cannot be read."""

from __future__ import annotations

import pytest

from orchestrator.findings.parents import parents_key
from orchestrator.lifecycle.in_use import UsedImage
from orchestrator.local.controls import set_faults
from tests.functional.scan_findings.world import REPOSITORY, Run, World, cached_event, inspector_event, scan_event


def test_the_image_of_an_index_that_runs_is_in_use_and_called_by_the_indexs_name(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses("1.27")
    run(cached_event(index))
    assert run(scan_event(child, tags=(), HIGH=1))["reported"] == 1
    (message,) = world.messages()
    assert message["subject"] == f"HIGH: 1 finding in {REPOSITORY}:1.27 (IN USE)"
    assert message["indexes"] == [f"{REPOSITORY}:1.27"]
    assert message["tags"] == []


def test_the_image_of_an_index_that_inspector_scans_is_in_use_too(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses("1.27")
    run(cached_event(index), SCAN_TYPE="ENHANCED")
    event = inspector_event(child)
    del event["detail"]["resources"][0]["details"]["awsEcrContainerImage"]["imageTags"]
    run(event)
    assert world.messages()[0]["in_use"] is True


def test_the_image_of_an_index_that_nobody_runs_is_not_in_use(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses()
    run(cached_event(index))
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is False


def test_a_tag_that_moved_to_another_index_does_not_count_for_the_old_one(world: World, run: Run) -> None:
    old, child = world.index()
    new, new_child = world.index(name="newer")
    world.uses("1.27")
    for index in (old, new):
        run(cached_event(index))
    for image in (child, new_child):
        run(scan_event(image, tags=(), HIGH=1))
    messages = {message["digest"]: message for message in world.messages()}
    assert messages[child]["in_use"] is False
    assert messages[new_child]["in_use"] is True


def test_of_an_image_without_tag_and_known_index_it_is_not_known_whether_it_is_in_use(world: World, run: Run) -> None:
    """Cached before the function was there, or pushed by somebody: the snapshot names its index."""
    _, child = world.index()
    world.uses("1.27")
    world.clients["ecr"].start_image_scan(repositoryName=REPOSITORY, imageId={"imageDigest": child})
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


@pytest.mark.parametrize("note", [b"", b"{", b'{"indexes": [{}]}', b'{"indexes": 1}', b"null"])
def test_a_note_that_cannot_be_read_is_as_none(world: World, run: Run, note: bytes) -> None:
    _, child = world.index()
    world.uses("1.27")
    world.clients["ecr"].start_image_scan(repositoryName=REPOSITORY, imageId={"imageDigest": child})
    world.clients["s3"].put_object(Bucket=world.bucket, Key=parents_key(child), Body=note)
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


def test_an_index_that_is_gone_leaves_it_unknown(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses()
    run(cached_event(index))
    world.clients["ecr"].batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": index}])
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None


def test_an_index_that_is_gone_and_runs_still_is_in_use(world: World, run: Run) -> None:
    index, child = world.index()
    world.snapshot(UsedImage("nginx:1.27", None, (index,), ("Deployment/web/front",)))
    run(cached_event(index))
    world.clients["ecr"].batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": index}])
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["used_by"] == "prod: Deployment/web/front"


def test_indexes_that_cannot_be_read_leave_it_unknown(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses()
    run(cached_event(index))
    fault = {"services": ["ecr"], "operations": ["DescribeImages"], "code": "AccessDeniedException", "status": 400}
    set_faults(world.local, {**fault, "rate": 1})
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is None
