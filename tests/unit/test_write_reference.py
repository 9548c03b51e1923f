"""The reference is what the code says, and whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.cli.main import COMMANDS
from orchestrator.environment.model import Environment
from scripts.write_reference import REFERENCE, ROOT, main, pages, versions_of_variables


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_every_variable_of_the_model_is_explained(made: dict[str, str]) -> None:
    explained = set(re.findall(r"^### (\w+)$", made["variables.md"], re.MULTILINE))
    assert explained == set(Environment.model_fields) - {"name"}


def test_a_variable_keeps_the_version_that_brought_it_and_a_new_one_has_this_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "since.json"
    kept.write_text('{"account_id": "0.0.7", "gone": "0.0.8"}')
    monkeypatch.setattr("scripts.write_reference.SINCE", kept)
    monkeypatch.setattr("scripts.write_reference.__version__", "9.9.9")
    versions = versions_of_variables()
    assert (versions["account_id"], versions["aws_region"]) == ("0.0.7", "9.9.9")
    assert "gone" not in versions
    page = pages()["variables.md"].partition("### account_id\n")[2].partition("###")[0]
    assert page.count("| 0.0.7 |") == 1


def test_every_command_every_module_and_every_alarm_is_there(made: dict[str, str]) -> None:
    for command in COMMANDS:
        assert re.search(rf"^## orchestrator {command}$", made["commands.md"], re.MULTILINE)
    for readme in (ROOT / "modules").glob("*/README.md"):
        assert f"\n## {readme.parent.name}\n" in made["modules.md"]
    for alarm in ("guard", "silent", "dead-letters", "storage", "pulls"):
        assert f"`NAME-{alarm}`" in made["metrics.md"]


def test_a_stale_page_is_named_with_the_command_that_writes_it(
    tmp_path: Path, made: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scripts.write_reference.REFERENCE", tmp_path)
    monkeypatch.setattr("scripts.write_reference.pages", lambda: made)
    monkeypatch.setattr("scripts.write_reference.ROOT", ROOT)
    assert main(["--write"]) == 0
    assert main([]) == 0
    (tmp_path / "outputs.md").write_text("old")
    monkeypatch.setattr(Path, "relative_to", lambda self, _: self)
    assert main([]) == 1
    assert "python -m scripts.write_reference --write" in capsys.readouterr().err
    assert Path("docs/reference") == REFERENCE
