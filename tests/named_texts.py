"""Every text of this project that a person may read, with its place.

Strings of the program, templates, .tf and .tfvars files, pipelines, documents. What is computed in a text is one VALUE.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Stands for a value in a text: `orchestrator plan {name}` names the command and not its argument.
VALUE = "\ufffc"
_HCL_VALUE = re.compile(r"\$\{[^{}]*\}")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_FIELD = re.compile(r"\{\w*\}")
# A module without any of these names nothing, so that it need not be parsed.
_MAY_NAME = re.compile(
    r"(?<!from )orchestrator[ \[|]|--[a-z]|\.md\b|python -m|make |[a-z]/[\w.-]+\.\w|(?:docs|modules)/"
)


@dataclass(frozen=True, slots=True)
class NamingText:
    """One text and its place. `shipped`: it is read where only the wheel is installed, so that it may name nothing else."""

    file: str
    line: int
    content: str
    shipped: bool


def all_texts() -> Iterator[NamingText]:
    """The texts of all files that git knows or would add, but for those of the tests."""
    for name in sorted(repository_files()):
        path = ROOT / name
        top = name.partition("/")[0]
        if top == "tests" or not path.is_file():
            continue
        if path.suffix == ".py" and top in ("orchestrator", "lambda_src"):
            source = path.read_text("utf-8")
            if _MAY_NAME.search(source):
                yield from python_texts(source, name)
        elif path.suffix in (".tf", ".tfvars"):
            # What has no space is a word of code: a key, a suffix of a name.
            words = re.sub(r'"[^"\s]*"', '""', path.read_text("utf-8"))
            yield NamingText(name, 1, _HCL_VALUE.sub(VALUE, words), shipped=True)
        elif path.suffix == ".j2":
            yield NamingText(name, 1, _JINJA.sub(VALUE, path.read_text("utf-8")), shipped=True)
        elif path.suffix in (".md", ".yaml", ".yml"):
            yield NamingText(name, 1, path.read_text("utf-8"), shipped=False)


def python_texts(source: str, file: str) -> Iterator[NamingText]:
    """The strings of a Python module. A docstring is read by developers, unless it is the help of a command."""
    yield from _below(ast.parse(source), file)


def _below(node: ast.AST, file: str) -> Iterator[NamingText]:
    inner = list(ast.iter_child_nodes(node))
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and (content := _text_of(first.value)) is not None:
            yield NamingText(file, first.lineno, content, shipped=_is_command(node))
            inner.remove(first)
    for child in inner:
        content = _text_of(child)
        if content is None:
            yield from _below(child, file)
        elif content.strip():
            yield NamingText(file, getattr(child, "lineno", 1), content, shipped=True)
            if isinstance(child, ast.JoinedStr):
                # A condition inside a value may hold a text of its own.
                for part in child.values:
                    if isinstance(part, ast.FormattedValue):
                        yield from _below(part, file)


def _is_command(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        re.search(r"\b(command|group)\(", ast.unparse(decorator)) for decorator in node.decorator_list
    )


def _text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return _FIELD.sub(VALUE, node.value) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else VALUE
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text_of(node.left), _text_of(node.right)
        return None if left is None or right is None else left + right
    return None


@cache
def repository_files() -> frozenset[str]:
    """The paths that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return frozenset(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines())


@cache
def wheel_files() -> frozenset[str]:
    """What a wheel of this tree would hold, by the names of a checkout."""
    from hatchling.builders.wheel import WheelBuilder

    names = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    moved = {
        "orchestrator/_terraform/": "",
        "orchestrator/_docs/": "docs/",
        "orchestrator/_requirements/": "requirements/",
        "orchestrator/_charts/": "charts/",
    }
    return frozenset(
        next((to + name.removeprefix(at) for at, to in moved.items() if name.startswith(at)), name) for name in names
    )
