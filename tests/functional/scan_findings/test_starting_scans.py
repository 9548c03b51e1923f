"""Scans that the function starts when an image was cached, and those that ECR refuses."""

from __future__ import annotations

import json

import pytest

from orchestrator.lifecycle.ports import PortError
from orchestrator.local.controls import SeedImage, set_faults
from tests.functional.scan_findings.world import Run, World, cached_event, scan_event


def test_a_newly_cached_image_is_scanned(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    done = run(cached_event(digest))
    assert (done["scans"], done["started"], done["not_scanned"]) == ({digest: "started"}, 1, 0)
    assert world.calls("StartImageScan") == 1


def test_a_scan_beyond_a_limit_is_counted_as_not_scanned_with_ecrs_words(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = world.image([], scanned=False)
    words = "The scan quota per image has been exceeded."
    fault = {"services": ["ecr"], "operations": ["StartImageScan"], "code": "LimitExceededException", "message": words}
    set_faults(world.local, {**fault, "status": 400, "rate": 1})
    done = run(cached_event(digest))
    assert (done["started"], done["not_scanned"]) == (0, 1)
    logged = json.loads(capsys.readouterr().out)
    assert words in logged["scans"][digest]
    assert "100,000" in logged["scans"][digest]


def test_of_an_index_each_image_is_scanned(world: World, run: Run) -> None:
    children = world.seed(SeedImage(name="amd64"), SeedImage(name="arm64"))
    (index,) = world.seed(SeedImage(tags=["1.27"], name="index", children=children))
    assert run(cached_event(index))["scans"] == dict.fromkeys(children, "started")


def test_an_image_of_a_type_that_ecr_does_not_scan_is_counted_with_the_reason(world: World, run: Run) -> None:
    digest = world.image([], scanned=False)
    fault = {"services": ["ecr"], "operations": ["StartImageScan"], "code": "UnsupportedImageTypeException"}
    set_faults(world.local, {**fault, "status": 400, "rate": 1})
    done = run(cached_event(digest))
    assert (done["scans"], done["started"]) == ({digest: "ECR does not scan this type of image"}, 0)
    assert done["not_scanned"] == 1


def test_with_enhanced_scanning_there_is_nothing_to_start(world: World, run: Run) -> None:
    index, _ = world.index()
    assert run(cached_event(index), SCAN_TYPE="ENHANCED")["images"] == 1
    assert world.calls("StartImageScan") == 0


def test_with_enhanced_scanning_an_image_that_the_role_cannot_read_is_no_failure(world: World, run: Run) -> None:
    """Rules made by hand: the role reads below the prefixes that the module was told of."""
    index, _ = world.index()
    fault = {"services": ["ecr"], "operations": ["BatchGetImage"], "code": "AccessDeniedException", "status": 400}
    set_faults(world.local, {**fault, "rate": 1})
    assert run(cached_event(index), SCAN_TYPE="ENHANCED")["images"] == 0
    with pytest.raises(PortError, match="AccessDenied"):
        run(cached_event(index), SCAN_TYPE="BASIC")


def test_an_index_whose_scan_is_refused_is_noted_all_the_same(world: World, run: Run) -> None:
    index, child = world.index()
    world.uses("1.27")
    fault = {"services": ["ecr"], "operations": ["StartImageScan"], "code": "LimitExceededException", "status": 400}
    set_faults(world.local, {**fault, "rate": 1})
    assert run(cached_event(index))["not_scanned"] == 1
    set_faults(world.local)
    run(scan_event(child, tags=(), HIGH=1))
    assert world.messages()[0]["in_use"] is True
