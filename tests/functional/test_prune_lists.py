"""`mirror --prune` against lists that say less than they seem to, and against images that hang together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.oci.corpus import Maker, bytes_of

from .test_mirror_command import REGION, World, shared, source, world
from .test_mirror_prune import app, held, write

__all__ = ["shared", "source", "world"]

APP = "registry.redhat.io/ubi9/app"
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"


@pytest.fixture
def copied(world: World) -> World:
    """Two images are there, and no list names them any more."""
    for tag in ("1", "2"):
        Maker(world.source, "ubi9/app").image(tag, layers=[bytes_of(tag, 90)])
    write(world, app("1", "2"))
    assert world.mirror().code == 0
    write(world)
    return world


def test_an_empty_list_and_one_of_other_images_let_everything_stay(copied: World, tmp_path: Path) -> None:
    nothing = copied.mirror("--prune", "--yes")
    assert (nothing.code, "names no image that is to stay" in nothing.err) == (2, True), nothing.err
    others = tmp_path / "others.txt"
    others.write_text("quay.io/else/where:1\n")
    for arguments in (("--from", "-"), ("--from", str(others))):
        stopped = copied.mirror("--prune", "--yes", *arguments)
        assert (stopped.code, "everything would go" in stopped.err) == (1, True), stopped.out + stopped.err
    assert copied.mirror("--prune", "--dry-run", "--from", str(others)).code == 1
    assert held(copied, "redhat/ubi9/app") == {"1", "2"}


def test_a_list_of_which_a_part_could_not_be_read_is_refused(copied: World, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(f"{POD}  - image: {APP}:1\n  - image: {APP}:{{{{ .Values.tag }}}}\n")
    report = tmp_path / "images.json"
    report.write_text(json.dumps({"images": [{"reference": f"{APP}:1"}], "not_read": ["cronjobs: forbidden"]}))
    for given, says in (
        (tmp_path / "pod.yaml", ".Values.tag"),
        (tmp_path, "is filled in later"),
        (report, "forbidden"),
    ):
        ran = copied.mirror("--prune", "--yes", "--from", str(given))
        assert (ran.code, says in ran.err, "leave --prune out" in ran.err) == (2, True, True), ran.err
        copying = copied.mirror("--from", str(given))
        assert (copying.code, "not read" in copying.err, says in copying.err) == (0, True, True), copying.err
    assert held(copied, "redhat/ubi9/app") == {"1", "2"}


def test_what_another_name_of_the_registry_or_a_digest_names_stays(copied: World, tmp_path: Path) -> None:
    config, digest = tmp_path / "regsync.yaml", copied.source.repository("ubi9/app").tags["2"]
    Maker(copied.source, "ubi9/app").image("3", layers=[bytes_of("3", 90)])
    host = f"{copied.account}.dkr-ecr.{REGION}.on.aws"
    entries = [
        f"- {{source: '{APP}:{tag}', target: '{host}/redhat/{path}:{tag}', type: image}}"
        for tag, path in (("1", "ubi9/app"), ("3", "new"))
    ]
    config.write_text("\n".join(["version: 1", "sync:", *entries]))
    listed = tmp_path / "list.txt"
    listed.write_text(f"{APP}@{digest}\n")
    arguments = ("--prune", "--from", str(config), "--from", str(listed))
    shown = copied.mirror(*arguments, "--dry-run", "--json")
    assert (shown.code, shown.json["prune"]["expiring"]) == (0, []), "the digest is there by another tag already"
    ran = copied.mirror(*arguments, "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert held(copied, "redhat/ubi9/app") == {"1", "2", f"digest-{digest[7:]}"}
    assert held(copied, "redhat/new") == {"3"}, "the repository was made"


@pytest.mark.long
def test_what_a_kept_image_shares_with_one_that_goes_stays_and_so_does_all_that_refers_to_it(
    world: World, tmp_path: Path
) -> None:
    maker = Maker(world.source, "ubi9/app")
    base, kept, gone, one, two = (maker.image(layers=[bytes_of(name, 90)], config=name) for name in "abcde")
    index = maker.index("keep", children={"linux/amd64": base, "linux/arm64": kept})
    former = maker.index("gone", children={"linux/amd64": base, "linux/arm64": gone})
    inner = maker.referrer(base, 2)
    stay = [base, kept, index, inner, maker.referrer(index, 1), maker.referrer(inner, 3), maker.cosign(base, "att")]
    running = maker.index("running", children={"linux/amd64": one, "linux/arm64": two})
    stay += [one, two, running, maker.referrer(running, 4), maker.cosign(index)]
    moved = maker.image("moving", layers=[bytes_of("old", 90)], config="old")
    go = [former, gone, moved, maker.referrer(moved, 5)]
    write(world, app("keep", "gone", "running", "moving"))
    assert world.mirror().code == 0
    assert world.tags("redhat/ubi9/app").keys() == {each["digest"] for each in [*stay, *go]}
    stay.append(maker.image("moving", layers=[bytes_of("new", 90)], config="new"))
    snapshot = tmp_path / "prod.json"
    used = {"reference": "elsewhere/app:1", "target": None, "digests": [one["digest"]]}
    taken = datetime.now(UTC).isoformat()
    snapshot.write_text(json.dumps({"version": 1, "cluster": "prod", "taken": taken, "images": [used]}))
    write(world, app("keep", "moving"))
    ran = world.mirror("--prune", "--yes", "--snapshot", str(snapshot))
    assert ran.code == 0, ran.out + ran.err
    assert world.tags("redhat/ubi9/app").keys() == {each["digest"] for each in stay}
