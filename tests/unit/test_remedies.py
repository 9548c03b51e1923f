"""What a remedy says can be copied: a value in it stands whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ORCHESTRATOR = Path(__file__).resolve().parents[2] / "orchestrator"
# What cuts a text that is too long for a line.
CUTTING = frozenset({"shown", "_shorten"})
WHOLE = {
    # Words out of short lists of ours, and digits that were measured before.
    "checks/walker.py": "shown(word)",
    "checks/convert.py": "shown(written)",
}


def cut_values(source: str) -> Iterator[str]:
    """The calls in remedies that may cut, also by a name that was given in the same function."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and any(map(_cuts, ast.walk(node.value)))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.keyword) and node.arg == "remedy":
                for part in ast.walk(node.value):
                    if _cuts(part) or (isinstance(part, ast.Name) and part.id in names and part.id != "remedy"):
                        yield ast.unparse(part)


def _cuts(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CUTTING


def test_no_remedy_holds_a_value_that_was_cut() -> None:
    found = {
        path.relative_to(ORCHESTRATOR).as_posix(): sorted(set(cut_values(path.read_text("utf-8"))))
        for path in sorted(ORCHESTRATOR.rglob("*.py"))
        if "remedy" in path.read_text("utf-8")
    }
    assert {name: calls for name, calls in found.items() if calls} == {name: [call] for name, call in WHOLE.items()}


def test_a_cut_value_is_seen_also_by_its_name() -> None:
    source = "def f(path):\n    name = shown(path)\n    raise E(what=shown(path), remedy=f'Bring {name} back.')\n"
    assert list(cut_values(source)) == ["name"]
