"""Sentences end before a reader loses them, and begin with their subject: fails for one that does not.

`python -m scripts.check_sentences` is part of `make check`; `--over N` lists what is longer than N words, and fails for none.
It reads docstrings, comments and messages of Python, descriptions, error messages and comments of HCL, and the documentation.
A value that is filled in, a piece of code and a link count as one word. An item of a list is a sentence of its own. So is what follows a semicolon and begins with code (`a` is this; `b` is that).
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOTS = ("orchestrator", "lambda_src", "scripts", "modules", "environments", "docs")
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
# The most words of a sentence.
LIMIT = 20
# These are made from other texts, which are read where they are written.
MADE = ("<!-- Made by", "Made from the code:")
_END = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?][\")`'*]*(?=\s|$)|:(?=\s*$)|;(?=\s+code\b)")
_CODE = re.compile(r"``[^`]*``|`[^`]*`")
_FILLED = re.compile(r"\$?\{[^{}]*\}")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_WORD = re.compile(r"[^\W\d_]{2,}|\ba\b|\bI\b")
_HCL_TEXT = re.compile(r'^\s*(?:description|error_message|alarm_description)\s*=\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
# A subject that comes late: "Beside a state lies a copy", "Who asks first is served". Held where people read in a hurry.
LATE = ("message", "hcl")
_LATE_SUBJECT = re.compile(
    r"(?:What|Who|Whoever|Whatever)\s+\S+\s+\S+\s+\S.*[^?]\Z"
    r"|(?:Above|After|Before|Behind|Below|Beside|Between|Beyond|From|In|Of|On|Under|With|Without)\s(?:[\w'’-]+\s){1,5}?"
    r"(?:begins?|comes?|follows?|goes|lies?|remains?|stands?)\s(?:a|an|each|every|code|its|the|what|who)\b"
)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+\.)\s+|^\s*\|")


class Sentence(NamedTuple):
    """One sentence of a text: its kind (message, docstring, comment, hcl, docs), file:line where the text begins, and the words."""

    kind: str
    place: str
    text: str

    @property
    def words(self) -> int:
        """How many words a reader reads."""
        return len([word for word in self.text.split() if _WORD.search(word)])

    @property
    def begins_late(self) -> bool:
        """Does its subject come after its verb, or hide in a question word, where that is held?"""
        return self.kind in LATE and _LATE_SUBJECT.match(self.text) is not None


def sentences(root: Path) -> Iterator[Sentence]:
    """Every sentence below the roots."""
    for path in _files(root):
        where = str(path.relative_to(root))
        text = path.read_text("utf-8")
        if any(made in text[:200] for made in MADE):
            continue
        for kind, line, part in _texts(path.suffix, text):
            for sentence in split(part):
                yield Sentence(kind, f"{where}:{line}", sentence)


def split(text: str) -> Iterator[str]:
    """The sentences of a text of one paragraph; what is code or filled in has become the one word `code`."""
    plain = _LINK.sub(r"\1", _FILLED.sub("code", _FILLED.sub("code", _CODE.sub("code", text))))
    start = 0
    for end in _END.finditer(plain):
        yield " ".join(plain[start : end.end()].split())
        start = end.end()
    if rest := " ".join(plain[start:].split()):
        yield rest


def _files(root: Path) -> Iterator[Path]:
    for name in ROOTS:
        for path in sorted((root / name).rglob("*")):
            if path.suffix in {".py", ".tf", ".md"} and ".terraform" not in path.parts:
                yield path
    yield from (root / name for name in FILES)


def _texts(suffix: str, text: str) -> Iterator[tuple[str, int, str]]:
    """(kind, line, paragraph) of everything in a file that people read."""
    if suffix == ".py":
        yield from _strings(ast.parse(text))
        yield from _comments(text)
    elif suffix == ".tf":
        for found in _HCL_TEXT.finditer(text):
            yield "hcl", text.count("\n", 0, found.start(1)) + 1, found[1].replace("\\n", ". ")
        yield from _runs("comment", _hash_lines(text))
    else:
        yield from _paragraphs("docs", 1, text)


def _strings(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    documented = {}
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "EcrError":
            # The embedded AWS answers in AWS's own words.
            inner |= {id(child) for child in ast.walk(node)}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                documented[id(first.value)] = first.value
        if isinstance(node, ast.JoinedStr):
            inner |= {id(child) for child in ast.walk(node) if child is not node}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.JoinedStr)
            and id(node) not in inner
            and not _is_document("".join(_filled(part) for part in node.values))
        ):
            yield from _paragraphs("message", node.lineno, "".join(_filled(part) for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            kind = "docstring" if id(node) in documented else "message"
            if kind == "message" and _is_document(node.value):
                continue
            yield from _paragraphs(kind, node.lineno, node.value)


def _is_document(text: str) -> bool:
    """Whether a string is for a program: a table or script of several lines, SQL, CEL, a regular expression."""
    return "\n" in text.strip() or text.startswith("create table") or " && " in text or "(?:" in text


def _filled(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "code"


def _comments(text: str) -> Iterator[tuple[str, int, str]]:
    found = [
        (token.start[0], token.string.lstrip("# "))
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and not token.string.startswith("# noqa")
    ]
    yield from _runs("comment", found)


def _hash_lines(text: str) -> Sequence[tuple[int, str]]:
    return [
        (number, line.strip().lstrip("# "))
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip().startswith("#")
    ]


def _runs(kind: str, lines: Sequence[tuple[int, str]]) -> Iterator[tuple[str, int, str]]:
    """Comments on consecutive lines are one text; an empty one ends it."""
    run: list[str] = []
    begun = last = 0
    for number, line in lines:
        if run and (number != last + 1 or not line):
            yield kind, begun, " ".join(run)
            run = []
        if line:
            begun = begun if run else number
            run.append(line)
        last = number
    if run:
        yield kind, begun, " ".join(run)


def _paragraphs(kind: str, line: int, text: str) -> Iterator[tuple[str, int, str]]:
    """Paragraphs, items and cells. Fenced lines, those behind click's backspace and those indented by four columns are code."""
    held: list[str] = []
    begun, fenced, verbatim = line, False, False
    below = [len(each) - len(each.lstrip()) for each in text.split("\n")[1:] if each]
    margin = min(below, default=0)
    for number, written in enumerate(text.splitlines(), line):
        bare = written.strip()
        if bare.startswith("```"):
            fenced = not fenced
        # click shows the paragraph behind a backspace as it is written.
        verbatim = bare == "\b" or (verbatim and bool(bare))
        indent = len(written) - len(written.lstrip())
        is_code = (
            fenced
            or verbatim
            or bare.startswith("```")
            or bool(re.search("[─│]", bare))
            or (not held and indent >= margin + 4 and not _ITEM.match(written))
        )
        if held and (not bare or is_code or _ITEM.match(written) or bare.startswith("#")):
            yield kind, begun, " ".join(held)
            held = []
        if not bare or is_code:
            continue
        if bare.startswith("|"):
            yield from ((kind, number, cell) for cell in re.split(r"(?<!\\)\|", _CODE.sub("`code`", bare)))
            continue
        begun = begun if held else number
        held.append(_ITEM.sub("", bare))
    if held:
        yield kind, begun, " ".join(held)


def main(arguments: Sequence[str]) -> int:
    """Print what is too long; the exit code."""
    listed = int(arguments[1]) if arguments[:1] == ["--over"] else None
    read = list(sentences(Path(__file__).parents[1]))
    found = [sentence for sentence in read if sentence.words > (LIMIT if listed is None else listed)]
    late = [sentence for sentence in read if sentence.begins_late] if listed is None else []
    for sentence in found:
        print(f"{sentence.place}: {sentence.kind} of {sentence.words} words: {sentence.text}")
    for sentence in late:
        print(f"{sentence.place}: {sentence.kind} does not begin with its subject: {sentence.text}")
    return 1 if (found or late) and listed is None else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
