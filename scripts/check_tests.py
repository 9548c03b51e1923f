"""Every test says what must hold: an `assert`, `pytest.raises` or `fail`, or a function of the tests that does.

A test that only runs code passes whatever comes out of it. Prints each one that does no more, and ends with 1.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = "tests"
_PYTEST = frozenset({"raises", "warns", "fail"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class _Module:
    """One file of the tests: its functions, and {name: (module, name there)} of what it imports from other tests."""

    functions: Mapping[str, Sequence[_Function]]
    imported: Mapping[str, tuple[str, str]]


def main() -> int:
    """Print what is found below the current folder."""
    texts = {str(path): path.read_text(encoding="utf-8") for path in sorted(Path(TESTS).rglob("*.py"))}
    found = silent_tests(texts)
    print("\n".join(f"{place}: {name} checks nothing. Say what must hold, by an assert." for place, name in found))
    return 1 if found else 0


def silent_tests(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """[(file:line, name)] of the tests without a check; `texts` is {file: its text}, all of the tests' files."""
    modules = {_module_name(file): _read(ast.parse(text)) for file, text in texts.items()}
    known: dict[tuple[str, str], bool] = {}

    def checks(module: str, name: str) -> bool:
        place = (module, name)
        if place in known or module not in modules:
            return known.get(place, False)
        known[place] = False  # one that calls itself proves nothing by that
        found = modules[module]
        if name in found.imported:
            known[place] = checks(*found.imported[name])
        else:
            known[place] = any(holds(module, function) for function in found.functions.get(name, ()))
        return known[place]

    def holds(module: str, function: _Function) -> bool:
        return any(_is_check(node) for node in ast.walk(function)) or any(
            checks(module, name) for name in _called(function) if name != function.name
        )

    return [
        (f"{file}:{function.lineno}", name)
        for file in texts
        if Path(file).name.startswith("test_")
        for name, functions in modules[_module_name(file)].functions.items()
        if name.startswith("test_")
        for function in functions
        if not holds(_module_name(file), function)
    ]


def _module_name(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _read(tree: ast.Module) -> _Module:
    functions: dict[str, list[_Function]] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(TESTS):
            imported |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return _Module(functions, imported)


def _is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in _PYTEST and _is_pytest(node.func.value)
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Raise) and "AssertionError" in ast.dump(node))


def _is_pytest(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "pytest"


def _called(function: _Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


if __name__ == "__main__":
    sys.exit(main())
