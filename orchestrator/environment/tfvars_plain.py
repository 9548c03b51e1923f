"""Text of a `*.tfvars` file that holds plain values alone -> the line of each, in one pass over the text.

Nearly every file is of that kind. A syntax tree of thousands of mirrors takes longer than all questions to it.
None answers for all that is not plain: a heredoc, an escape, an expression, a key twice. The tree reads it then, and
names what is wrong. That the text is HCL at all is for HashiCorp's own parser to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from orchestrator.environment.tfvars_bounds import MOST_DEPTH
from orchestrator.errors import Location

Path = tuple[str | int, ...]
"""Where a value sits: ("pull_through_cache_rules", "quay", "secret_name"), with list elements by their index."""

_STRING = r'"[^"\\$%\n]*+"'
_VALUE = rf"""
    (?: (?P<text>{_STRING})
      | (?P<number>[0-9]{{1,50}}+(?:\.[0-9]{{1,40}}+)?)(?![\w.])
      | (?P<word>(?:true|false|null)(?![\w-]))
      | (?P<open>[\[{{]) )
"""
_TOKEN = re.compile(
    rf"""
    (?P<gap>(?:[ \t\r\n]|\#[^\n]*+|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)++)
    | (?:(?P<name>[^\W\d][\w-]*+|{_STRING})[ \t]*+[=:](?!=)[ \t]*+)?{_VALUE}
    | (?P<close>[\]}}])
    | (?P<comma>,)
    """,
    re.VERBOSE,
)
_CLOSES = {"{": "}", "[": "]", "": ""}


@dataclass(slots=True)
class PlainValues:
    """Lines of every variable, nested key and element, and numbers as they were written."""

    locations: dict[Path, Location] = field(default_factory=dict)
    numbers: dict[Path, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    """A bracket that is open at `path`, or the file itself (no bracket); a list's next element has `index`."""

    bracket: str
    path: Path
    index: int = 0
    ended: bool = False
    """Was a value read to its end, so that a comma or a line must come first?"""


def read_plain(text: str, file: str) -> PlainValues | None:
    """The lines of `text`, or None where it has other things than plain values, or is too large."""
    found = PlainValues()
    frames = [_Frame("", ())]
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        position = match.end()
        frame = frames[-1]
        if match["gap"]:
            lines = match["gap"].count("\n")
            line += lines
            # Only a list wants a comma between two lines.
            frame.ended = frame.ended and (not lines or frame.bracket == "[")
        elif match["comma"]:
            if not frame.ended or not frame.bracket:
                return None
            frame.ended = False
        elif match["close"]:
            if match["close"] != _CLOSES[frame.bracket]:
                return None
            frames.pop()
            frames[-1].ended = True
        elif not _value(match, frames, found, Location(file, line)):
            return None
    return found if len(frames) == 1 else None


def _value(match: re.Match[str], frames: list[_Frame], found: PlainValues, where: Location) -> bool:
    """Note a value, with its name outside of lists. False where it may not stand there."""
    frame, name = frames[-1], match["name"]
    if frame.ended or (name is None) != (frame.bracket == "["):
        return False
    if name is None:
        here: Path = (*frame.path, frame.index)
        frame.index += 1
    else:
        here = (*frame.path, name[1:-1] if name[0] == '"' else name)
        if here in found.locations:
            return False
    found.locations[here] = where
    if match["open"]:
        frames.append(_Frame(match["open"], here))
        return len(frames) <= MOST_DEPTH
    frame.ended = True
    if match["number"]:
        found.numbers[here] = match["number"]
    return True
