"""GitHub's workflows and actions through actionlint, laid where GitHub wants them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.engines.build import binary

pytestmark = pytest.mark.cluster
GITHUB = Path(__file__).resolve().parents[2] / "ci/github"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that took over what stands in ci/github."""
    shutil.copytree(GITHUB, tmp_path / ".github")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([binary("actionlint"), "-no-color"], cwd=folder, capture_output=True, text=True, check=False)


def test_actionlint_finds_nothing(repository: Path) -> None:
    checked = actionlint(repository)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_actionlint_sees_a_reusable_workflow_that_is_called_wrongly(repository: Path) -> None:
    caller = repository / ".github/workflows/image-routes.yml"
    caller.write_text(caller.read_text("utf-8").replace("plan-role:", "plan-rolle:"))
    assert 'input "plan-role" is required' in actionlint(repository).stdout
