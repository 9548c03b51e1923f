"""YAML of strangers -> Python's values, in time that grows with the text, and never deeper than the machine's stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import yaml

from orchestrator.errors import Location, RefusedInput

# Documents that list images are a few levels deep; libyaml's composer ends the process at some ten thousand.
DEEPEST = 200

_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class UnreadableYaml(ValueError):
    """`line` counts from 1; 0 where there is none to name."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def load_documents(text: str) -> Iterator[Any]:
    """The values of the documents of `text`. Raises UnreadableYaml."""
    try:
        _check_depth(text)
        yield from yaml.load_all(text, yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableYaml(
            " ".join(str(error.problem or "it is no YAML").split()), mark.line + 1 if mark else 0
        ) from error
    except UnreadableYaml:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableYaml(str(getattr(error, "reason", "") or type(error).__name__), 0) from error


def _check_depth(text: str) -> None:
    depth = 0
    for event in cast("Iterable[Any]", yaml.parse(text, Loader=yaml.CSafeLoader)):
        if isinstance(event, _OPENING):
            depth += 1
            if depth > DEEPEST:
                raise UnreadableYaml(
                    f"it is nested deeper than {DEEPEST} levels", getattr(event.start_mark, "line", -1) + 1
                )
        elif isinstance(event, _CLOSING):
            depth -= 1


def documents_of(name: str, text: str) -> Iterator[Any]:
    """The values of the documents of the file `name`. Raises RefusedInput with file and line."""
    try:
        yield from load_documents(text)
    except UnreadableYaml as error:
        raise RefusedInput(
            f"{name} is no YAML: {error}.", remedy="Correct it.", where=Location(name, error.line)
        ) from error


def shown(value: object) -> str:
    """A value as an error names it: aliases can make a short document a long value, so only a text is written out."""
    if isinstance(value, str | int | float | bool) or value is None:
        return ascii(value)[:100]
    return f"a {type(value).__name__}"
