"""Do the commands that the documentation shows exist? `python -m scripts.check_readme [FILE...]`.

Each `orchestrator ...` and `make ...` in a fenced block is read as the command would: names, options, arguments'
number, choices. Nothing is run.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from orchestrator.cli.main import cli

ROOT = Path(__file__).resolve().parents[1]
SHELL = frozenset({"", "sh", "bash", "shell", "zsh"})
SESSION = frozenset({"console", "shell-session", "terminal"})
YAML = frozenset({"yaml", "yml"})
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w+-]*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_TARGET = re.compile(r"^([A-Za-z0-9][A-Za-z0-9_.-]*)\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """One command in a document; `words` begins with the program."""

    file: str
    line: int
    words: tuple[str, ...]


def commands_in(text: str, file: str) -> Iterator[Shown]:
    """The `orchestrator` and `make` commands of the fenced blocks, each part of a pipe or a list by itself."""
    for line, language, content in _fenced_lines(text):
        source = content.strip()
        if language in SESSION:
            if not source.startswith(("$ ", "# ", "> ")):
                continue
            source = source[2:]
        elif language in YAML:
            source = re.sub(r"^(-\s+)?(run|script|command):\s*|^-\s+", "", source)
        elif language in SHELL:
            source = source.removeprefix("$ ")
        else:
            continue
        for words in _simple_commands(source):
            program = _program(words)
            if program and program[0] in ("orchestrator", "make"):
                yield Shown(file, line, program)


def problem_of(shown: Shown, targets: frozenset[str]) -> str | None:
    """What is wrong with the command, None when nothing is."""
    if shown.words[0] == "make":
        unknown = [
            word
            for word in shown.words[1:]
            if not word.startswith("-") and not _ASSIGNMENT.match(word) and word not in targets
        ]
        return f"make has no target {', '.join(unknown)}" if unknown else None
    return _read_as_click(cli, list(shown.words[1:]), "orchestrator", None)


def make_targets(makefile: str) -> frozenset[str]:
    """The targets that a Makefile names."""
    return frozenset(_TARGET.findall(makefile))


def _fenced_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, language, content) of every line in a fenced block; a backslash at the end joins lines."""
    fence = language = ""
    pending, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        match = _FENCE.match(line)
        if not fence:
            if match:
                fence, language = match[1], match[2].lower()
            continue
        if match and match[1].startswith(fence) and not match[2]:
            fence = pending = ""
            continue
        begun = begun if pending else number
        if line.rstrip().endswith("\\"):
            pending += line.rstrip()[:-1] + " "
            continue
        yield begun, language, pending + line
        pending = ""


def _simple_commands(source: str) -> Iterator[list[str]]:
    """The words of each command of a pipe or list; redirections are left out."""
    lexer = shlex.shlex(source, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    skip = False
    try:
        tokens = list(lexer)
    except ValueError:  # a quotation that goes on in the next line: not one of ours
        return
    for token in tokens:
        if set(token) <= set(";&|()") and token:
            yield words
            words = []
        elif set(token) <= set("<>&"):
            skip = True
        elif skip:
            skip = False
        else:
            words.append(token)
    yield words


def _program(words: list[str]) -> tuple[str, ...]:
    """The words without assignments before the program; `python -m orchestrator` is `orchestrator`."""
    rest = list(words)
    while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] in ("!", "time", "if", "then", "do")):
        rest.pop(0)
    if len(rest) > 2 and Path(rest[0]).name.startswith("python") and rest[1:3] == ["-m", "orchestrator"]:
        rest = rest[2:]
    if rest and rest[0].endswith("/bin/orchestrator"):
        rest[0] = "orchestrator"
    return tuple(rest)


def _read_as_click(command: click.Command, words: list[str], name: str, parent: click.Context | None) -> str | None:
    if words and words[-1] in ("-h", "--help"):
        # Help needs no arguments: only the names of the commands before it are read.
        if not isinstance(command, click.Group) or len(words) == 1:
            return None
        words = [word for word in words[:-1] if not word.startswith("-")] + words[-1:]
    context = click.Context(command, info_name=name, parent=parent)
    try:
        values, left, _ = command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return f"{context.command_path}: {error.format_message()}"
    problem = _values_problem(command, values)
    if problem:
        return f"{context.command_path}: {problem}"
    if not isinstance(command, click.Group):
        return f"{context.command_path}: too many arguments ({' '.join(left)})" if left else None
    if not left:
        return None
    try:
        below = command.get_command(context, left[0])
    except (ImportError, AttributeError) as error:
        return f"{context.command_path} {left[0]}: cannot be loaded ({error})"
    if below is None:
        return f"{context.command_path} has no command {left[0]}"
    return _read_as_click(below, left[1:], left[0], context)


def _values_problem(command: click.Command, values: dict[str, object]) -> str | None:
    for parameter in command.params:
        value = values.get(parameter.name or "")
        # A parameter that was not given has a marker of click's own here, or None.
        given = isinstance(value, (str, bool, int)) or (isinstance(value, (list, tuple)) and len(value) > 0)
        if parameter.required and not given:
            return f"{parameter.human_readable_name} is missing"
        if given and isinstance(parameter.type, click.Choice):
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if item not in parameter.type.choices:
                    return f"{item} is none of {', '.join(map(str, parameter.type.choices))}"
    return None


def documents(root: Path) -> list[Path]:
    """README, CONTRIBUTING, ci/README and everything below docs/ and in the modules' READMEs."""
    found = [root / "README.md", root / "CONTRIBUTING.md", root / "ci/README.md"]
    found += sorted((root / "docs").rglob("*.md")) + sorted((root / "modules").glob("*/README.md"))
    return [path for path in found if path.is_file()]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every command shown exists, else 1, with a line for each that does not."""
    named = [Path(name) for name in (sys.argv[1:] if arguments is None else arguments)]
    targets = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    checked = wrong = 0
    for path in named or documents(ROOT):
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        for shown in commands_in(path.read_text(encoding="utf-8"), name):
            checked += 1
            problem = problem_of(shown, targets)
            if problem:
                wrong += 1
                print(f"{shown.file}:{shown.line}: {problem}", file=sys.stderr)
    print(f"{checked} commands in the documentation, {wrong} wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
