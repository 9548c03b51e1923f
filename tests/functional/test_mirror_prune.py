"""`mirror --prune` on the embedded AWS: what no list names goes by the lifecycle manager's rules, after it was shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.local.controls import SeedImage, seed_images
from tests.oci.corpus import Maker, bytes_of

from .test_mirror_command import REGION, World, shared, source, world

__all__ = ["shared", "source", "world"]

UBI = '"registry.redhat.io/ubi9/ubi" = { tags = ["9.4"] }'
MANAGER = "lifecycle_manager = {{ max_expire_fraction_account = 1\n retention = {{ minimum_age_days = 0 {} }} }}"


def write(world: World, *images: str, retention: str = "", more: str = "") -> None:
    lines = "\n  ".join(images)
    world.write(f"mirror_images = {{\n  {lines}\n}}\n{MANAGER.format(retention)}\n{more}")


def app(*tags: str) -> str:
    return f'"registry.redhat.io/ubi9/app" = {{ tags = {json.dumps(tags)} }}'


def held(world: World, repository: str) -> set[str]:
    return {tag for tags in world.tags(repository).values() for tag in tags}


def why(document: dict[str, Any]) -> dict[str, str]:
    """{tag or digest: kind of the reason} of what stays."""
    return {tag: row["because"] for row in document["kept"] for tag in row["tags"] or [row["digest"]]}


def test_what_left_the_list_goes_with_all_that_hangs_on_it_and_the_rest_stays(world: World, tmp_path: Path) -> None:
    for tag in ("1", "2", "3", "4", "rel-1"):
        Maker(world.source, "ubi9/app").image(tag, layers=[bytes_of(tag, 500)])
    write(world, UBI, app("1", "2", "3", "4", "rel-1"))
    assert world.mirror().code == 0
    world.source.repository("ubi9/app").tags.pop("4")
    for tag in ("own", "2-debug"):
        seed_images(world.aws, world.account, REGION, "team/app", [SeedImage(tags=[tag])])
    # Pushed below the mirror's prefix by somebody: its source never had it.
    seed_images(world.aws, world.account, REGION, "redhat/ours", [SeedImage(tags=["own"])])
    snapshot = tmp_path / "prod.json"
    used = {"reference": "registry.redhat.io/ubi9/app:2", "target": f"{world.host}/redhat/ubi9/app:2"}
    taken = datetime.now(UTC).isoformat()
    snapshot.write_text(json.dumps({"version": 1, "cluster": "prod", "taken": taken, "images": [used]}))
    write(world, app("1"), retention=', protect = { tags = ["rel-*"] }')
    arguments = ("--prune", "--snapshot", str(snapshot))

    shown = world.mirror(*arguments, "--dry-run", "--json")
    assert shown.code == 0, shown.err
    going = {tag for row in shown.json["prune"]["expiring"] for tag in row["tags"] if not tag.startswith("sha256-")}
    assert going == {"3", "9.4"}, "the whole of a repository that left the list, too"
    assert len(shown.json["prune"]["expiring"]) == 5, "with the index go its two images and its signature"
    stays = why(shown.json["prune"])
    assert (stays["1"], stays["2"], stays["rel-1"]) == ("listed", "in use", "protected")
    assert stays["4"] == "not at its upstream", "its source has no such tag any more"
    assert stays["own"] == "not at its upstream", "its source has no such image"
    assert world.mirror(*arguments, "--check").code == 3
    assert held(world, "redhat/ubi9/app") == {"1", "2", "3", "4", "rel-1"}, "nothing was done yet"

    refused = world.mirror(*arguments)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    done = world.mirror(*arguments, "--yes")
    assert done.code == 0, done.out + done.err
    assert "stays     redhat/ubi9/app:2: in use by prod" in done.out
    assert "pruned: 5 images" in done.out
    assert held(world, "redhat/ubi9/app") == {"1", "2", "4", "rel-1"}
    assert world.tags("redhat/ubi9/ubi") == {}
    assert held(world, "team/app") == {"own", "2-debug"}
    assert held(world, "redhat/ours") == {"own"}
    folder = world.project.state_dir / "local" / "lifecycle" / world.name
    records = [json.loads(line) for file in folder.rglob("done-*.jsonl") for line in file.read_text().splitlines()]
    assert {record["outcome"] for record in records} == {"deleted"}
    assert "registry.redhat.io/ubi9/app:3" in {record["upstream"] for record in records}
    # What the audit names comes back, and a second pruning finds nothing else.
    assert world.mirror("registry.redhat.io/ubi9/app:3").code == 0
    write(world, app("1", "3"), retention=', protect = { tags = ["rel-*"] }')
    assert world.mirror(*arguments, "--yes", "--json").json["prune"]["expired"] == 0


def test_each_image_is_asked_for_at_its_source_and_what_ci_pushed_beside_copies_stays(world: World) -> None:
    """The newest images are CI's, and an index that was copied for one platform has a digest of its own."""
    for tag in ("1", "2"):
        Maker(world.source, "ubi9/app").image(tag, layers=[bytes_of(tag, 500)])
    ubi = '"registry.redhat.io/ubi9/ubi" = { tags = ["9.4"], platforms = ["linux/amd64"] }'
    write(world, ubi, app("1", "2"))
    assert world.mirror().code == 0
    part = world.source.repository("ubi9/ubi")
    children = [entry["digest"] for entry in json.loads(part.manifests[part.tags["9.4"]][1])["manifests"]]
    ci = [SeedImage(tags=[f"ci-{number}"], name=f"ci {number}") for number in range(4)]
    seed_images(world.aws, world.account, REGION, "redhat/ubi9/app", ci)
    # A name that CI gave a copy.
    apps = world.source.repository("ubi9/app")
    manifest = apps.manifests[apps.tags["2"]][1].decode()
    world.ecr.put_image(repositoryName="redhat/ubi9/app", imageManifest=manifest, imageTag="ci-named")
    (own,) = seed_images(world.aws, world.account, REGION, "redhat/ubi9/ubi", [SeedImage(name="ci part")])
    seed_images(
        world.aws, world.account, REGION, "redhat/ubi9/ubi", [SeedImage(tags=["ci"], children=[children[0], own])]
    )
    Maker(world.source, "ubi9/other").image("1", layers=[bytes_of("other", 500)])
    write(world, '"registry.redhat.io/ubi9/other" = { tags = ["1"] }')

    shown = world.mirror("--prune", "--dry-run", "--json")
    assert shown.code == 0, shown.err
    stays = why(shown.json["prune"])
    assert {tag: because for tag, because in stays.items() if tag.startswith("ci")} == dict.fromkeys(
        ("ci", "ci-0", "ci-1", "ci-2", "ci-3", "ci-named"), "not at its upstream"
    )
    assert any("it is no copy" in row["reason"] for row in shown.json["prune"]["kept"])

    done = world.mirror("--prune", "--yes")
    assert done.code == 0, done.out + done.err
    assert held(world, "redhat/ubi9/app") == {"2", "ci-0", "ci-1", "ci-2", "ci-3", "ci-named"}
    assert held(world, "redhat/ubi9/ubi") == {"ci"}
    assert world.tags("redhat/ubi9/ubi").keys() >= {own, children[0]}


