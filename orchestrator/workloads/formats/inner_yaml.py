"""YAML inside a string of YAML: its text, and where each character of it stands outside."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from orchestrator.workloads.place import Found, ImagePlace, Part, Parts
from orchestrator.workloads.references import looks_like_image, placeholder
from orchestrator.workloads.yaml_tree import Scalar

_TEXT_IMAGE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?[\"']?(?:image|[a-zA-Z_.-]*[iI]mage)[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"',#]+)", re.M
)


_ASSIGNED = re.compile(r"^[ \t]*[\w.-]+=([^\s\"',#=]+)[ \t]*\r?$", re.M)


@dataclass(frozen=True, slots=True)
class Window:
    """`text` is what the string holds, line by line; `starts[i]` is where its line i begins outside."""

    text: str
    starts: tuple[int, ...]
    line_starts: tuple[int, ...]

    def outside(self, index: int) -> int:
        """The place outside of a character inside."""
        line = self.text.count("\n", 0, index)
        return self.starts[line] + index - self.line_starts[line]

    def move(self, nested: Found, found: Found) -> None:
        """Add what was found inside to `found`, with its places outside."""
        for place in nested.places:
            found.places.append(self._moved(place))
        for unreadable in nested.unreadable:
            found.unreadable.append(replace(unreadable, start=self.outside(min(unreadable.start, len(self.text)))))

    def _moved(self, place: ImagePlace) -> ImagePlace:
        moved = {
            name: replace(part, start=self.outside(part.start), end=self.outside(part.end))
            for name, part in place.parts.given().items()
        }
        return replace(place, parts=Parts(**moved))


def has_lines(scalar: Scalar) -> bool:
    """Whether a scalar is a text of several lines, or written as one."""
    return scalar.style in {"literal", "folded"} or "\n" in scalar.value


def text_images(text: str, scalar: Scalar, path: str) -> list[ImagePlace]:
    """Images in a text of several lines that some program reads: shown, because it starts them, and never changed."""
    if not has_lines(scalar) or "mage" not in scalar.value:
        return []
    found = []
    for match in _TEXT_IMAGE.finditer(text, scalar.start, scalar.end):
        if looks_like_image(match[1]) and not placeholder(match[1]):
            part = Part(match.start(1), match.end(1), match[1])
            found.append(ImagePlace(path, "text", match[1], Parts(image=part), consent="never"))
    return found


def assigned_images(text: str, scalar: Scalar, path: str) -> list[ImagePlace]:
    """Images of a variable that holds one a line: `4.0.0=quay.io/strimzi/kafka:1`."""
    found = []
    for match in _ASSIGNED.finditer(text, scalar.start, scalar.end) if scalar.style == "literal" else ():
        if looks_like_image(match[1]) and not placeholder(match[1]):
            part = Part(match.start(1), match.end(1), match[1])
            found.append(ImagePlace(path, "kubernetes", match[1], Parts(image=part), consent="env"))
    return found


def inside(text: str, scalar: Scalar) -> Window | None:
    """The window of a scalar whose text stands as it is, line by line; None for folded and escaped ones."""
    part = scalar.part(text)
    raw = text[part.start : part.end]
    if scalar.style == "literal":
        first = text.rfind("\n", 0, part.start) + 1
        indent = part.start - first
        lines, starts, position = [], [], first
        for line in text[first : part.end].split("\n"):
            cut = min(indent, len(line) - len(line.lstrip(" ")))
            lines.append(line[cut:])
            starts.append(position + cut)
            position += len(line) + 1
    elif scalar.style in {"plain", "single", "double"} and raw == scalar.value:
        lines, starts = [raw], [part.start]
    else:
        return None
    line_starts, total = [], 0
    for line in lines:
        line_starts.append(total)
        total += len(line) + 1
    return Window("\n".join(lines), tuple(starts), tuple(line_starts))
