"""A working directory that somebody broke, a disk that is full, two commands at once, an environment that is gone."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.terraform.execute import NEEDED_BYTES
from tests.functional.faults.conftest import (
    RealWorld,
    repositories,
    wait_for_creation,
)
from tests.functional.terraform.conftest import World

pytestmark = [pytest.mark.terraform, pytest.mark.long]

KIB = 1024


def break_values(root: Path) -> None:
    path = root / "terraform.tfvars.json"
    path.write_bytes(path.read_bytes()[:100])


def break_modules(root: Path) -> None:
    (root / ".terraform/modules/modules.json").write_text("garbage")


def remove_data(root: Path) -> None:
    shutil.rmtree(root / ".terraform")


def make_read_only(root: Path) -> None:
    (root / "terraform.tfvars.json").write_text("{}")
    for path in (root / "main.tf", root / "terraform.tfvars.json", root / "backend_override.tf.json"):
        path.chmod(0o400)


def put_a_folder_in_the_way(root: Path) -> None:
    (root / "main.tf").unlink()
    (root / "main.tf").mkdir()
    (root.parent / "modules/ecr/main.tf").unlink()


def test_what_was_broken_in_the_working_directory_is_made_again(applied: World) -> None:
    root = applied.folder / "root"
    # In two lots, since one fault would hide another; each lot is one plan.
    for lot in ((break_values, break_modules), (remove_data, make_read_only, put_a_folder_in_the_way)):
        for broken in lot:
            broken(root)

        healed = applied.run("plan", "dev")

        assert healed.code == 0, (lot, healed.err)
        assert "No changes." in healed.out


def test_a_local_state_that_cannot_be_read_stops_everything(world: World) -> None:
    state = world.folder / "state/dev/terraform.tfstate"
    state.parent.mkdir(parents=True)
    cut_off = '{"version": 4, "resources": [{"mode": "man'
    state.write_text(cut_off)

    for command in (("plan", "dev"), ("apply", "dev", "--yes"), ("destroy", "dev", "--yes"), ("output", "dev")):
        stopped = world.run(*command)
        assert stopped.code == 1
        assert f"{state} cannot be read" in stopped.err
        assert "terraform.tfstate.backup" in stopped.err
    assert state.read_text() == cut_off


def test_a_state_folder_that_is_a_file_is_said(world: World) -> None:
    shutil.rmtree(world.project.state_dir)
    world.project.state_dir.write_text("")

    refused = world.run("render", "dev", "--json", local=False)

    assert refused.code in (1, 2)
    [error] = refused.json["errors"]
    assert ".orchestrator" in error["what"] or "state" in error["what"]
    assert "Traceback" not in refused.err


@pytest.fixture
def small_disk(world: World, tmp_path: Path) -> Iterator[Path]:
    """The folder of the working directories, on a disk of 12 MiB."""
    folder = world.project.state_dir / "local"
    folder.mkdir()
    size = NEEDED_BYTES + 4 * KIB * KIB
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "orchestrator-test", str(folder)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        if os.environ.get("CI"):
            pytest.fail("a CI machine must be able to mount a tmpfs")
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(folder: Path, *, but: int = 0) -> Path:
    """A file that leaves no more than `but` bytes of the disk."""
    path = folder / "filler"
    block = b"\0" * 4 * KIB
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(folder).free > but:
            file.write(block)
    return path


def test_nothing_begins_on_a_full_disk_and_with_room_all_goes_on(world: World, small_disk: Path) -> None:
    filler = fill(small_disk)
    full = world.run("apply", "dev", "--yes")
    assert full.code == 1
    assert "No space left" in full.err
    assert "Make room" in full.err

    filler.unlink()
    filler = fill(small_disk, but=3 * KIB * KIB)
    nearly = world.run("apply", "dev", "--yes")
    assert nearly.code == 1, nearly.out
    assert "the disk is nearly full" in nearly.err
    assert "Nothing was changed" in nearly.err
    assert repositories(world.client("ecr")) == []

    filler.unlink()
    assert world.run("apply", "dev", "--yes").code == 0


def test_a_disk_that_fills_up_during_an_apply_loses_nothing(
    world: World, small_disk: Path, faults: Callable[..., None]
) -> None:
    faults({"operations": ["CreateRepository"], "latency_ms": 4000})
    process = world.start("apply", "dev", "--yes")
    wait_for_creation(world.aws)
    filler = fill(small_disk)
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 1, said
    assert "the disk is full" in said
    assert repositories(world.client("ecr")) == ["small-registry"]
    filler.unlink()
    faults()
    again = world.run("apply", "dev", "--yes")
    assert again.code == 0, again.err
    assert '"small-registry" exists and is taken over' in again.out


def test_a_state_that_the_bucket_did_not_take_is_saved_by_the_next_command(
    real: RealWorld, faults: Callable[..., None]
) -> None:
    slow = {"operations": ["CreateRepository"], "latency_ms": 4000}
    denied = {"operations": ["PutObject"], "services": ["s3"], "rate": 1, "code": "AccessDenied", "status": 403}
    faults(slow)
    process = real.start("apply", "live", "--yes")
    wait_for_creation(real.aws)
    faults(slow, denied)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "the state could not be saved" in said
    assert "`orchestrator apply live`" in said
    assert (real.folder / "root/errored.tfstate").is_file()

    # Nobody may write there still: nothing is planned from a state that is known to be old.
    locked = real.run("plan", "live")
    assert locked.code == 1
    assert "locked by" not in locked.err
    assert "holds a state that was never saved" in locked.err
    faults()

    saved = real.run("plan", "live")
    assert saved.code == 0, saved.err
    assert "saving it now" in saved.out
    assert "No changes." in saved.out
    assert not (real.folder / "root/errored.tfstate").exists()


def test_two_commands_on_one_environment_take_turns(world: World, faults: Callable[..., None]) -> None:
    faults({"operations": ["CreateRepository"], "latency_ms": 3000})
    first = world.start("apply", "dev", "--yes")
    wait_for_creation(world.aws)

    second = world.run("apply", "dev", "--yes")

    said, _ = first.communicate(timeout=120)
    assert first.returncode == 0, said
    assert second.code == 0, second.err
    assert "Another command is at work" in second.out
    assert "No changes." in second.out


def test_an_environment_whose_file_is_gone_is_not_forgotten(applied: World) -> None:
    path = applied.project.tfvars_path("dev")
    text = path.read_text("utf-8")
    path.unlink()

    refused = applied.run("destroy", "dev", "--yes")

    assert refused.code == 2
    assert "is gone, but its working directory" in refused.err
    assert f"bring {path} back" in refused.err
    assert json.loads((applied.folder / "state/dev/terraform.tfstate").read_text())["resources"]
    path.write_text(text, "utf-8")
    assert applied.run("destroy", "dev", "--yes").code == 0
    assert repositories(applied.client("ecr")) == []
