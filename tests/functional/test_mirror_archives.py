"""`mirror --to FILE.tar` on the connected side, `--from FILE.tar` on the other one: the sources are gone by then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oci.strict_registry import StrictRegistry

from .running import run
from .test_mirror_command import UBI, World, shared, source, world

__all__ = ["shared", "source", "world"]

APP = "registry.redhat.io/ubi9/app:9.5.0"


def to_archive(world: World, path: Path, *more: str) -> None:
    via = f"registry.redhat.io=http://{world.source.host}"
    root = str(world.project.root)
    ran = run("-C", root, "mirror", world.name, UBI, APP, "--to", str(path), "--via", via, *more)
    assert ran.code == 0, ran.err
    assert f"wrote {path}" in ran.out


def from_archive(world: World, path: Path, *arguments: str) -> tuple[int, str, str]:
    root = str(world.project.root)
    ran = run("-C", root, "mirror", world.name, "--from", str(path), *arguments, "--local")
    return ran.code, ran.out, ran.err


def test_images_go_by_disk_with_their_signatures(world: World, source: StrictRegistry, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    to_archive(world, path)
    index = source.repository("ubi9/ubi").tags["9.4"]
    source.repositories.clear()
    code, out, err = from_archive(world, path, "--check")
    assert (code, "2 missing" in out) == (3, True), err
    code, out, err = from_archive(world, path)
    assert code == 0, out + err
    assert f"missing   {UBI} " in out
    held = world.tags("redhat/ubi9/ubi")
    assert held[index] == ["9.4"]
    assert len(held) == 4, "an index, two images, one signature"
    assert world.tags("redhat/ubi9/app")
    code, out, err = from_archive(world, path)
    assert "2 unchanged" in out, err
    assert from_archive(world, path, "--check")[0] == 0


def test_an_archive_of_nothing_is_not_written(world: World, tmp_path: Path) -> None:
    path, listed = tmp_path / "images.tar", tmp_path / "images.txt"
    listed.write_text("quay.example.com/team/app:1\n")
    ran = run("-C", str(world.project.root), "mirror", world.name, "--from", str(listed), "--to", str(path))
    assert ran.code == 2
    assert "No archive is written" in ran.err
    assert "quay.example.com/team/app:1: No route takes images" in ran.err
    assert not path.exists()


def test_parts_are_taken_together_and_one_image_is_chosen(world: World, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    to_archive(world, path, "--part-size", "1MB")
    code, out, err = from_archive(world, path, UBI)
    assert code == 0, out + err
    assert "1 image copied" in out
    assert world.ecr.describe_repositories()["repositories"][0]["repositoryName"] == "redhat/ubi9/ubi"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "ARCHIVE", "quay.io/a/b:1"), "has no quay.io/a/b:1"),
        (("--from", "ARCHIVE", "--from", "-"), "another --from"),
        (("--part-size", "4GB", UBI), "--to"),
        (("--to", "x.tar", "--part-size", "lots", UBI), "no size"),
        (("--to", "x.tar", "--part-size", "9" * 5000 + "GB", UBI), "no size"),
        (("--to", "x.tar", "--check", UBI), "--check"),
        (("--to", "x.tar", "quay.io/a/b:1"), "mirrors"),
    ],
)
def test_what_cannot_be_done_with_an_archive_is_said(
    world: World, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "images.tar"
    to_archive(world, path)
    root = str(world.project.root)
    named = [str(path) if argument == "ARCHIVE" else argument for argument in arguments]
    ran = run("-C", root, "mirror", world.name, *named)
    assert ran.code == 2, ran.out
    assert says in ran.err
