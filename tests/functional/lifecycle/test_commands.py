"""`orchestrator lifecycle` as a shell runs it, against the embedded AWS."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from orchestrator.local.controls import SeedImage, first_pull, recorded_requests, set_faults
from tests.functional.lifecycle.conftest import days_ago
from tests.functional.lifecycle.test_function import old, used

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.lifecycle.world import World

GB = 2**30


def test_preview_says_what_would_go_why_and_what_it_saves_and_changes_nothing(world: World) -> None:
    world.aws.seed("quay/app", old("1", size=30 * GB), used("2", size=GB), used("3", size=GB))
    world.aws.seed("quay/small", old("1", size=GB), used("2", size=GB))
    world.aws.seed("team/app", old("1", size=GB))
    done = world.run("preview", "dev", "--local", "--json")
    assert done.code == 0, done.err
    document = done.json
    assert [row["repository"] for row in document["repositories"]] == ["quay/app", "quay/small"]
    assert document["expiring"] == {"images": 2, "bytes": 31 * GB, "archived_bytes": 0, "saving": 3.1}
    (image,) = document["repositories"][0]["expire"]
    assert (image["tags"], image["bytes"], image["last_pull"]) == (["1"], 30 * GB, None)
    assert image["reason"].startswith("not pulled for 90 days")
    priced = world.run("preview", "dev", "--local", "--json", "--price", "0.2").json
    assert priced["expiring"]["saving"] == 6.2
    rows = list(csv.DictReader(io.StringIO(world.run("preview", "dev", "--local", "--csv").out)))
    assert [(row["repository"], row["tags"]) for row in rows] == [("quay/app", "1"), ("quay/small", "1")]
    text = world.run("preview", "dev", "--local")
    assert "quay/app: 1 of 3 images, 30.0 GB" in text.out
    assert "Saves up to 3.10 a month" in text.out
    operations = {request["operation"] for request in recorded_requests(world.aws.local)}
    assert not operations & {"BatchDeleteImage", "PutLifecyclePolicy", "UpdateImageStorageClass", "PutObject"}


def test_preview_shows_aws_own_engine_side_by_side(world: World) -> None:
    world.aws.seed("quay/app", old(name="untagged"), old("1"), used("2"), used("3"), used("4"))
    document = world.run("preview", "dev", "--local", "--json", "--native").json
    assert document["repositories"][0]["expiring"] == 2
    assert document["native"]["quay/app"] == {"expiring": 1, "problem": "", "policy": "untagged"}
    world.aws.seed("quay/other", SeedImage(pushed_at=days_ago(90), pulled_at=days_ago(1)), used("1"))
    text = world.run("preview", "dev", "--local", "--native").out
    assert "quay/app: 2 of 5 images, 100.0 MB  0.01 a month  (AWS's own engine: 1)" in text
    assert "quay/other: nothing  (AWS's own engine: 1)" in text


def test_where_the_retention_archives_ecr_gets_no_policy_and_is_not_asked(make_world: Callable[..., World]) -> None:
    world = make_world('expire_action = "archive"')
    world.aws.seed("quay/app", old(name="untagged"), old("1"), used("2"), used("3"), used("4"))
    document = world.run("preview", "dev", "--local", "--json", "--native").json
    assert document["native"]["quay/app"] == {"expiring": 0, "problem": "", "policy": None}


def test_aws_own_engine_is_asked_with_the_policy_that_the_repository_would_have(
    make_world: Callable[..., World],
) -> None:
    world = make_world('overrides = [{ pattern = "quay/never", never = true }]')
    # By the native policy each would lose one.
    for repository in ("quay/never", "quay/own", "quay/ours"):
        world.aws.seed(repository, SeedImage(pushed_at=days_ago(90), pulled_at=days_ago(1)), used("1"))
    selection = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 80}
    policy = {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
    world.aws.ecr.put_lifecycle_policy(repositoryName="quay/own", lifecyclePolicyText=json.dumps(policy))
    document = world.run("preview", "dev", "--local", "--json", "--native").json
    assert document["native"] == {
        "quay/never": {"expiring": 0, "problem": "", "policy": None},
        "quay/ours": {"expiring": 1, "problem": "", "policy": "untagged"},
        "quay/own": {"expiring": 2, "problem": "", "policy": "own"},
    }
    text = world.run("preview", "dev", "--local", "--native").out
    assert "quay/own: nothing  (AWS's own engine, by the repository's own policy: 2)" in text
    assert "quay/never" not in text


def test_a_preview_that_could_not_read_everything_fails_and_says_what(world: World) -> None:
    world.aws.seed("quay/app", old("1"), used("2"), used("3"))
    # One of them is denied, whichever is asked for first: the guard stops another.
    for most in ("quay/most", "quay/more"):
        world.aws.seed(most, old("1"), old("2"), used("3"))
    denied = {"operations": ["GetLifecyclePolicy"], "code": "AccessDeniedException", "rate": 1.0, "limit": 1}
    for form in ((), ("--json",), ("--csv",)):
        set_faults(world.aws.local, denied)
        done = world.run("preview", "dev", "--local", *form)
        assert done.code == 1, form
        assert "AccessDeniedException" in (done.err if form == ("--csv",) else done.out)
    assert done.out.startswith("repository,digest,")
    assert re.search(r"guard: quay/mo(st|re): 2 of 3 images would expire", done.err)
    assert "note: no cluster is declared" in done.err
    set_faults(world.aws.local)
    assert world.run("preview", "dev", "--local").code == 0


def test_what_the_guard_holds_back_is_listed_by_its_size_and_in_no_sum(world: World) -> None:
    world.aws.seed("quay/app", old("1", size=GB), used("2"), used("3"))
    world.aws.seed("quay/most", old("1", size=GB), old("2", size=GB), used("3"))
    document = world.run("preview", "dev", "--local", "--json").json
    assert [row["repository"] for row in document["repositories"]] == ["quay/app"]
    assert document["expiring"]["bytes"] == GB
    (held_back,) = document["guarded_repositories"]
    assert (held_back["repository"], held_back["expiring"], held_back["bytes"]) == ("quay/most", 2, 2 * GB)
    assert held_back["saving"] == 0.2
    lines = [line for line in world.run("preview", "dev", "--local").out.splitlines() if " images, " in line]
    assert lines == [
        "quay/most: 2 of 3 images, 2.0 GB  0.20 a month but for the guard",
        "quay/app: 1 of 3 images, 1.0 GB  0.10 a month",
    ]


def test_what_many_small_repositories_save_adds_up(world: World) -> None:
    for number in range(20):
        world.aws.seed(f"quay/app-{number}", old("1", size=20 * 2**20), used("2"), used("3"))
    document = world.run("preview", "dev", "--local", "--json").json
    total = document["expiring"]["saving"]
    assert abs(total - 20 * 20 / 1024 * 0.1) < 0.0001
    assert abs(sum(row["saving"] for row in document["repositories"]) - total) < 0.0001
    text = world.run("preview", "dev", "--local").out
    assert "quay/app-0: 1 of 3 images, 20.0 MB  less than 0.01 a month" in text
    assert "Saves up to 0.04 a month" in text


def test_where_no_price_is_known_it_is_said(world: World) -> None:
    (world.root / "environments" / "dev.tfvars").write_text(
        'cluster_name = "dev"\n'
        f'account_id = "{world.aws.account_id}"\n'
        'aws_region = "cn-north-1"\n'
        "create_vpc_endpoints = false\n"
        'mirrors = { docker-hub = { source = "docker.io" } }\n'
    )
    assert "no price is known for the partition aws-cn; --price gives one" in world.run("preview", "dev", "--local").err
    priced = world.run("preview", "dev", "--local", "--price", "0.5")
    assert (priced.code, "no price" in priced.err) == (0, False)


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "abc", "-1"])
@pytest.mark.parametrize("option", ["--price", "--allow-fraction"])
def test_what_is_no_finite_number_is_refused(world: World, option: str, value: str) -> None:
    done = world.run("preview", "dev", "--local", option, value)
    assert done.code == 2
    assert value in done.err
    assert "Traceback" not in done.err


def test_a_name_that_is_taken_for_a_fraction_is_said_so(world: World) -> None:
    for arguments in (("run", "--yes", "--local"), ("preview", "--local"), ("invoke", "--local")):
        done = world.run(*arguments, "--allow-fraction", "dev")
        assert done.code == 2
        assert "NAME comes before --allow-fraction" in done.err
    assert world.run("preview", "--local", "dev", "--allow-fraction").code == 0
    assert world.run("preview", "--allow-fraction", "1", "dev", "--local").code == 0


def test_a_run_that_goes_on_in_the_queue_is_said_to(make_world: Callable[..., World]) -> None:
    """The function's answer when its deadline came first."""
    world = make_world(more="enabled = true")
    answer = {"run": "20260701-abc", "processed": 7, "expired": 0, "stopped": "", "continued": True, "tasks": 2}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("told.py", f"def handle(event, context):\n    return {answer!r}\n")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = world.aws.client("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    world.aws.client("lambda").create_function(
        FunctionName="ecr-lifecycle-manager",
        Runtime="python3.13",
        Role=role,
        Handler="told.handle",
        Code={"ZipFile": content.getvalue()},
    )
    done = world.run("invoke", "dev", "--local")
    assert done.code == 0, done.err
    assert "it goes on in the queue, with 2 tasks" in done.out
    assert "runs/20260701-abc/report.json" in done.out
    assert "So far: 0 images expired in 7 cached repositories." in done.out


