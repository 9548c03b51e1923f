"""`.env` files, which Compose fills its variables with: `WEB_IMAGE=ghcr.io/a/web:1`.

An image that a Compose file beside it pulls is rewritten there. Other programs read such files, too: any other variable
whose name says image is rewritten when it is asked for. Pure. Source of the syntax: docs.docker.com/compose, "Interpolation".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.workloads.formats.shell_variables import Resolved, resolve
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Style
from orchestrator.workloads.references import looks_like_image, placeholder

FORMAT = "dotenv"
COMPOSE_VARIABLES = ".env"
_NAME = re.compile(r"(?:.*\.)?env|\.env\..+")
_IMAGE_NAME = re.compile(r"\w*IMAGE\w*", re.I | re.A)
_ASSIGNED = re.compile(
    r"^[ \t]*+(?:export[ \t]++)?(?P<name>[A-Za-z_][\w.-]*+)[ \t]*+[=:][ \t]*+(?:"
    r"'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'|\"(?P<double>[^\"\\]*+(?:\\.[^\"\\]*+)*+)\"|(?P<plain>[^\r\n]*+))",
    re.M | re.A | re.S,
)
_COMMENT = re.compile(r"[ \t]#")
_STYLES: tuple[Style, ...] = ("single", "double", "plain")
# No reference is longer; values that fill in each other may grow without end.
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Variables:
    """{name: its value, as its file writes it}, and what values say that other variables fill in: {start: …}."""

    values: Mapping[str, Part] = field(default_factory=dict)
    composed: Mapping[int, Resolved] = field(default_factory=dict)


def is_dotenv(name: str) -> bool:
    """Whether a file's name is that of a file of variables: `.env`, `.env.local`, `web.env`."""
    return _NAME.fullmatch(name) is not None


def read_variables(text: str) -> Variables:
    """The variables of a `.env` file; of two with one name the last one counts."""
    values: dict[str, Part] = {}
    composed: dict[int, Resolved] = {}
    for match in _ASSIGNED.finditer(text):
        part = _value(match)
        if "$" in part.value and part.style != "single":
            resolved = resolve(part, values)
            # A value that another variable without one is part of keeps its dollar sign, and nobody takes it for an image.
            if isinstance(resolved, Resolved) and len(resolved.reference) <= _LONGEST:
                composed[part.start] = resolved
                part = replace(part, value=resolved.reference)
        values[match["name"]] = part
    return Variables(values, composed)


def _value(match: re.Match[str]) -> Part:
    style = next(one for one in _STYLES if match[one] is not None)
    value = match[style]
    if style == "plain":
        comment = _COMMENT.search(value)
        value = (value[: comment.start()] if comment else value).rstrip()
    return Part(match.start(style), match.start(style) + len(value), value, style, elsewhere=True)


def find_in_dotenv(text: str, found: Found, pulled: Sequence[ImagePlace] = ()) -> None:
    """Add the images of variables to `found`: those that Compose files pull (`pulled`), and those named so."""
    found.places.extend(pulled)
    known = {part.start for place in pulled for part in place.parts.given().values()}
    for match in _ASSIGNED.finditer(text):
        part = _value(match)
        if part.start in known or not _IMAGE_NAME.fullmatch(match["name"]) or any(map(str.isspace, part.value)):
            continue
        if looks_like_image(part.value) and placeholder(part.value) is None:
            parts = Parts(image=replace(part, elsewhere=False))
            found.places.append(ImagePlace(match["name"], FORMAT, part.value, parts, consent="env"))
