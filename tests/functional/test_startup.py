"""Starting the command costs little: what is not needed is not imported."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import COMMANDS

HEAVY = frozenset(
    {"boto3", "botocore", "flask", "jinja2", "moto", "pydantic", "pygohcl", "rich", "tree_sitter", "werkzeug", "yaml"}
)
CPU_SECONDS = 0.150
BARE_STARTS = 3.5  # of Python alone, where that is slow itself


def imported(*arguments: str, cwd: Path) -> set[str]:
    """Top-level names of every module that `orchestrator ARGUMENTS` imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "orchestrator", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    names = re.findall(r"^import time:.*\|\s+([\w.]+)\s*$", done.stderr, re.MULTILINE)
    assert "click" in {name.split(".")[0] for name in names}, done.stderr[-500:]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert imported(*arguments, cwd=tmp_path) & HEAVY == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_command_loads_no_sdk_and_no_server(command: str, tmp_path: Path) -> None:
    heavy = {"boto3", "botocore", "moto", "flask", "werkzeug", "jinja2", "pydantic", "pygohcl"}
    assert imported(command, "--help", cwd=tmp_path) & heavy == set()


@pytest.mark.speed
def test_help_takes_little_processor_time(tmp_path: Path) -> None:
    """The least of several runs: other work on the machine can only add to it. A slow machine is slow for Python alone too."""
    help_, bare = ([sys.executable, "-m", "orchestrator", "--help"], [sys.executable, "-c", "import json, logging"])
    least = {"help": float("inf"), "bare": float("inf")}
    for _ in range(7):
        for name, command in (("help", help_), ("bare", bare)):
            least[name] = min(least[name], _processor_seconds(command, tmp_path))
    assert least["help"] <= max(CPU_SECONDS, BARE_STARTS * least["bare"]), least


def _processor_seconds(command: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True, env={**os.environ})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