def test_run_expires_and_restore_brings_back_and_says_where_a_tag_has_moved(world: World) -> None:
    tag = first_pull(world.aws.local, world.aws.account_id, "eu-west-1", "quay/app", "same")
    world.aws.seed("quay/app", old("gone"), used("2"), used("3"))
    manifest = world.aws.ecr.batch_get_image(repositoryName="quay/app", imageIds=[{"imageTag": "same"}])["images"][0]
    world.aws.seed(
        "quay/app",
        SeedImage(tags=("same",), manifest=manifest["imageManifest"], pushed_at=days_ago(90), pulled_at=days_ago(80)),
    )
    assert tag in world.aws.digests("quay/app")
    refused = world.run("run", "dev", "--local")
    assert refused.code == 2
    done = world.run("run", "dev", "--local", "--yes", "--json")
    assert (done.code, done.json["expired"]) == (0, 2), done.err
    assert world.aws.tags("quay/app") == {"2", "3"}
    again = world.run("run", "dev", "--local", "--yes")
    assert again.code == 0
    assert "0 images expired in 1 cached repository" in again.out
    back = world.run("restore", "dev", "--local", "--json", "--from", done.json["audit"])
    rows = {row["tag"]: row for row in back.json["images"]}
    assert rows["same"]["outcome"] == "restored"
    assert rows["gone"]["outcome"] == "unavailable"
    assert "answers 404 (MANIFEST_UNKNOWN)" in rows["gone"]["detail"]
    assert "quay.io/app:gone" in rows["gone"]["detail"]
    assert back.code == 1
    # Only a pull by the registry API is known to make ECR import an image.
    operations = [request["operation"] for request in recorded_requests(world.aws.local)]
    assert "GetAuthorizationToken" in operations


