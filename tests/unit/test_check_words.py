"""The check of words: a class or a module that is called what another one is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_words
from scripts.check_words import classes, modules, problems, repeated


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source without a repeated word."""
    for path, text in {
        "lambda_src/__init__.py": "",
        "orchestrator/__init__.py": "",
        "orchestrator/routes/table.py": "class Route: ...\n",
        "orchestrator/routes/__init__.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


def _write(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, "utf-8")


def test_a_class_that_stands_twice_is_named_with_its_places(source: Path) -> None:
    _write(source, "lambda_src/plan.py", "class Plan:\n    class Route: ...\n")
    assert repeated(classes(source), "class", {}) == [
        'The class "Route" stands 2 times: orchestrator/routes/table.py:1, lambda_src/plan.py:2. '
        "Call each by what it is."
    ]


@pytest.mark.parametrize(
    "second", ["lambda_src/table.py", "orchestrator/cli/lifecycle/table.py", "lambda_src/table/__init__.py"]
)
def test_a_module_that_stands_twice_is_named(source: Path, second: str) -> None:
    _write(source, second)
    assert [problem.split(":")[0] for problem in repeated(modules(source), "module", {})] == [
        'The module "table" stands 2 times'
    ]


def test_a_command_is_called_what_it_does(source: Path) -> None:
    _write(source, "orchestrator/cli/routes.py")
    _write(source, "orchestrator/cli/table/__init__.py")
    assert repeated(modules(source), "module", {}) == []


def test_a_shared_word_is_shared_by_the_listed_places_only(source: Path) -> None:
    _write(source, "lambda_src/table.py")
    shared = {"table": (frozenset({"orchestrator/routes/table.py", "lambda_src/table.py"}), "why")}
    assert repeated(modules(source), "module", shared) == []
    _write(source, "orchestrator/table.py")
    assert len(repeated(modules(source), "module", shared)) == 1


def test_a_listed_place_that_is_gone_must_leave_the_list(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_words, "SHARED", {"gone": (frozenset({"orchestrator/gone.py"}), "why")})
    assert problems(source) == [
        '"gone" is listed in SHARED, but orchestrator/gone.py is not there. Remove it from the list.'
    ]
