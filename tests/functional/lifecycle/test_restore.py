"""`orchestrator lifecycle restore` as a shell runs it, against the embedded AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lifecycle.audit import AuditRecord, dump_records
from orchestrator.local.controls import SeedImage, seed_upstream
from tests.functional.lifecycle.conftest import days_ago
from tests.functional.lifecycle.test_function import old, used

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.lifecycle.world import World


MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def manifest(name: str, **extra: Any) -> str:
    digest = "sha256:" + name.encode().hex().zfill(64)
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
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
    # The image is there again, but not what tag 1 meant.
    assert back.code == 1
    said = world.run("restore", "dev", "--local", "--from", audit).out
    assert "quay/app:1: moved: the tag now names sha256:" in said
    assert "(the image itself is there, without this tag)" in said
    assert "1 of 2 came back." in said


def test_a_tag_that_names_another_image_brings_nothing_back(world: World) -> None:
    world.aws.seed("quay/app", SeedImage(tags=("1",), manifest=manifest("app"), pushed_at=days_ago(90)), used("2"))
    seed_upstream(world.aws.local, "quay.io", "app", "1", [manifest("app, rebuilt")])
    back = world.run("restore", "dev", "--local", "--from", expire(world))
    assert ", which did not come back\n" in back.out
    assert "0 of 1 came back." in back.out
    assert back.code == 1


def test_what_is_attached_to_an_image_by_its_subject_alone_does_not_come_back_and_that_is_said(world: World) -> None:
    text = manifest("app")
    digest = f"sha256:{sha256(text.encode()).hexdigest()}"
    subject = {"mediaType": MANIFEST, "digest": digest, "size": len(text)}
    signature = SeedImage(manifest=manifest("signature", subject=subject), pushed_at=days_ago(90))
    world.aws.seed(
        "quay/app", SeedImage(tags=("1",), manifest=text, pushed_at=days_ago(90)), signature, used("2"), used("3")
    )
    seed_upstream(world.aws.local, "quay.io", "app", "1", [text])
    back = world.run("restore", "dev", "--local", "--json", "--from", expire(world))
    rows = {row["tag"]: (row["outcome"], row["detail"]) for row in back.json["images"]}
    assert rows == {
        "1": ("restored", ""),
        None: ("unavailable", "it has no tag to be pulled by, and no index that came back lists it"),
    }
    assert back.code == 1


def test_an_image_of_two_indexes_comes_back_with_either(world: World) -> None:
    child = manifest("child")
    digest = f"sha256:{sha256(child.encode()).hexdigest()}"
    indexes = {
        tag: json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": [{"mediaType": MANIFEST, "digest": digest, "size": len(child)}],
                "annotations": {"tag": tag},
            }
        )
        for tag in ("1", "2")
    }
    world.aws.seed("quay/app", SeedImage(manifest=child, pushed_at=days_ago(90)))
    for tag, text in indexes.items():
        world.aws.seed("quay/app", SeedImage(tags=(tag,), manifest=text, pushed_at=days_ago(90)))
    world.aws.seed("quay/app", used("3"), used("4"), used("5"))
    # Tag 1 is gone at its source.
    seed_upstream(world.aws.local, "quay.io", "app", "2", [child, indexes["2"]])
    back = world.run("restore", "dev", "--local", "--json", "--from", expire(world))
    rows = {row["tag"]: row["outcome"] for row in back.json["images"]}
    assert rows == {"1": "unavailable", "2": "restored", None: "with its index"}
    assert world.aws.tags("quay/app") == {"2", "3", "4", "5"}


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


def test_a_tag_that_an_archived_image_lost_is_told(make_world: Callable[..., World]) -> None:
    world = make_world('expire_action = "archive"')
    image = SeedImage(tags=("1", "stable"), manifest=manifest("app"), pushed_at=days_ago(90))
    world.aws.seed("quay/app", image, used("2"))
    audit = expire(world)
    world.aws.seed("quay/app", SeedImage(tags=("stable",), manifest=manifest("app, newer"), pushed_at=days_ago(1)))
    back = world.run("restore", "dev", "--local", "--json", "--from", audit)
    rows = {row["tag"]: (row["outcome"], row["detail"]) for row in back.json["images"]}
    assert rows == {"1": ("restored", ""), "stable": ("moved", "the image itself is there, without this tag")}
    assert back.code == 1


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


RECORD = AuditRecord(
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


def test_of_an_image_that_a_run_left_every_tag_is_told(world: World, tmp_path: Path) -> None:
    (digest,) = world.aws.seed("quay/app", SeedImage(tags=("1", "stable"), pushed_at=days_ago(90)))
    (other,) = world.aws.seed(
        "quay/app", SeedImage(tags=("stable",), manifest=manifest("newer"), pushed_at=days_ago(1))
    )
    planned = replace(RECORD, digest=digest, root=digest, tags=("1", "stable"))
    (tmp_path / "audit.jsonl").write_bytes(dump_records([planned]))
    back = world.run("restore", "dev", "--local", "--json", "--from", str(tmp_path / "audit.jsonl"))
    rows = {row["tag"]: (row["outcome"], row["now"]) for row in back.json["images"]}
    assert rows == {"1": ("present", digest), "stable": ("moved", other)}
    assert back.code == 1


def test_a_last_line_that_is_cut_short_costs_its_own_image_alone(world: World, tmp_path: Path) -> None:
    text = manifest("app")
    (digest,) = world.aws.seed("quay/app", SeedImage(tags=("1",), manifest=text, pushed_at=days_ago(90)))
    whole = dump_records([replace(RECORD, digest=digest, root=digest)])
    audit = tmp_path / "audit.jsonl"
    audit.write_bytes(whole + dump_records([replace(RECORD, repository="quay/other")])[:-40])
    back = world.run("restore", "dev", "--local", "--json", "--from", str(audit))
    assert [row["repository"] for row in back.json["images"]] == ["quay/app"]
    assert back.json["cut_short"] == [str(audit)]
    assert f"the last line of {audit} is cut short" in back.err
    assert back.code == 1
    # A whole one needs no newline behind it.
    audit.write_bytes(whole.rstrip())
    assert world.run("restore", "dev", "--local", "--from", str(audit)).code == 0


@pytest.mark.parametrize(
    "member",
    [{"at": 5}, {"tags": "abc"}, {"tags": [1]}, {"repository": None}, {"digest": "1"}, {"size": "x"}, {"version": 2}],
    ids=lambda member: next(iter(member)),
)
def test_a_line_that_is_no_record_is_named_with_its_file(world: World, tmp_path: Path, member: dict[str, Any]) -> None:
    line = json.loads(dump_records([RECORD])) | member
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(dump_records([RECORD]))
    (folder / "b.jsonl").write_bytes(dump_records([RECORD]) + json.dumps(line).encode() + b"\n")
    done = world.run("restore", "dev", "--local", "--from", str(folder))
    assert done.code == 2
    assert f"{folder / 'b.jsonl'} is no audit" in done.err
    assert f"line 2: {next(iter(member))} is" in done.err
    assert "Fetch it from the bucket again" in done.err


def test_an_audit_of_nothing_that_went_is_refused(world: World, tmp_path: Path) -> None:
    refused = replace(RECORD, stage="done", outcome="refused")
    (tmp_path / "audit.jsonl").write_bytes(dump_records([RECORD, refused]))
    done = world.run("restore", "dev", "--local", "--from", str(tmp_path / "audit.jsonl"))
    assert (done.code, "no image that was expired" in done.err) == (2, True)


def test_an_audit_of_another_environment_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(dump_records([replace(RECORD, environment="prod")]))
    done = world.run("restore", "dev", "--local", "--from", str(tmp_path / "audit.jsonl"))
    assert (done.code, 'is the audit of environment "prod", not of "dev"' in done.err) == (2, True)
    (tmp_path / "audit.jsonl").write_bytes(dump_records([replace(RECORD, environment="")]))
    done = world.run("restore", "dev", "--local", "--from", str(tmp_path / "audit.jsonl"))
    assert (done.code, 'write "environment": "dev" into a copy' in done.err) == (2, True)
