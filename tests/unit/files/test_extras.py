"""The remedy for a missing extra reaches the environment that the program runs in, whoever made it."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from orchestrator.files.extras import Extra, install_command


@pytest.mark.parametrize(
    ("receipt", "has_pip", "told"),
    [
        ("pipx_metadata.json", False, ["pipx", "runpip", "my tool", "install"]),
        ("uv-receipt.toml", True, ["uv", "pip", "install", "--python", "{home}"]),
        ("", False, ["uv", "pip", "install", "--python", "{home}"]),
        ("", True, ["{home}/bin/python", "-m", "pip", "install"]),
    ],
)
def test_who_made_the_environment_installs_into_it(
    tmp_path: Path, receipt: str, has_pip: bool, told: list[str]
) -> None:
    home = tmp_path / "my tool"
    home.mkdir()
    if receipt:
        (home / receipt).touch()
    words = shlex.split(install_command("local", prefix=home, has_pip=has_pip))
    assert words == [*(word.format(home=home) for word in told), "orchestrator[local]"]


def test_every_extra_that_is_told_is_one_of_the_package() -> None:
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
    assert set(get_args(Extra)) < set(tomllib.loads(project.read_text())["project"]["optional-dependencies"])


def test_the_environment_that_runs_is_meant() -> None:
    assert sys.prefix in install_command("report")
