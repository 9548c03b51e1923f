"""Files that are no YAML until a template engine made them. An image is taken where it is literal, else reported."""

from __future__ import annotations

import re

from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Style, filled_in_later
from orchestrator.workloads.references import is_reference

FORMAT = "template"
_LINE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?(\"?image\"?:[ \t]+)(\"[^\"\n]*\"|'[^'\n]*'|[^\s#][^\n]*?)[ \t]*(?:,|#[^\n]*)?\r?$", re.M
)


def is_template(text: str) -> bool:
    """Whether a text holds actions of Go templates or Jinja."""
    return "{{" in text or "{%" in text


def find_in_template(text: str, found: Found) -> None:
    """Add the literal images of a template to `found`, and name the others."""
    for match in _LINE.finditer(text):
        start, end = match.span(2)
        value = match[2]
        style: Style = "plain"
        if value[0] in "\"'" and len(value) > 1 and value[-1] == value[0]:
            style = "double" if value[0] == '"' else "single"
            start, end, value = start + 1, end - 1, value[1:-1]
        problem = filled_in_later(value, start)
        if problem is not None:
            found.unreadable.append(problem)
        elif value and value != "auto" and is_reference(value):
            found.places.append(ImagePlace("image", FORMAT, value, Parts(image=Part(start, end, value, style))))
