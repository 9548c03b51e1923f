"""`orchestrator route`: the table's answer for references, with the reason, warnings and what to do."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader
from typing import TYPE_CHECKING, Any, cast

import click

from orchestrator.cli import messages
from orchestrator.cli.environment_name import NAME
from orchestrator.cli.options import json_option
from orchestrator.cli.project_option import open_project
from orchestrator.counts import counted
from orchestrator.errors import InvalidEnvironment
from orchestrator.plain_text import drawn_on, plain
from orchestrator.routes.advice import remedy_for, warnings_about
from orchestrator.routes.build import build_route_table
from orchestrator.routes.reference import InvalidReference, parse_reference
from orchestrator.routes.table import Answer, Redirected, Refused, Route, RouteTable, Unchanged

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.project import Project

STDIN = "-"
_CHUNK = 1 << 16
# Of the first column: a reference with a digest would push all others' answers out of sight.
_WIDEST = 60
_encode = json.JSONEncoder(check_circular=False).encode

_REASONS = {
    "own": "is in the environment's registry already",
    "excluded": "is excluded, so it is pulled from its source",
    "no route": "has no route, so it is pulled from its source",
    "digest": "names a digest, which ECR cannot pull first, so it is pulled from its source",
}


@dataclass(frozen=True, slots=True)
class Line:
    """The answer for one reference, ready to print."""

    reference: str
    answer: Answer
    warnings: tuple[str, ...]
    remedy: str | None

    @property
    def word(self) -> str:
        return type(self.answer).__name__.lower()

    @property
    def unreadable(self) -> bool:
        return isinstance(self.answer, Refused) and self.answer.reason == "syntax"

    @property
    def route(self) -> Route | None:
        return None if isinstance(self.answer, Refused) else self.answer.route

    @property
    def outcome(self) -> str:
        """Where the image is pulled from, or why it is left alone; one phrase for people."""
        match self.answer:
            case Redirected(target):
                return target
            case Unchanged(reason):
                return _REASONS[reason]
            case Refused(_, detail):
                return detail

    def as_dict(self) -> dict[str, Any]:
        """{reference, answer, target, route: {prefix, source, kind}, reason, detail}: the answer without advice."""
        answer = self.answer
        return {
            "reference": self.reference,
            "answer": self.word,
            "target": answer.target if isinstance(answer, Redirected) else None,
            "route": _described(self.route),
            "reason": None if isinstance(answer, Redirected) else answer.reason,
            "detail": answer.detail if isinstance(answer, Refused) else None,
        }

    def as_json(self) -> str:
        """One object: {reference, answer, target, route: {prefix, source, kind}, reason, detail, warnings, remedy}."""
        answer = self.answer
        head = f'{{"reference": {_encode(self.reference)}, "answer": "{self.word}", "target": '
        if isinstance(answer, Redirected):
            return f"{head}{_encode(answer.target)}, {_tail(answer.route, None, None, self.warnings, None)}"
        if isinstance(answer, Refused):
            return f"{head}null, {_tail(None, answer.reason, answer.detail, self.warnings, self.remedy)}"
        return f"{head}null, {_tail(answer.route, answer.reason, None, self.warnings, self.remedy)}"


def _described(route: Route | None) -> dict[str, str] | None:
    if route is None:
        return None
    return {"prefix": route.name, "source": str(route.source), "kind": route.kind}


# Few references differ in more than name and target. An encoder for each would take half of the whole time.
@lru_cache(maxsize=4096)
def _tail(
    route: Route | None, reason: str | None, detail: str | None, warnings: tuple[str, ...], remedy: str | None
) -> str:
    rest = {
        "route": _described(route),
        "reason": reason,
        "detail": detail,
        "warnings": warnings,
        "remedy": remedy,
    }
    return _encode(rest)[1:]


def answer_line(table: RouteTable, text: str) -> Line:
    """Ask the table about one reference."""
    try:
        reference = parse_reference(text)
    except InvalidReference as error:
        return Line(text, Refused("syntax", error.why, error.remedy), (), error.remedy)
    answer = table.redirect(reference)
    remedy = None
    if isinstance(answer, Refused):
        remedy = answer.remedy
    elif answer == _NO_ROUTE:
        remedy = remedy_for(table, reference)
    return Line(text, answer, warnings_about(table, reference, answer), remedy)


_NO_ROUTE = Unchanged("no route")


@click.command()
@NAME
@click.argument("references", metavar="REFERENCE...", nargs=-1, required=True)
@json_option("Print one JSON object for each reference, one a line.")
@click.pass_context
def route(ctx: click.Context, name: str, references: tuple[str, ...], as_json: bool) -> int:
    """Say where image references are pulled from in environment NAME, by which route, and why.

    `-` reads references from standard input, one a line. Exit code 2 when one of them is not an image reference at
    all. Every other answer, also an image that is left alone, is 0.
    """
    table = build_route_table(load_routes(open_project(ctx), name))
    refused = False
    for texts in _batches(references):
        lines = [answer_line(table, text) for text in texts]
        refused = refused or any(line.unreadable for line in lines)
        if as_json:
            sys.stdout.write("".join(f"{line.as_json()}\n" for line in lines))
        elif sys.stdout.isatty() and STDIN not in references:
            _print_table(lines)
        else:
            sys.stdout.write(_plain(lines))
        sys.stdout.flush()
    return 2 if refused else 0


# What the table reads of an environment; what else is wrong there changes no answer.
_READ = {
    *("account_id", "aws_region", "registry_account_id", "registry_region", "pull_through_cache_rules", "mirrors"),
    *("include", "exclude", "allow_upstream", "digest_references", "platform"),
}
_RULE_DETAILS = re.compile(
    r'pull_through_cache_rules(?:\.[^."\[]+|\["[^"]*"\])\.(?:secret_name|credential_arn|custom_role_arn|template)\b'
)


def load_routes(project: Project, name: str) -> Environment:
    """The environment, if its routes are sound: one without its VPC or its credentials can be asked already."""
    checked = project.check(name)
    if checked.environment is not None:
        return checked.environment
    known = type(checked.draft).model_fields if checked.draft else {}
    for problem in checked.problems:
        variable = getattr(problem, "variable", "")
        root = re.split(r"[.\[]", variable)[0]
        if root not in known or (root in _READ and not _RULE_DETAILS.match(variable)):
            raise InvalidEnvironment(checked.problems)
    assert checked.draft is not None
    count = len(checked.problems)
    messages.note(f"{name} has {counted(count, 'problem')} outside its routes: orchestrator validate {name}")
    return checked.draft


def _batches(references: Sequence[str]) -> Iterator[list[str]]:
    """The references in their order; those of standard input as they arrive, so that a slow producer gets answers."""
    given: list[str] = []
    for reference in references:
        if reference != STDIN:
            given.append(reference)
            continue
        if given:
            yield given
            given = []
        yield from _read_lines()
    if given:
        yield given


def _read_lines() -> Iterator[list[str]]:
    """Lines of standard input without their ends, in batches of what one read gave; blank ones are left out."""
    stream = cast("BufferedReader", sys.stdin.buffer)
    rest = b""
    while chunk := stream.read1(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from _decode(lines)
    yield from _decode([rest])


def _decode(lines: Iterable[bytes]) -> Iterator[list[str]]:
    # A line that is not UTF-8 is no reference; the replacement character keeps it one in what is printed.
    texts = [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines if line.strip()]
    if texts:
        yield texts


# Below this many columns a table's cells hold a letter or none: the terminal breaks plain lines better.
_NARROWEST = 80


def _shown(text: str) -> str:
    """`text` for a terminal or a log: nothing in it can move the cursor."""
    return text if text.isascii() and text.isprintable() else ascii(text)


def _plain(lines: Sequence[Line]) -> str:
    """Aligned columns: reference, answer, where from or why; notes below, indented. Long references stand out alone."""
    lengths = [len(_shown(line.reference)) for line in lines]
    width = max((length for length in lengths if length <= _WIDEST), default=0)
    out = []
    for line in lines:
        out.append(f"{_shown(line.reference):<{width}}  {line.word:<10}  {line.outcome}")
        out.extend(f"    {note}" for note in _notes(line))
    return "".join(f"{row}\n" for row in out)


def _notes(line: Line) -> Iterator[str]:
    if line.route is not None:
        yield f"route: {line.route.source} -> {line.route.name} ({line.route.kind})"
    for warning in line.warnings:
        yield f"warning: {warning}"
    if line.remedy:
        yield f"remedy: {line.remedy}"


def _print_table(lines: Sequence[Line]) -> None:
    across = os.get_terminal_size(sys.stdout.fileno()).columns
    if 0 < across < _NARROWEST:
        sys.stdout.write(_plain(lines))
        return
    # Only here: rich costs a tenth of a second that no pipe needs.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"redirected": "green", "unchanged": "yellow", "refused": "red"}
    table = Table(show_lines=True)
    for column, width in (("Reference", None), ("Answer", None), ("Pulled from, or why not", None), ("Notes", 40)):
        table.add_column(column, overflow="fold", max_width=width)
    for line in lines:
        notes = "\n".join(_notes(line))
        cells = (_shown(line.reference), line.word, line.outcome, notes)
        table.add_row(
            *(Text(plain(cell), style=styles[line.word] if index == 1 else "") for index, cell in enumerate(cells))
        )
    Console(file=drawn_on(sys.stdout), color_system="auto" if messages.wants_colour() else None).print(table)
