"""Regular expressions of strangers, matched in time that grows with the text alone, by the Rust engine inside pydantic.

Its syntax is that of Go's `regexp`, as regsync and oc-mirror have it: no backreference and nothing that looks ahead.
Python's own engine takes years for `((a+))+b`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydantic_core import SchemaError, SchemaValidator, core_schema

# Characters of an expression; what a few of them repeat takes megabytes.
LONGEST = 500
_CLASS_ALONE = re.compile(r"(?<!\[)\[:")
# What divides an expression: an escape, a set from its [ on, a parenthesis, an |.
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|\(\?[A-Za-z-]+[:)]|\{,|[()|]", re.DOTALL)
_POSIX = re.compile(r"\\.|\[:\^?[a-z]+:\]", re.DOTALL)
# Rust reads these in a set: a set inside, and what two sets have in common or not.
_RUST_ALONE = re.compile(r"\[|&&|--|~~")


class NoExpression(ValueError):
    """The text is no regular expression, or one that is not taken; its message says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as it was written."""

    text: str
    _whole: SchemaValidator = field(compare=False, repr=False)
    _part: SchemaValidator = field(compare=False, repr=False)

    def matches(self, text: str) -> bool:
        """Is the whole text one of the expression's?"""
        return self._whole.isinstance_python(text)

    def is_in(self, text: str) -> bool:
        """Is there one of the expression's anywhere in the text?"""
        return self._part.isinstance_python(text)


def parse_expression(text: str) -> Expression:
    """Raises NoExpression."""
    if len(text) > LONGEST:
        raise NoExpression(f"it is longer than {LONGEST} characters")
    if _CLASS_ALONE.search(text):
        raise NoExpression('[:digit:] alone is a set of those letters: write "[0-9]" or "[[:digit:]]"')
    _check_rust(text)
    # By itself first: `a)|(b` is none, whatever stands around it.
    part = _compiled(text)
    return Expression(text, _compiled(rf"\A(?:{text})\z"), part)


def alternatives(text: str) -> list[str]:
    """What an `|` outside of every parenthesis and set divides, of an expression that can be parsed.

    `a|(b|c)|[]|]` has three.
    """
    depth, start, found = 0, 0, []
    for piece in _PIECE.finditer(text):
        depth += piece[0].startswith("(") - piece[0].endswith(")") if piece[0][0] in "()" else 0
        if piece[0] == "|" and depth == 0:
            found.append(text[start : piece.start()])
            start = piece.end()
    return [*found, text[start:]]


def _check_rust(text: str) -> None:
    """Raises NoExpression for what Go and Rust read differently."""
    for piece in _PIECE.findall(text):
        if piece[0] == "[" and _RUST_ALONE.search(_POSIX.sub("", piece[1:-1])):
            raise NoExpression('write "[", and a second &, ~ or - of a set, with \\ before it')
        if piece in (r"\<", r"\>"):
            raise NoExpression(f"write {piece[1]} without \\")
        if piece == "{,":
            raise NoExpression('write "{0," for "{,"')
        if piece.startswith("(?") and set(piece) & set("uxR"):
            raise NoExpression("the flags are i, m, s and U")


def _compiled(text: str) -> SchemaValidator:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=text))
    except SchemaError as error:
        last = str(error).strip().rpartition("\n")[2]
        raise NoExpression(last.partition("error: ")[2] or last) from error
