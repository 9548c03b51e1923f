"""The import contracts hold, and each of them notices its violation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(program), "--no-cache", "--config", str(ROOT / ".importlinter")],
        cwd=folder,
        # The copy must be found before the installed package.
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("routes/upstreams.py", "import boto3", "The core is pure"),
        ("routes/table.py", "import subprocess", "The core is pure"),
        ("environment/tfvars.py", "import urllib.request", "The core is pure"),
        ("environment/model.py", "import time", "The core is pure"),
        ("manifests/document.py", "from pathlib import Path", "The core is pure"),
        ("routes/table.py", "from orchestrator.project import Project", "The core is pure"),
        ("aws/caller.py", "from orchestrator.cli.main import cli", "The commands call the edges"),
        ("aws/caller.py", "import orchestrator.local.wire", "The commands call the edges"),
        ("local/wire.py", "import orchestrator.aws.caller", "The commands call the edges"),
        ("not_placed.py", "", "The commands call the edges"),
        ("routes/reference.py", "import orchestrator.routes.table", "Neighbours do not import each other in a circle"),
        (
            "lifecycle/units.py",
            "import orchestrator.lifecycle.manager",
            "Neighbours do not import each other in a circle",
        ),
        ("terraform/plan.py", "import botocore", "One door to boto3"),
        ("cli/doctor.py", "import boto3", "One door to boto3"),
        ("../lambda_src/scan_findings/handler.py", "import boto3", "One door to boto3"),
        ("lifecycle/ecr_policy.py", "import yaml", "The lifecycle core is packed into the Lambda"),
        ("lifecycle/ecr_policy.py", "import orchestrator.errors", "The lifecycle core is packed into the Lambda"),
        ("aws/ports/ecr_registry.py", "import orchestrator.errors", "The functions carry the lifecycle core"),
        ("../lambda_src/lifecycle_manager/handler.py", "import yaml", "The functions carry the lifecycle core"),
        ("aws/caller.py", "import moto", "The embedded AWS is the only server here"),
    ],
)
def test_a_violation_is_noticed(tmp_path: Path, file: str, line: str, contract: str) -> None:
    for package in ("orchestrator", "lambda_src"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "orchestrator" / file).open("a") as source:
        source.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    broken = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(text.startswith(contract) for text in broken), done.stdout
