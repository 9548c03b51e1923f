"""YAML of strangers -> Python's values, in time that grows with the text, and never deeper than the machine's stack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import yaml

from orchestrator.errors import Location, RefusedInput

# Documents that list images are a few levels deep; libyaml's composer ends the process at some ten thousand.
DEEPEST = 200
# Values that aliases stand for, all together: a short text could mean more than any machine holds.
MOST_ALIASED = 100_000
# YAML reads digits of bases 2 to 60 as numbers, which Python does not write out beyond 4,300 digits.
LONGEST_NUMBER = 400

_NUMBER = re.compile(r"[-+0-9][0-9a-fA-FxXoOb_:.+-]*", re.ASCII)
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class UnreadableYaml(ValueError):
    """`line` counts from 1; 0 where there is none to name."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


@contextmanager
def _told() -> Iterator[None]:
    """The parser's errors in one form."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableYaml(
            " ".join(str(error.problem or "it is no YAML").split()), mark.line + 1 if mark else 0
        ) from error
    except UnreadableYaml:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableYaml(str(getattr(error, "reason", "") or type(error).__name__), 0) from error


def load_documents(text: str) -> Iterator[Any]:
    """The values of the documents of `text`. Raises UnreadableYaml."""
    check_yaml(text)
    with _told():
        yield from yaml.load_all(text, yaml.CSafeLoader)


def check_yaml(text: str) -> None:
    """Refuse what grows beyond the text: nesting, aliases of aliases, merges of them.

    Raises UnreadableYaml, for what is no YAML, too. What passes can be written out, compared and merged in time that grows with the text.
    """
    with _told():
        _check_growth(text)


def _check_growth(text: str) -> None:
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    values = aliased = 0
    for event in cast("Iterable[Any]", yaml.parse(text, Loader=yaml.CSafeLoader)):
        line = getattr(event.start_mark, "line", -1) + 1
        if isinstance(event, _OPENING):
            open_.append((event.anchor, values))
            values += 1
            if len(open_) > DEEPEST:
                raise UnreadableYaml(f"it is nested deeper than {DEEPEST} levels", line)
        elif isinstance(event, _CLOSING):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = values - before
        elif isinstance(event, yaml.AliasEvent):
            named = str(event.anchor)
            if any(anchor == named for anchor, _ in open_):
                raise UnreadableYaml(f"*{named[:50]} stands within what it names", line)
            size = sizes.get(named, 1)
            values, aliased = values + size, aliased + size
            if aliased > MOST_ALIASED:
                raise UnreadableYaml(f"its aliases stand for more than {MOST_ALIASED} values", line)
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            if event.anchor:
                sizes[event.anchor] = 1
            if len(event.value) > LONGEST_NUMBER and event.implicit[0] and _NUMBER.fullmatch(event.value):
                raise UnreadableYaml(f"it has a number of more than {LONGEST_NUMBER} characters", line)
        elif isinstance(event, yaml.DocumentStartEvent):
            sizes.clear()


def texts_of(value: object) -> list[str] | None:
    """The texts of a list of texts; none for null, and None for everything else."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return value
    return None


def documents_of(name: str, text: str) -> Iterator[Any]:
    """The values of the documents of the file `name`. Raises RefusedInput with file and line."""
    try:
        yield from load_documents(text)
    except UnreadableYaml as error:
        raise RefusedInput(
            f"{name} is no YAML: {error}.", remedy="Correct it.", where=Location(name, error.line)
        ) from error