def test_what_is_archived_is_not_counted_as_saved(make_world: Callable[..., World]) -> None:
    world = make_world('expire_action = "archive"')
    world.aws.seed("quay/app", old("1", size=30 * GB), used("2", size=GB))
    document = world.run("preview", "dev", "--local", "--json", "--price", "0.2").json
    assert document["expiring"] == {"images": 1, "bytes": 30 * GB, "archived_bytes": 30 * GB, "saving": 0.0}
    assert "billed like standard storage up to 150 TB" in world.run("preview", "dev", "--local").err


def test_a_declared_cluster_without_snapshot_stops_a_run_and_one_from_a_file_is_used(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(more='clusters = ["prod"]')
    world.aws.seed("quay/app", old("1"), old("2"), used("3"), used("4"))
    stopped = world.run("run", "dev", "--local", "--yes", "--json")
    assert (stopped.code, stopped.json["expired"]) == (1, 0)
    assert 'snapshot of cluster "prod": it is missing' in stopped.json["stopped"]
    snapshot = tmp_path / "prod.json"
    images = [{"reference": "quay.io/app:1", "target": "registry.example/quay/app:1"}]
    moment = days_ago(0).isoformat()
    snapshot.write_text(json.dumps({"version": 1, "cluster": "prod", "taken": moment, "images": images}))
    done = world.run("run", "dev", "--local", "--yes", "--json", "--snapshot", str(snapshot))
    assert (done.code, done.json["expired"]) == (0, 1), done.err
    assert world.aws.tags("quay/app") == {"1", "3", "4"}
    snapshot.write_text("{}")
    assert world.run("preview", "dev", "--local", "--snapshot", str(snapshot)).code == 2


def test_what_amazon_inspector_sees_running_stays(make_world: Callable[..., World]) -> None:
    scanning = 'registry_scanning = { scan_type = "ENHANCED", rules = [] }'
    world = make_world(after=scanning)
    world.aws.seed("quay/app", old("1", in_use=3), old("2", in_use=0), used("3"), used("4"))
    done = world.run("run", "dev", "--local", "--yes", "--json")
    assert (done.code, done.json["expired"]) == (0, 1), done.err
    assert world.aws.tags("quay/app") == {"1", "3", "4"}


def excluded(world: World) -> list[str]:
    found: list[str] = world.aws.ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"]
    return found


def test_who_was_killed_does_not_stay_excluded_from_pull_times(world: World) -> None:
    me = f"arn:aws:iam::{world.aws.account_id}:user/local"
    world.aws.ecr.register_pull_time_update_exclusion(principalArn=me)
    assert world.run("preview", "dev", "--local").code == 0
    # Somebody excluded it on purpose.
    assert excluded(world) == [me]
    noted = world.root / ".orchestrator" / "local" / "lifecycle" / "dev" / "excluded"
    noted.parent.mkdir(parents=True, exist_ok=True)
    noted.write_text(me)
    assert world.run("preview", "dev", "--local").code == 0
    assert excluded(world) == []
    assert not noted.exists()


def test_a_dry_run_from_here_says_that_it_was_one(make_world: Callable[..., World]) -> None:
    world = make_world(after="dry_run_mode = true")
    world.aws.seed("quay/app", old("1"), used("2"))
    done = world.run("run", "dev", "--local", "--yes")
    assert done.code == 0
    assert "Dry run, as dry_run_mode is true: 1 image would expire" in done.out
    assert world.aws.tags("quay/app") == {"1", "2"}


def test_an_old_snapshot_from_a_file_of_a_cluster_that_nobody_declared_is_refused(world: World, tmp_path: Path) -> None:
    world.aws.seed("quay/app", old("1"), used("2"))
    file = tmp_path / "once.json"
    images = [{"reference": "quay.io/app:9", "target": None}]
    file.write_text(json.dumps({"version": 1, "cluster": "once", "taken": "2020-01-01T00:00:00Z", "images": images}))
    for command in (("preview", "dev"), ("run", "dev", "--yes")):
        refused = world.run(*command, "--local", "--snapshot", str(file))
        assert refused.code == 2
        assert 'is a snapshot of cluster "once" that cannot be relied on: it is ' in refused.err
    assert world.aws.tags("quay/app") == {"1", "2"}


def test_a_snapshot_from_a_file_stands_beside_the_one_in_the_bucket(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    """Whichever is newer says how fresh they are; what either names stays."""
    world = make_world(more='clusters = ["prod"]\n  enabled = true')
    bucket = f"ecr-lifecycle-{world.aws.account_id}-eu-west-1"
    s3 = world.aws.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    world.aws.seed("quay/app", old("1"), old("2"), old("3"), used("4"), used("5"), used("6"))

    def snapshot(tag: str, days: float) -> str:
        images = [{"reference": f"quay.io/app:{tag}", "target": f"registry.example/quay/app:{tag}"}]
        taken = days_ago(days).isoformat()
        return json.dumps({"version": 1, "cluster": "prod", "taken": taken, "images": images})

    s3.put_object(Bucket=bucket, Key="snapshots/prod.json", Body=snapshot("1", 0).encode())
    stale = tmp_path / "stale.json"
    stale.write_text(snapshot("2", 20))
    document = world.run("preview", "dev", "--local", "--json", "--snapshot", str(stale)).json
    assert [image["tags"] for image in document["repositories"][0]["expire"]] == [["3"]]
    assert document["would_stop"] == ""
    s3.put_object(Bucket=bucket, Key="snapshots/prod.json", Body=snapshot("1", 20).encode())
    assert 'snapshot of cluster "prod": it is' in world.run("preview", "dev", "--local", "--json").json["would_stop"]
    stale.write_text(snapshot("2", 0))
    document = world.run("preview", "dev", "--local", "--json", "--snapshot", str(stale)).json
    assert ([image["tags"] for image in document["repositories"][0]["expire"]], document["would_stop"]) == ([["3"]], "")


def test_a_preview_says_what_would_stop_a_run(world: World) -> None:
    world.aws.seed("quay/app", old("1"), used("2"))
    world.aws.seed("quay/many", old("1"), old("2"), old("3"), used("4"), used("5"), used("6"))
    document = world.run("preview", "dev", "--local", "--json").json
    assert document["would_stop"] == ""
    world.aws.seed("quay/other", old("1"), used("2"))
    world.aws.ecr.batch_delete_image(
        repositoryName="quay/many", imageIds=[{"imageTag": "4"}, {"imageTag": "5"}, {"imageTag": "6"}]
    )
    document = world.run("preview", "dev", "--local").out
    assert "guard: quay/many: 2 of 3 images would expire, more than 0.5 of them (--allow-fraction" in document


def test_wrong_places_of_an_audit_are_told_apart(world: World, tmp_path: Path) -> None:
    for source, says in (
        ("s3://", "names no bucket"),
        (str(tmp_path), "There is no audit at"),
        (str(tmp_path / "nope"), "cannot be read"),
    ):
        done = world.run("restore", "dev", "--local", "--from", source)
        assert (done.code, says in done.err, "s3://BUCKET/audit/" in done.err) == (2, True, True), done.err
