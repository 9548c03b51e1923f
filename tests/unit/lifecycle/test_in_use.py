"""Snapshots of what clusters use: written, read, asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lifecycle.in_use import (
    InvalidSnapshotError,
    Snapshot,
    UsedImage,
    dump_snapshot,
    images_in_use,
    parse_snapshot,
    snapshot_problem,
)

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64
text = st.text(min_size=1, max_size=20)
images = st.builds(
    UsedImage,
    text,
    st.none() | text,
    st.lists(st.just(DIGEST), max_size=1).map(tuple),
    st.lists(text, max_size=3).map(tuple),
)


@given(st.lists(images, max_size=5))
def test_a_snapshot_is_read_as_it_was_written(found: list[UsedImage]) -> None:
    snapshot = Snapshot("prod", NOW, tuple(found))
    again = parse_snapshot(dump_snapshot(snapshot))
    assert dump_snapshot(again) == dump_snapshot(snapshot)
    assert {image.reference for image in again.images} == {image.reference for image in found}


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"cluster": ""},
        {"taken": "2026-07-01T02:00:00"},
        {"taken": "yesterday"},
        {"taken": 3},
        {"images": {}},
        {"images": ["nginx"]},
        {"images": [{"target": "x"}]},
        {"images": [{"reference": "x", "target": 3}]},
        {"images": [{"reference": "x", "digests": ["sha256:short"]}]},
        {"images": [{"reference": "x", "workloads": [None]}]},
        {"uid": 5},
    ],
)
def test_half_a_snapshot_is_none(change: dict[str, object]) -> None:
    good = {"version": 1, "cluster": "prod", "taken": "2026-07-01T02:00:00Z", "images": []}
    assert parse_snapshot(json.dumps(good)).cluster == "prod"
    with pytest.raises(InvalidSnapshotError):
        parse_snapshot(json.dumps(good | change))


@pytest.mark.parametrize(
    "change",
    [
        {"taken": "0001-01-01T00:00:00+14:00"},
        {"taken": "9999-12-31T23:59:59-14:00"},
        {"taken": "x" * 100_000},
        {"version": "x" * 100_000},
        {"version": [[[["x" * 100_000]]]]},
        {"images": [{"reference": "a", "digests": ["9" * 100_000]}]},
    ],
)
def test_a_hostile_value_is_named_in_a_short_sentence(change: dict[str, object]) -> None:
    good = {"version": 1, "cluster": "prod", "taken": "2026-07-01T02:00:00Z", "images": []}
    with pytest.raises(InvalidSnapshotError) as found:
        parse_snapshot(json.dumps(good | change))
    assert len(str(found.value)) < 200


def test_a_snapshot_says_its_cluster_where_it_is_known() -> None:
    named, unnamed = Snapshot("prod", NOW, (), "1b9c"), Snapshot("prod", NOW, ())
    assert parse_snapshot(dump_snapshot(named)) == named
    assert parse_snapshot(dump_snapshot(unnamed)) == unnamed
    assert "uid" not in dump_snapshot(unnamed)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", b"\xff", "[" * 100_000])
def test_what_is_no_json_object_is_no_snapshot(content: str | bytes) -> None:
    with pytest.raises(InvalidSnapshotError):
        parse_snapshot(content)


def test_a_snapshot_is_good_until_its_limit_and_not_from_the_future() -> None:
    limit = timedelta(hours=48)

    def problem(age: timedelta) -> str:
        return snapshot_problem(Snapshot("prod", NOW - age, ()), NOW, limit)

    assert problem(timedelta(0)) == problem(limit) == problem(-timedelta(minutes=4)) == ""
    assert "48.0 hours old" in problem(limit + timedelta(seconds=1))
    assert "future" in problem(-timedelta(minutes=6))


@pytest.mark.parametrize(
    ("reference", "target", "repository", "tag"),
    [
        ("nginx:1.27", f"{HOST}/docker-hub/library/nginx:1.27", "docker-hub/library/nginx", "1.27"),
        ("nginx", f"{HOST}/docker-hub/library/nginx", "docker-hub/library/nginx", "latest"),
        (f"{HOST}/quay/app:1", None, "quay/app", "1"),
        (f"{HOST}/quay/app:1@{DIGEST}", None, "quay/app", "1"),
        ("localhost:5000/quay/app:1", None, "quay/app", "1"),
    ],
)
def test_a_tag_that_a_workload_names_is_in_use(reference: str, target: str | None, repository: str, tag: str) -> None:
    used = images_in_use([Snapshot("prod", NOW, (UsedImage(reference, target, (), ("Deployment/a/b",)),))])
    assert used.user_of(repository, "sha256:other", [tag]) == "prod: Deployment/a/b"
    assert used.user_of(repository, "sha256:other", ["other"]) == ""


def test_a_digest_that_runs_or_is_written_is_in_use_in_every_repository() -> None:
    written = images_in_use([Snapshot("prod", NOW, (UsedImage(f"quay.io/app@{DIGEST}", None),))])
    running = images_in_use([Snapshot("prod", NOW, (UsedImage("quay.io/app:1", None, (DIGEST,)),))])
    for used in (written, running):
        assert used.user_of("elsewhere", DIGEST, [])
    # A digest alone does not mean `latest`.
    assert not written.user_of("app", "sha256:other", ["latest"])
