"""A terminal's width and colours are heeded: real pseudo-terminals, in this process."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.cli.messages import MANNER
from tests.terminal import drain

ESCAPE = "\x1b["
Shown = Callable[..., str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shown:
    """What a terminal of `columns` shows of `orchestrator ARGUMENTS`, standard output and error together."""

    def run(*arguments: str, columns: int = 80, **variables: str) -> str:
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm-256color")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        taken: list[bytes] = []
        reader = threading.Thread(target=drain, args=(master, taken))
        reader.start()
        with os.fdopen(slave, "w", encoding="utf-8") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            monkeypatch.setattr(sys, "stderr", terminal)
            with pytest.raises(SystemExit):
                main(["-C", str(tmp_path), *arguments])
            monkeypatch.undo()
        reader.join()
        os.close(master)
        return b"".join(taken).decode().replace("\r\n", "\n")

    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.tfvars").write_text(
        'cluster_name = "dev"\nplatform = "eks"\naws_region = "eu-west-1"\naccount_id = "111122223333"\n'
        'pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }\ncreate_vpc_endpoints = false\n'
    )
    return run


@pytest.mark.parametrize("arguments", [("doctor",), ("route", "dev", "nginx", "quay.io/a/b:1")])
def test_colours_are_for_terminals_that_want_them(shown: Shown, arguments: tuple[str, ...]) -> None:
    assert ESCAPE in shown(*arguments)
    # Empty means not set, https://no-color.org
    assert ESCAPE in shown(*arguments, NO_COLOR="")
    assert ESCAPE not in shown(*arguments, NO_COLOR="1")
    assert ESCAPE not in shown(*arguments, TERM="dumb")


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_an_error_is_broken_at_the_terminals_width_and_its_commands_stay_whole(shown: Shown, columns: int) -> None:
    lines = shown("route", "stage", "nginx", columns=columns).splitlines()
    text = " ".join(line.strip() for line in lines)
    assert len(lines) > 1
    assert any("`orchestrator init stage`" in line for line in lines)
    assert text.startswith('error: There is no environment "stage"')
    # Only a path may be longer than the terminal is wide.
    assert all(len(line) <= columns or len(line.split()) == 1 for line in lines)


def test_a_warning_is_broken_as_an_error_is(shown: Shown, tmp_path: Path) -> None:
    more = 'exclude = ["ghcr.io/nobody/routes/this"]\n'
    path = tmp_path / "environments" / "dev.tfvars"
    path.write_text(path.read_text() + more)
    lines = shown("validate", "dev", columns=50).splitlines()
    assert any(line.startswith("  warning: ") for line in lines)
    assert all(len(line) <= 50 or len(line.split()) == 1 for line in lines)


@pytest.mark.parametrize("columns", [1, 3, 40, 79])
def test_a_window_too_narrow_for_a_table_shows_the_whole_answer(shown: Shown, columns: int) -> None:
    assert "111122223333.dkr.ecr.eu-west-1.amazonaws.com/quay/team/app:1" in shown(
        "route", "dev", "quay.io/team/app:1", columns=columns
    )


def test_a_window_without_a_width_breaks_nothing(shown: Shown) -> None:
    assert MANNER.as_json is False
    assert len(shown("route", "stage", "nginx", columns=0).splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("route", "dev", "a/\x1b[2J\u202eb", "quay.io/a/b:1"),
        ("route", "dev", "a\rb", "--json"),
        ("validate", "odd\x1b[2J"),
        ("validate", "dev"),
        ("output", "dev", "\x1b]0;title\x07"),
        ("\x1b[2J",),
        ("validate", "--\x1b[2J"),
        ("images", "dev", "pods.yaml"),
    ],
    ids=str,
)
def test_what_strangers_wrote_moves_no_cursor(
    shown: Shown, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pods.yaml").write_text('kind: Pod\nspec: {containers: [{image: "quay.io/a/\\e[2J\\u202Eb"}]}\n')
    file = tmp_path / "environments" / "dev.tfvars"
    file.write_text(file.read_text().replace('"dev"', '"d\x1b[2J\u202ev"'))
    # In black and white, so that no colour is of this program.
    said = shown(*arguments, NO_COLOR="1")
    assert any(escape in said for escape in ("\\u", "\\x", "\\r"))
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(said)