@pytest.mark.long
def test_what_another_environment_of_the_registry_lists_stays(world: World) -> None:
    Maker(world.source, "ubi9/app").image("1", "2", layers=[bytes_of("two", 500)])
    Maker(world.source, "ubi9/app").image("2", layers=[bytes_of("other", 500)])
    write(world, app("1", "2"))
    assert world.mirror().code == 0
    other = world.project.tfvars_path(f"{world.name}b")
    write(world, app("2"))
    owner = world.project.tfvars_path(world.name).read_text()
    other.write_text(owner.split("lifecycle_manager")[0] + "manage_registry = false\n")
    write(world, app("1"))
    try:
        found = world.mirror("--prune", "--dry-run", "--json")
        assert found.code == 0, found.err
        assert found.json["prune"]["expiring"] == []
        other.write_text("cluster_name = \n")
        broken = world.mirror("--prune", "--dry-run")
        assert (broken.code, f"{world.name}b" in broken.err) == (2, True), "what it names cannot be known"
    finally:
        other.unlink()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--prune", "--yes", "registry.redhat.io/ubi9/app:1"), "whole list"),
        (("--prune", "--to", "x.tar"), "--prune"),
        (("--yes",), "--prune"),
        (("--allow-fraction", "1"), "--prune"),
        (("--prune", "--json"), "terminal"),
    ],
)
def test_a_list_that_is_no_whole_one_prunes_nothing(world: World, arguments: tuple[str, ...], says: str) -> None:
    write(world, app("9.5.0"))
    ran = world.mirror(*arguments)
    assert (ran.code, says in ran.err) == (2, True), ran.err


@pytest.mark.long
def test_a_failed_copy_a_dry_run_mode_and_the_guard_prune_nothing(world: World) -> None:
    write(world, UBI, app("9.4.1", "9.5.0"))
    assert world.mirror().code == 0
    write(world, app("9.5.0", "none"))
    failed = world.mirror("--prune", "--yes")
    assert (failed.code, "not everything was copied" in failed.err) == (1, True)
    write(world, app("9.5.0"), more="dry_run_mode = true")
    assert "dry_run_mode" in world.mirror("--prune", "--yes").err
    world.write(
        f"mirror_images = {{ {app('9.5.0')} }}\nlifecycle_manager = {{ retention = {{ minimum_age_days = 0 }} }}"
    )
    guarded = world.mirror("--prune", "--yes")
    assert (guarded.code, "--allow-fraction" in guarded.err) == (1, True), guarded.out
    assert len(world.tags("redhat/ubi9/ubi")) == 4
    assert world.mirror("--prune", "--yes", "--allow-fraction", "1").code == 0
    assert world.tags("redhat/ubi9/ubi") == {}
