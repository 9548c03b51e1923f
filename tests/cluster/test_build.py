"""Engines are built once for their pins, as a whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.engines.build import MODULES, EnginesError, binary, build, cache_root, module_folder, module_hash

SMALL = next(module for module in MODULES if module.name == "containerd")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is built. Go's own cache follows the same variable and stays, else everything would be compiled again."""
    compiled = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setenv("GOCACHE", compiled)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_without_go_the_build_says_what_to_install(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.cluster.engines.build"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 1
    assert "Install Go 1.26 or later" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")

    assert cache_root() == Path.home() / ".cache" / "orchestrator" / "engines"


@pytest.mark.cluster
def test_an_engine_that_is_not_built_is_an_error_with_the_command_that_builds_it(empty_cache: None) -> None:
    with pytest.raises(EnginesError, match="make engines"):
        binary("hostresolve")


@pytest.mark.cluster
def test_a_module_is_built_once(empty_cache: None) -> None:
    assert build(SMALL) is not None
    assert os.access(binary("hostresolve"), os.X_OK)
    assert build(SMALL) is None


@pytest.mark.cluster
def test_other_settings_make_another_build(empty_cache: None) -> None:
    stamped = dataclasses.replace(SMALL, stamps={"main.version": "2"})

    assert module_hash(stamped) != module_hash(SMALL)


@pytest.mark.cluster
def test_a_build_that_fails_leaves_nothing(empty_cache: None, capfd: pytest.CaptureFixture[str]) -> None:
    broken = dataclasses.replace(SMALL, binaries={**SMALL.binaries, "absent": "./cmd/absent"})

    with pytest.raises(EnginesError, match="go build"):
        build(broken)

    assert "cmd/absent" in capfd.readouterr().err
    assert not module_folder(broken).exists()
    assert [path.name for path in cache_root().iterdir()] == [".containerd.lock"]
