"""A number and its noun."""

import ast
from pathlib import Path

import pytest

import orchestrator
from orchestrator.counts import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (2, ("image",), "2 images"),
        (1, ("repository", "repositories"), "1 repository"),
        (3, ("repository", "repositories"), "3 repositories"),
        (1, ("file is", "files are"), "1 file is"),
    ],
)
def test_one_is_singular_and_everything_else_is_plural(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said


def test_nobody_makes_a_plural_with_a_rule_of_its_own() -> None:
    """`{'' if n == 1 else 's'}` inside a text is a second place for the same decision."""
    root = Path(orchestrator.__file__).parent
    found = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in sorted(root.rglob("*.py"))
        if path.name not in {"counts.py", "schedules.py"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.IfExp)
        and {branch.value for branch in (node.body, node.orelse) if isinstance(branch, ast.Constant)} == {"", "s"}
    ]
    assert found == []
