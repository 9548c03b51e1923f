"""Images of Dockerfiles, read as BuildKit reads them: FROM, COPY --from, RUN --mount=from=, and the syntax directive.

Stages are no images, and neither is `scratch`. An ARG's image stands where the ARG gets its value. Heredocs
are text. Source: moby/buildkit, frontend/dockerfile (parser, instructions, shell).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.workloads.formats.shell_variables import Unresolved, resolve
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable

FORMAT = "dockerfile"
_NAME = re.compile(
    r"(?:.*[._-])?(?:docker|container)file(?:\d*|[._-].*)|(?-i:\w*[a-z]\d*(?:Docker|Container)file)", re.I
)
_NOT = re.compile(
    r".*\.(?:dockerignore|md|rst|txt|sh|bash|ps1|py|rb|go|rs|java|kt|cs|php|lua|vim|[cm]?[jt]sx?|ya?ml|json|toml|lock|"
    r"html?|xml|snap|golden|j2|jinja2?|erb|tpl|tmpl|gotmpl|orig|rej|bak|png|svg)",
    re.I,
)
# BuildKit takes blanks before a directive, but not before the syntax.
_DIRECTIVE = re.compile(r"([ \t]*)#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(\S[^\r\n]*?)[ \t\r]*$")
_WORD = re.compile(r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])+", re.S)
_HEREDOC = re.compile(r"<<-?[ \t]*([\"']?)([A-Za-z_][A-Za-z0-9_.]*)\1")
_MOUNT_FROM = re.compile(r"(?:^|,)from=([^,\s]+)")


def is_dockerfile(name: str) -> bool:
    """Whether a file's name is that of a Dockerfile: `Dockerfile`, `Dockerfile-alpine`, `web.dockerfile`, `DebugDockerfile`, …"""
    return bool(_NAME.fullmatch(name)) and not _NOT.fullmatch(name)


@dataclass(frozen=True, slots=True)
class _Instruction:
    """One instruction without line continuations; `places[i]` is where its character i stands in the file."""

    text: str
    places: list[int]

    def words(self) -> Iterator[tuple[int, str]]:
        for match in _WORD.finditer(self.text):
            yield match.start(), match[0]

    def part(self, start: int, end: int) -> Part:
        """The characters as a part; quotes around them are not of it."""
        text = self.text[start:end]
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            start, end = start + 1, end - 1
        if end <= start:
            return Part(self.places[start], self.places[start], "")
        return Part(self.places[start], self.places[end - 1] + 1, self.text[start:end])


def find_in_dockerfile(text: str, found: Found) -> None:
    """Add the images of a Dockerfile to `found`."""
    _Dockerfile(found).read(text)


