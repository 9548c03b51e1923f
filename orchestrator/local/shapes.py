"""Check a document against a botocore shape: required members, types, enumerations, patterns, lengths and ranges."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

# Categories of Java's expressions in sets of characters, such as those of tags. Python has none; these are a little wider.
_CATEGORIES = {r"\p{L}": r"\w", r"\p{Z}": r"\s", r"\p{N}": r"\d", r"\p{IsLetter}": r"\w"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One way in which a document breaks its shape: `path` such as `tags.1.Key`, `rule` in AWS's words."""

    path: str
    rule: str
    missing: bool = False


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (str, bytes),
    "timestamp": (int, float, datetime),
}


def misfits(value: object, shape: Shape, path: str = "", *, is_answer: bool = False) -> Iterator[Misfit]:
    """Every way in which `value` breaks `shape`; unknown members of a structure are misfits too.

    AWS's answers share shapes with its requests. A list is empty there where a request must name something. It holds a
    thousand images where a request names a hundred. So `is_answer` takes lists of any length, and less than the least.
    """
    if isinstance(shape, StructureShape):
        yield from _structure(value, shape, path, is_answer)
    elif isinstance(shape, ListShape):
        yield from _list(value, shape, path, is_answer)
    elif isinstance(shape, MapShape):
        if not isinstance(value, Mapping):
            yield Misfit(path, "Member must be a map")
            return
        for key, item in value.items():
            yield from misfits(key, shape.key, f"{path}.{key}", is_answer=is_answer)
            yield from misfits(item, shape.value, f"{path}.{key}", is_answer=is_answer)
    else:
        yield from _scalar(value, shape, path, is_answer)


def _structure(value: object, shape: StructureShape, path: str, is_answer: bool) -> Iterator[Misfit]:
    if not isinstance(value, Mapping):
        yield Misfit(path, "Member must be a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield Misfit(_join(path, name), "Member must not be null", missing=True)
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            yield Misfit(_join(path, name), "Member is not part of the shape")
        elif item is not None:
            yield from misfits(item, member, _join(path, name), is_answer=is_answer)


def _list(value: object, shape: ListShape, path: str, is_answer: bool) -> Iterator[Misfit]:
    if not isinstance(value, list | tuple):
        yield Misfit(path, "Member must be a list")
        return
    if not is_answer:
        yield from _bounds(len(value), shape, path, "length", is_answer=False)
    for index, item in enumerate(value, 1):
        yield from misfits(item, shape.member, f"{path}.{index}", is_answer=is_answer)


def _scalar(value: object, shape: Shape, path: str, is_answer: bool) -> Iterator[Misfit]:
    expected = _TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield Misfit(path, f"Member must be a {shape.type_name}")
        return
    if isinstance(value, str) and shape.type_name == "string":
        if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
            yield Misfit(path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
            return
        yield from _bounds(len(value), shape, path, "length", is_answer)
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield Misfit(path, f"must satisfy regular expression '{pattern}'")
    elif isinstance(value, int | float) and not isinstance(value, bool) and shape.type_name != "timestamp":
        yield from _bounds(value, shape, path, "value", is_answer)


def _bounds(size: float, shape: Shape, path: str, what: str, is_answer: bool) -> Iterator[Misfit]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if not is_answer and least is not None and size < least:
        yield Misfit(path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield Misfit(path, f"Member must have {what} less than or equal to {most}")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Smithy writes Java's regular expressions, whose \w and \d are ASCII.
    unicode = pattern
    for java, ours in _CATEGORIES.items():
        unicode = unicode.replace(java, ours)
    try:
        return re.compile(unicode, 0 if unicode != pattern else re.ASCII)
    except re.error:
        # An expression that Python cannot read refuses nothing.
        return re.compile("(?s:.*)")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def to_wire(value: Any, shape: Shape) -> Any:
    """`value` as AWS's JSON protocols send it: seconds since 1970, base64, no absent members."""
    if isinstance(shape, StructureShape):
        return {name: to_wire(item, shape.members[name]) for name, item in value.items() if item is not None}
    if isinstance(shape, ListShape):
        return [to_wire(item, shape.member) for item in value]
    if isinstance(shape, MapShape):
        return {key: to_wire(item, shape.value) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
