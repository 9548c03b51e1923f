"""Figures that the README gives can be repeated: the commands of the benchmarks still run, at their smallest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("benchmarks.plan --environments 1 --rounds 1", ("1 environment", "orchestrator", "shell loop", "xargs -P2")),
        ("benchmarks.lifecycle --repositories 300", ("fan-out, warm cache: 305 calls", "usual loop")),
    ],
)
def test_a_benchmark_runs_to_its_table(words: str, said: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words.split()], cwd=ROOT, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert all(word in done.stdout for word in said), done.stdout