class _Dockerfile:
    def __init__(self, found: Found) -> None:
        self._found = found
        self._arguments: dict[str, Part] = {}
        self._stages: set[str] = set()
        self._count = 0
        self._seen: set[int] = set()

    def read(self, text: str) -> None:
        start, escape = self._directives(text)
        for instruction in _instructions(text, start, escape):
            words = list(instruction.words())
            if not words:
                continue
            if words[0][1].upper() == "ONBUILD":
                words = words[1:]
            match words[0][1].upper() if words else "":
                case "ARG":
                    self._argument(instruction, words[1:])
                case "FROM":
                    self._from(instruction, words[1:])
                case "COPY":
                    self._flags(instruction, words[1:], "--from=")
                case "RUN":
                    self._mounts(instruction, words[1:])

    def _directives(self, text: str) -> tuple[int, str]:
        """Where instructions begin, and the escape character; the syntax image is noted."""
        position, escape, at_the_margin = 0, "\\", True
        while position < len(text):
            end = text.find("\n", position)
            end = len(text) if end < 0 else end
            match = _DIRECTIVE.match(text, position, end)
            if match is None or text[match.end() : end].strip():
                break
            name, value = match[2].lower(), match[3]
            if name == "escape" and value in {"`", "\\"}:
                escape = value
            elif name == "syntax":
                if at_the_margin and not match[1]:
                    self._note(Part(match.start(3), match.end(3), value), "syntax")
            elif name != "check":
                break
            at_the_margin = at_the_margin and not match[1]
            position = end + 1
        return position, escape

    def _argument(self, instruction: _Instruction, words: list[tuple[int, str]]) -> None:
        for start, word in words:
            name, equals, value = word.partition("=")
            if equals and value:
                # Global arguments serve FROM; one of a stage shadows nothing there.
                if self._count == 0:
                    self._arguments[name] = instruction.part(start + len(name) + 1, start + len(word))
            elif self._count == 0:
                self._arguments.pop(name, None)

    def _from(self, instruction: _Instruction, words: list[tuple[int, str]]) -> None:
        plain = [(start, word) for start, word in words if not word.startswith("--")]
        self._count += 1
        if not plain:
            return
        start, word = plain[0]
        if word.lower() not in self._stages:
            self._note(instruction.part(start, start + len(word)), "FROM")
        if len(plain) >= 3 and plain[1][1].upper() == "AS":
            self._stages.add(plain[2][1].lower())

    def _flags(self, instruction: _Instruction, words: list[tuple[int, str]], flag: str) -> None:
        for start, word in words:
            if not word.startswith("--"):
                return
            if word.startswith(flag):
                self._source(instruction.part(start + len(flag), start + len(word)), "COPY --from")

    def _mounts(self, instruction: _Instruction, words: list[tuple[int, str]]) -> None:
        for start, word in words:
            if not word.startswith("--"):
                return
            if word.startswith("--mount="):
                offset = start + len("--mount=")
                match = _MOUNT_FROM.search(word[len("--mount=") :])
                if match:
                    self._source(instruction.part(offset + match.start(1), offset + match.end(1)), "RUN --mount")

    def _source(self, part: Part, where: str) -> None:
        """A stage by name or number, or an image."""
        if part.value.lower() not in self._stages and not part.value.isdigit():
            self._note(part, where, variables=False)

    def _note(self, part: Part, where: str, *, variables: bool = True) -> None:
        if not part.value:
            return
        resolved = resolve(part, self._arguments if variables else {})
        if isinstance(resolved, Unresolved):
            reason = f"the variable {resolved.variable} has no default here"
            self._found.unreadable.append(Unreadable(part.start, reason, part.value))
            return
        if resolved.reference.lower() == "scratch" or resolved.reference.lower() in self._stages:
            return
        if not resolved.parts:
            self._found.unreadable.append(
                Unreadable(part.start, "a variable stands inside the repository's name", part.value)
            )
            return
        place = ImagePlace(where, FORMAT, resolved.reference, Parts(**resolved.parts))
        if place.anchor.start not in self._seen:
            self._seen.add(place.anchor.start)
            self._found.places.append(place)


def _instructions(text: str, start: int, escape: str) -> Iterator[_Instruction]:
    """The instructions with their continuation lines joined; comments and heredocs are left out."""
    joined: list[str] = []
    places: list[int] = []
    position, size = start, len(text)
    heredocs: list[str] = []
    while position < size:
        end = text.find("\n", position)
        end = size if end < 0 else end
        line = text[position:end].rstrip("\r")
        here = position
        position = end + 1
        if heredocs:
            if line.lstrip("\t") == heredocs[0]:
                heredocs.pop(0)
            continue
        stripped = line.lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        bare = line.rstrip()
        goes_on = bare.endswith(escape)
        kept = bare[:-1] if goes_on else line
        joined.append(kept)
        places.extend(range(here, here + len(kept)))
        if goes_on:
            continue
        whole = "".join(joined)
        if "<<" in whole and whole.lstrip()[:4].upper().rstrip() in {"RUN", "COPY", "ADD"}:
            heredocs = [match[2] for match in _HEREDOC.finditer(whole)]
        yield _Instruction(whole, places)
        joined, places = [], []
    if joined:
        yield _Instruction("".join(joined), places)
