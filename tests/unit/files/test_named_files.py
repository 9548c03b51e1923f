"""A file that a person named may be anything: nothing waits for ever, and no device is replaced by a file."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.files.named_files import read_given
from orchestrator.files.replace import write_whole


def a_fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def a_folder(folder: Path) -> Path:
    return folder


def a_loop(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def a_socket(folder: Path) -> Path:
    # A path of a socket is short: it is bound from within its folder.
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("s")
    finally:
        os.chdir(here)
    return folder / "s"


def a_device(_: Path) -> Path:
    return Path("/dev/zero")


def none(folder: Path) -> Path:
    return folder / "none"


def a_long_one(folder: Path) -> Path:
    (folder / "long").write_bytes(b"x" * 11)
    return folder / "long"


MADE: list[Callable[[Path], Path]] = [a_fifo, a_folder, a_loop, a_socket, a_device, none, a_long_one]


@pytest.mark.parametrize("make", MADE)
def test_what_is_no_file_of_that_size_is_refused_at_once(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"."):
        read_given(make(tmp_path), 10)


def test_files_links_and_pipes_of_a_shell_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("file")
    reading, writing = os.pipe()
    os.write(writing, b"piped")
    os.close(writing)

    assert read_given(tmp_path / "file", 10) == read_given(tmp_path / "link", 10) == b"0123456789"
    assert read_given(Path(f"/dev/fd/{reading}")) == b"piped"
    assert read_given(Path("/dev/null")) == b""
    os.close(reading)


def test_what_a_shell_or_the_system_has_there_is_written_and_not_replaced(tmp_path: Path) -> None:
    """As root, a file that takes the place of /dev/stdout breaks the machine for everybody."""
    reading, writing = os.pipe()
    (tmp_path / "pipe").symlink_to(f"/dev/fd/{writing}")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    kept = (tmp_path / "kept").open("wb")

    write_whole(tmp_path / "pipe", b"piped")
    write_whole(tmp_path / "null", b"gone")
    write_whole(tmp_path / "link", b"new")
    write_whole(Path(f"/dev/fd/{kept.fileno()}"), b"through")

    assert os.read(reading, 9) == b"piped"
    assert all((tmp_path / name).is_symlink() for name in ("pipe", "null", "link"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "kept").read_bytes() == b"through"
    for each in (reading, writing):
        os.close(each)
    kept.close()


@pytest.mark.parametrize("make", [a_fifo, a_folder, a_loop, a_socket])
def test_where_nothing_can_be_written_that_is_said(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(OrchestratorError, match="cannot be written"):
        write_whole(make(tmp_path), b"x")
