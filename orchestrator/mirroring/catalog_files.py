"""The files of a catalog of operators, {path below its folder: content} -> their documents.

Source: operator-registry `alpha/declcfg/load.go` and `declcfg.go`. Each file is a stream of JSON or YAML documents that
have a schema. `.indexignore` leaves files out by go-git's patterns, those of .gitignore.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import Location, RefusedInput
from orchestrator.mirroring.expressions import LONGEST, Expression, NoExpression, parse_expression
from orchestrator.plain_text import shown
from orchestrator.yaml_documents import UnreadableYaml, load_documents

IGNORE_FILE = ".indexignore"
# Each pattern is held against each path; no catalog has more than a few.
PATTERNS_LIMIT = 250
_DECODER = json.JSONDecoder()
_BLANKS = "\ufeff \t\r\n"


def catalog_paths(files: Mapping[str, bytes]) -> list[str]:
    """The paths that are part of the catalog, sorted. Raises RefusedInput for too many patterns."""
    patterns: list[_Ignored] = []
    for path in sorted((path for path in files if posixpath.basename(path) == IGNORE_FILE), key=_parts):
        lines = (line.strip() for line in files[path].decode("utf-8", "replace").splitlines())
        patterns += [_ignored(line, _parts(path)[:-1]) for line in lines if line and not line.startswith("#")]
        if len(patterns) > PATTERNS_LIMIT:
            raise RefusedInput(
                f"The catalog's {IGNORE_FILE} files have more than {PATTERNS_LIMIT} patterns.",
                why="Each of them is held against each of its files.",
                remedy="Remove the files that they name from the catalog's image.",
                where=Location(path),
            )
    patterns.reverse()
    return [path for path in sorted(files) if posixpath.basename(path) != IGNORE_FILE and not _is_left(path, patterns)]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def _is_left(path: str, last_first: Iterable[_Ignored]) -> bool:
    """Is the path left out by the last pattern that fits it?"""
    parts = _parts(path)
    return next((not pattern.takes_back for pattern in last_first if pattern.fits(parts)), False)


@dataclass(frozen=True, slots=True)
class _Ignored:
    """A line of .indexignore: `folder` is where it counts; a None among `parts` stands for `**`."""

    folder: tuple[str, ...]
    parts: tuple[Expression | None, ...]
    takes_back: bool
    folders_only: bool
    is_path: bool

    def fits(self, path: tuple[str, ...]) -> bool:
        size = len(self.folder)
        if len(path) <= size or path[:size] != self.folder:
            return False
        below = path[size:]
        if not self.is_path:
            # A name fits at any depth; below a folder that fits everything is left out.
            names = below[:-1] if self.folders_only else below
            return any(part is not None and part.matches(name) for part in self.parts for name in names)
        left = self._after(below)
        return left is not None and not (self.folders_only and not left)

    def _after(self, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """What is left of the path behind the part that fits; None where it does not."""
        anywhere = matched = False
        for number, part in enumerate(self.parts):
            if part is None:
                anywhere = number < len(self.parts) - 1
                continue
            while path and anywhere and not part.matches(path[0]):
                path = path[1:]
            if not path or not part.matches(path[0]):
                return None
            path, anywhere, matched = path[1:], False, True
        return path if matched else None


def _ignored(line: str, folder: tuple[str, ...]) -> _Ignored:
    takes_back = line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    is_path = "/" in line
    names = [name for name in line.split("/") if name] if is_path else [line]
    # `**` beside other characters fits nothing in a path, and is one * in a name.
    parts = tuple(None if is_path and name == "**" else _glob(name, is_path=is_path) for name in names)
    return _Ignored(folder, parts, takes_back, folders_only, is_path)


def _glob(name: str, *, is_path: bool) -> Expression:
    """Go's filepath.Match for one name; a pattern that is none fits nothing."""
    try:
        if is_path and "**" in name:
            return _NOTHING
        return parse_expression("(?s)" + "".join(_pieces(name[: LONGEST + 1])))
    except (NoExpression, IndexError):
        return _NOTHING


def _pieces(name: str) -> Iterator[str]:
    """The regular expression of a name's pattern. IndexError where an escape or a set has no end."""
    position = 0

    def character() -> str:
        nonlocal position
        position += name[position] == "\\"
        found = name[position]
        position += 1
        return found if found.isascii() and found.isalnum() else f"\\x{{{ord(found):x}}}"

    while position < len(name):
        if name[position] in "*?":
            yield ".*" if name[position] == "*" else "."
            position += 1
        elif name[position] == "[":
            position += 1
            inverted = name[position] == "^"
            position += inverted
            ranges = ""
            while name[position] != "]" or not ranges:
                if name[position] in "]-":
                    raise NoExpression("a set has an end or a range without a begin")
                ranges += character()
                if name[position] == "-":
                    position += 1
                    if name[position] in "]-":
                        raise NoExpression("a range has no end")
                    ranges += "-" + character()
            position += 1
            yield f"[{'^' if inverted else ''}{ranges}]"
        else:
            yield character()


_NOTHING = parse_expression("[^\\s\\S]")


def catalog_documents(name: str, text: str) -> Iterator[dict[str, Any]]:
    """The documents of one of a catalog's files, each with a schema. Raises RefusedInput."""
    for document in _values(name, text):
        if document is None:
            continue
        if not isinstance(document, dict):
            raise _no_document(name, f"{shown(document)} stands where a document with a schema should be")
        folded = _folded(name, document)
        if not isinstance(folded.get("schema"), str) or not folded["schema"]:
            raise _no_document(name, "a document has no schema")
        yield folded


def _values(name: str, text: str) -> Iterator[Any]:
    if text.lstrip(_BLANKS).startswith("{"):
        yield from _json_stream(name, text)
        return
    try:
        yield from load_documents(text)
    except UnreadableYaml as error:
        raise _unreadable(name, error.line, str(error)) from error


def _json_stream(name: str, text: str) -> Iterator[Any]:
    position, end = 0, len(text)
    while True:
        while position < end and text[position] in _BLANKS:
            position += 1
        # A line of hyphens may stand between two documents, as in YAML.
        if text.startswith("---\n", position):
            position += 4
            continue
        if position == end:
            return
        try:
            document, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", position)) + 1
            raise _unreadable(name, line, getattr(error, "msg", "it is nested too deeply")) from error
        yield document


# What opm reads whatever its case, by its own spelling.
_SPELLED = {
    key.lower(): key for key in ("schema", "name", "package", "defaultChannel", "entries", "image", "relatedImages")
}
_SPELLED |= {"properties": "properties"}


def _folded(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the keys in opm's spelling, which reads them in any."""
    if all(key in _SPELLED.values() or str(key).lower() not in _SPELLED for key in document):
        return document
    found: dict[str, Any] = {}
    for key, value in document.items():
        spelled = _SPELLED.get(str(key).lower(), key)
        if spelled in found:
            raise _no_document(name, f"a document has {spelled} twice")
        found[spelled] = value
    return found


def _no_document(name: str, what: str) -> RefusedInput:
    return RefusedInput(
        f"A file of the catalog is not of its form: {what}.",
        why="OLM does not serve such a catalog.",
        remedy=f"Name files that are no part of it in {IGNORE_FILE}, and check the catalog: opm validate.",
        where=Location(name),
    )


def _unreadable(name: str, line: int, why: str) -> RefusedInput:
    return RefusedInput(
        f"A file of the catalog cannot be read: {why}.",
        remedy="Check the catalog: opm validate.",
        where=Location(name, line),
    )
