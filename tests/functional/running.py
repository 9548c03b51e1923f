"""Run a command in this process, through the same `main` that a shell calls."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

from orchestrator.cli.main import main


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
    return Ran(code, out.getvalue(), err.getvalue())
