"""`orchestrator lifecycle restore` as a shell runs it, against the embedded AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lifecycle.records import Record, dump_records
from orchestrator.local.client import SeedImage, seed_upstream
from tests.functional.lifecycle.conftest import days_ago
from tests.functional.lifecycle.test_function import old, used

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.lifecycle.world import World


def manifest(name: str, **extra: Any) -> str:
    digest = "sha256:" + name.encode().hex().zfill(64)
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 1},
            "layers": [],
            **extra,
        }
    )


def expire(world: World) -> str:
    """Where the audit of a run is that expired something."""
    done = world.run("run", "dev", "--local", "--yes", "--json")
    assert (done.code, done.json["failed"]) == (0, {}), done.out + done.err
    assert done.json["expired"]
    return str(done.json["audit"])


def test_every_tag_of_an_image_is_pulled_again(world: World) -> None:
    text = manifest("app")
    world.aws.seed("quay/app", SeedImage(tags=("1", "1.2"), manifest=text, pushed_at=days_ago(90)), used("2"))
    for tag, held in (("1", manifest("app, rebuilt")), ("1.2", text)):
        seed_upstream(world.aws.local, "quay.io", "app", tag, [held])
    audit = expire(world)
    assert world.aws.tags("quay/app") == {"2"}
    back = world.run("restore", "dev", "--local", "--json", "--from", audit)
    assert {row["tag"]: row["outcome"] for row in back.json["images"]} == {"1": "moved", "1.2": "restored"}
    assert world.aws.tags("quay/app") == {"1", "1.2", "2"}
    assert back.code == 0
    assert "the tag now names sha256:" in world.run("restore", "dev", "--local", "--from", audit).out


def test_what_was_brought_out_of_the_archive_does_not_go_back_the_next_night(
    make_world: Callable[..., World],
) -> None:
    world = make_world('expire_action = "archive"')
    world.aws.seed("quay/app", old("1"), used("2"))
    audit = expire(world)
    assert world.aws.tags("quay/app") == {"2"}
    assert world.run("restore", "dev", "--local", "--from", audit).code == 0
    again = world.run("run", "dev", "--local", "--yes", "--json")
    assert (again.code, again.json["expired"]) == (0, 0)
    assert world.aws.tags("quay/app") == {"1", "2"}
    # A second restore finds nothing to do and says so.
    twice = world.run("restore", "dev", "--local", "--from", audit)
    assert (twice.code, "it was not in the archive any more" in twice.out) == (0, True)


def test_an_archived_image_that_was_deleted_since_is_pulled_again(make_world: Callable[..., World]) -> None:
    world = make_world('expire_action = "archive"')
    text = manifest("app")
    world.aws.seed("quay/app", SeedImage(tags=("1",), manifest=text, pushed_at=days_ago(90)), used("2"))
    seed_upstream(world.aws.local, "quay.io", "app", "1", [text])
    audit = expire(world)
    world.aws.ecr.batch_delete_image(repositoryName="quay/app", imageIds=[{"imageTag": "1"}])
    back = world.run("restore", "dev", "--local", "--json", "--from", audit)
    assert [row["outcome"] for row in back.json["images"]] == ["restored"]
    assert world.aws.tags("quay/app") == {"1", "2"}


RECORD = Record(
    stage="planned",
    outcome="",
    action="delete",
    run="20260701-abc",
    environment="dev",
    at="2026-07-01T02:00:00Z",
    repository="quay/app",
    digest="sha256:" + "0" * 64,
    tags=("1",),
    media_type="",
    size=1,
    pushed_at="2026-01-01T00:00:00Z",
    pulled_at=None,
    reason="not pulled for 90 days (limit 30)",
    root="sha256:" + "0" * 64,
    upstream="quay.io/app:1",
)


@pytest.mark.parametrize("there", [True, False], ids=["still there", "gone"])
def test_of_a_run_that_died_what_is_gone_comes_back_and_what_is_there_stays(
    world: World, tmp_path: Path, there: bool
) -> None:
    text = manifest("app")
    (digest,) = world.aws.seed("quay/app", SeedImage(tags=("1",), manifest=text, pushed_at=days_ago(90)))
    seed_upstream(world.aws.local, "quay.io", "app", "1", [text])
    if not there:
        world.aws.ecr.batch_delete_image(repositoryName="quay/app", imageIds=[{"imageTag": "1"}])
    (tmp_path / "audit.jsonl").write_bytes(dump_records([replace(RECORD, digest=digest, root=digest)]))
    back = world.run("restore", "dev", "--local", "--json", "--from", str(tmp_path / "audit.jsonl"))
    assert [row["outcome"] for row in back.json["images"]] == ["present" if there else "restored"]
    assert world.aws.tags("quay/app") == {"1"}
    pulled = world.aws.ecr.describe_images(repositoryName="quay/app")["imageDetails"][0].get("lastRecordedPullTime")
    # Looking whether it is there is no pull.
    assert (pulled is None) == there
    assert pulled is None or pulled < datetime.now(UTC)


def test_an_audit_of_nothing_that_went_is_refused(world: World, tmp_path: Path) -> None:
    refused = replace(RECORD, stage="done", outcome="refused")
    (tmp_path / "audit.jsonl").write_bytes(dump_records([RECORD, refused]))
    done = world.run("restore", "dev", "--local", "--from", str(tmp_path / "audit.jsonl"))
    assert (done.code, "no image that was expired" in done.err) == (2, True)


def test_an_audit_of_another_environment_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(dump_records([replace(RECORD, environment="prod")]))
    done = world.run("restore", "dev", "--local", "--from", str(tmp_path / "audit.jsonl"))
    assert (done.code, 'is the audit of environment "prod", not of "dev"' in done.err) == (2, True)
