"""Run a command in this process, through the same `main` that a shell calls."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

from orchestrator.cli.main import main
from tests.functional.published_schemas import problems

# Whatever a test asks of these as JSON is held against the schema that is published for it.
HELD = frozenset({"mirror", "report", "verify", "warm"})


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, what it wrote to stdout and to stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str, stdin: bytes = b"") -> Ran:
    """`orchestrator ARGUMENTS` with `stdin` as standard input, which is no terminal."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(arguments)
            except SystemExit as exit_:
                code = exit_.code
    finally:
        sys.stdin = before
    assert isinstance(code, int)
    _hold(arguments, out.getvalue())
    return Ran(code, out.getvalue(), err.getvalue())


def _hold(arguments: tuple[str, ...], out: str) -> None:
    """Refuse a JSON answer that its schema does not allow; an error's document has a schema of its own."""
    command = next((argument for argument in arguments if argument in HELD), None)
    if command is None or "--json" not in arguments or not out.lstrip().startswith("{"):
        return
    document = json.loads(out)
    assert problems("errors" if "errors" in document else command, document) == []
