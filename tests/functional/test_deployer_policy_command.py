"""`orchestrator deployer-policy`: one document to read, or as many files as IAM takes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.functional.running import run

ROOT = str(Path(__file__).resolve().parents[2])


def test_it_prints_one_document_and_writes_what_iam_takes(tmp_path: Path) -> None:
    printed = run("-C", ROOT, "deployer-policy", "prod")
    assert printed.code == 0
    assert "writes it in 2 files" in printed.err
    written = run("-C", ROOT, "deployer-policy", "prod", "--out", str(tmp_path / "policies"))
    paths = [Path(line) for line in written.out.splitlines()]
    assert [path.name for path in paths] == ["prod-deployer-1.json", "prod-deployer-2.json"]
    parts = [json.loads(path.read_text()) for path in paths]
    assert [each for part in parts for each in part["Statement"]] == printed.json["Statement"]


def test_an_environment_that_is_not_there_is_refused() -> None:
    assert run("-C", ROOT, "deployer-policy", "nothing").code == 2
