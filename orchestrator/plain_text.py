"""Text of strangers as people may see it: nothing in it moves a cursor, hides, reorders or forges a line.

File names, values, messages of AWS, registries and clusters are written by others. A control character in one is shown
as its escape, which reads the same in JSON. What is no terminal gets documents byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, Any

# C0 and C1 without tab and newline; what turns the direction of text; Unicode's own ends of lines.
_STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# The colours of this program, and a line's end as Windows has it.
_OWN = re.compile("\x1b\\[(?:0|3[1-6])m|\r\n")


def plain(text: str) -> str:
    """`text` with every steering character as its escape: `\\u001b`. This program's own colours stay."""
    if _STEERING.search(text) is None:
        return text
    shown, position = [], 0
    for own in _OWN.finditer(text):
        shown += [_STEERING.sub(_escape, text[position : own.start()]), own[0]]
        position = own.end()
    return "".join([*shown, _STEERING.sub(_escape, text[position:])])


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def shown(value: object) -> str:
    """A value as an error names it. Aliases can make a short document a long value, so only a text is written out."""
    if isinstance(value, str | int | float | bool) or value is None:
        return ascii(value)[:100]
    return f"a {type(value).__name__}"


class PlainStream:
    """A terminal's stream that takes plain text alone, and is that stream in all else."""

    def __init__(self, under: IO[str]) -> None:
        self._under = under

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)

    def write(self, text: str) -> int:
        """Write it with its steering characters as escapes."""
        return self._under.write(plain(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each so."""
        self._under.writelines(map(plain, lines))

    @property
    def drawn_on(self) -> IO[str]:
        """The stream itself."""
        return self._under


def drawn_on(stream: IO[str] | PlainStream) -> IO[str]:
    """The stream for what moves the cursor itself, such as a bar; its texts have to be plain already."""
    return stream.drawn_on if isinstance(stream, PlainStream) else stream
