"""What the product keeps below `.orchestrator` is its owner's alone, and no link leads out of it."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.errors import RefusedInput
from orchestrator.files import rewrite_journal
from orchestrator.files.locks import hold
from orchestrator.files.own_folders import make_own
from orchestrator.local.process import ensure_running
from orchestrator.project import Project

PLACES = ("local-aws", "local", "local/dev", "rewrites", "mirror", "swapper/dev", "lifecycle/dev")


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()]


@pytest.mark.parametrize("place", PLACES)
def test_every_folder_is_its_owners_alone_from_the_first_one_down(tmp_path: Path, place: str) -> None:
    make_own(tmp_path / ".orchestrator" / place)
    assert set(modes(tmp_path / ".orchestrator")) == {0o700}


def test_a_folder_that_stood_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator" / "mirror").mkdir(parents=True, mode=0o755)
    make_own(tmp_path / ".orchestrator" / "mirror")
    assert set(modes(tmp_path / ".orchestrator")) == {0o700}


def test_a_folder_that_a_person_named_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    named = tmp_path / "volume"
    named.mkdir(mode=0o775)
    (named / "..data").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(named)
    make_own(tmp_path / "link")
    assert stat.S_IMODE(named.stat().st_mode) == 0o775


@pytest.mark.parametrize("entry", [*PLACES, "local/dev/terraform.log", "local-aws/server.log", "mirror/dev.sqlite"])
def test_a_link_on_the_way_or_in_the_folder_is_refused_and_the_remedy_works(tmp_path: Path, entry: str) -> None:
    link = tmp_path / ".orchestrator" / entry
    link.parent.mkdir(parents=True)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    link.symlink_to(theirs)
    folder = link if entry in PLACES else link.parent
    with pytest.raises(RefusedInput, match="symbolic link") as caught:
        make_own(folder)
    assert str(link) in caught.value.what
    command = caught.value.remedy.split("`")[1]
    subprocess.run(shlex.split(command), check=True)
    make_own(folder)
    assert not list(theirs.iterdir())


def test_a_nearer_project_below_another_ones_folder_is_meant(tmp_path: Path) -> None:
    inner = tmp_path / ".orchestrator" / "copy" / ".orchestrator" / "mirror"
    make_own(inner)
    assert stat.S_IMODE(inner.stat().st_mode) == 0o700


USES: dict[str, tuple[str, Callable[[Project], object]]] = {
    "the embedded AWS": ("local-aws", lambda project: ensure_running(project.state_dir / "local-aws")),
    "its record": ("local-aws", lambda project: project.local_aws_dir),
    "a working directory's lock": (
        "local",
        lambda project: hold(project.state_dir / "local/dev", "dev", print).__enter__(),
    ),
    "the journal of a rewrite": ("rewrites", lambda project: rewrite_journal.write([], project.state_dir)),
    "an undo": ("rewrites", lambda project: rewrite_journal.undo(project.state_dir)),
    "the stage that was reached": ("rewrites", lambda project: rewrite_journal.reached_stage(project.state_dir, "dev")),
}


@pytest.mark.parametrize("use", USES)
def test_who_writes_or_believes_what_lies_there_refuses_a_link(tmp_path: Path, use: str) -> None:
    name, act = USES[use]
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".orchestrator").mkdir()
    (tmp_path / ".orchestrator" / name).symlink_to(tmp_path / "theirs")
    with pytest.raises(RefusedInput, match="symbolic link"):
        act(Project(tmp_path))
    assert not list((tmp_path / "theirs").iterdir())
