"""Text of a `*.tfvars` file -> what its parsers would choke on. One pass finds it, in linear time.

HashiCorp's parser takes minutes for a heredoc of many lines, for a text of many escaped `${`, and for 1e99999999. A
reader that recurses runs out of stack. No variable of an environment needs such values, so that they are refused before anything parses them. The same
pass sees which bracket is not closed: the parsers name the end of the file instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_DEPTH = 50
MOST_DIGITS = 100
MOST_EXPONENT = 300
MOST_HEREDOC_LINES = 1000
MOST_ESCAPES = 1000

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*|//[^\n]*|/\*(?:.*?\*/|.*))
    | (?P<string>"(?:[^"\\\n]|\\.)*+"?)
    | <<-?(?P<heredoc>[^\W\d][\w-]*)[ \t]*\r?\n
    | (?P<word>[^\W\d][\w-]*)
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<open>[\[{(])
    | (?P<close>[\]})])
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"{": "}", "[": "]", "(": ")"}


@dataclass(frozen=True, slots=True)
class Excess:
    """What no parser is given: `line` counts from 1."""

    line: int
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Unclosed:
    """A bracket that nothing closes, or that another kind closes."""

    line: int
    bracket: str

    @property
    def closer(self) -> str:
        """What is missing: `}` for `{`."""
        return _CLOSES[self.bracket]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one pass over a text found; both are None for most texts."""

    excess: Excess | None
    unclosed: Unclosed | None


@dataclass(frozen=True, slots=True)
class _Open:
    bracket: str
    position: int


def scan_bounds(text: str) -> Bounds:
    """Look at every token once, and stop at the first that is too much."""
    stack: list[_Open] = []
    unclosed: _Open | None = None
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "open":
            stack.append(_Open(match[0], match.start()))
            if len(stack) > MOST_DEPTH:
                what = f"Brackets are nested more than {MOST_DEPTH} deep."
                return _excess(text, match.start(), what, "No variable is that deep: remove the brackets.")
        elif kind == "close":
            opened = stack.pop() if stack else None
            if opened and unclosed is None and not _belong(text, opened, match):
                unclosed = opened
        elif kind == "word":
            # A variable at the margin: whatever is open there was to be closed before.
            if stack and unclosed is None and _is_assignment(text, match):
                unclosed = stack[-1]
        elif kind == "number":
            if is_too_long(match[0]):
                what = f"A number has more than {MOST_DIGITS} digits, or an exponent beyond {MOST_EXPONENT}."
                return _excess(text, match.start(), what, "Write a number that fits, or put it in quotes.")
        elif kind == "heredoc":
            end = _end_of_heredoc(text, match)
            stop = end.end() if end else len(text)
            if text.count("\n", position, stop) > MOST_HEREDOC_LINES:
                what = f"A heredoc has more than {MOST_HEREDOC_LINES} lines."
                return _excess(text, match.start(), what, "Shorten it: no variable takes a text of that length.")
            position = stop
        if kind in {"string", "heredoc"} and _has_many_escapes(text[match.start() : position]):
            what = f"A text has more than {MOST_ESCAPES} escaped `${{` or `%{{`."
            return _excess(text, match.start(), what, "Shorten it: no variable takes such a text.")
    if stack and unclosed is None:
        unclosed = stack[-1]
    return Bounds(None, Unclosed(_line(text, unclosed.position), unclosed.bracket) if unclosed else None)


def without_heredocs(text: str) -> str | None:
    """The text with empty heredocs, for a parser that takes long for their lines. None where one has no end."""
    kept, position, start = [], 0, 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match.lastgroup == "heredoc":
            end = _end_of_heredoc(text, match)
            if end is None:
                return None
            kept.append(text[start:position])
            start, position = end.start(), end.end()
    return "".join([*kept, text[start:]])


def _end_of_heredoc(text: str, opened: re.Match[str]) -> re.Match[str] | None:
    name = re.escape(opened["heredoc"])
    return re.compile(rf"^[ \t]*{name}[ \t]*\r?$", re.MULTILINE).search(text, opened.end())


def _has_many_escapes(text: str) -> bool:
    """Has it more parts than a parser takes in reasonable time? `$${` and `%%{` each end one."""
    return text.count("$${") + text.count("%%{") > MOST_ESCAPES


def is_too_long(number: str) -> bool:
    """Has a number, such as `1.5e+3`, more digits or a larger exponent than a parser is given?"""
    exponent = number.lower().partition("e")[2].lstrip("+-").lstrip("0")
    return len(number) > MOST_DIGITS or len(exponent) > 3 or int(exponent or "0") > MOST_EXPONENT


def _belong(text: str, opened: _Open, match: re.Match[str]) -> bool:
    """Is it of the bracket's kind? Where it begins its line, is it not further left than the bracket's line?"""
    if match[0] != _CLOSES[opened.bracket]:
        return False
    indent = _indent(text, match.start())
    if match.start() - (text.rfind("\n", 0, match.start()) + 1) != indent:
        return True
    return indent >= _indent(text, opened.position)


def _is_assignment(text: str, match: re.Match[str]) -> bool:
    if match.start() and text[match.start() - 1] != "\n":
        return False
    return re.compile(r"[ \t]*=(?!=)").match(text, match.end()) is not None


def _indent(text: str, position: int) -> int:
    """Blanks before the first character of the line at `position`."""
    begin = text.rfind("\n", 0, position) + 1
    end = begin
    while end < position and text[end] in " \t":
        end += 1
    return end - begin


def _excess(text: str, position: int, what: str, remedy: str) -> Bounds:
    return Bounds(Excess(_line(text, position), what, remedy), None)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
