"""Run a command in this process, through the same `main` that a shell calls."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from orchestrator.cli.main import cli, main
from tests.functional.published_schemas import problems

GLOBAL_VALUES = frozenset({"-C", "--project-dir", "--log-format"})


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
    if "--json" not in arguments or not out.lstrip().startswith("{"):
        return
    name = schema_name(arguments)
    # `output NAME KEY --json` prints whatever the output holds; `operators --for` prints an object of Kubernetes.
    held = not (name == "output" or (name == "operators" and "--for" in arguments))
    texts = out.splitlines() if name == "route" else [out]
    for text in texts:
        document = json.loads(text)
        refused = set(document) == {"errors"}
        if refused or held:
            found = problems("errors" if refused else name, document)
            assert found == [], f"{' '.join(arguments)}: {found}"


def schema_name(arguments: Sequence[str]) -> str:
    """`lifecycle-run` of `-C folder lifecycle run dev --json`: the command's words, as click finds them."""
    command: click.Command | None = cli
    words: list[str] = []
    left = iter(arguments)
    for argument in left:
        if not isinstance(command, click.Group):
            break
        if argument in GLOBAL_VALUES:
            next(left, None)
        elif not argument.startswith("-"):
            words.append(argument)
            command = command.get_command(click.Context(command), argument)
    return "-".join(words if command is not None else words[:-1])


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """(`lifecycle-run`, the command) of every command."""
    for word in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), word)
        assert command is not None
        yield "-".join((*words, word)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, word))
