"""Images of `.env` files, which Compose fills its variables with: `WEB_IMAGE=ghcr.io/a/web:1`.

Other programs read such files, too, so that a variable is rewritten when it is asked for. Pure.
"""

from __future__ import annotations

import re

from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Style
from orchestrator.workloads.references import looks_like_image, placeholder

FORMAT = "dotenv"
_NAME = re.compile(r"(?:.*\.)?env|\.env\..+")
_LINE = re.compile(
    r"^[ \t]*+(?:export[ \t]++)?(?P<name>\w*IMAGE\w*)[ \t]*+=[ \t]*+(?P<quote>[\"']?)(?P<value>[^\s\"'#]++)(?P=quote)"
    r"[ \t]*+(?:\#[^\n]*)?\r?$",
    re.M | re.I | re.A,
)
_STYLES: dict[str, Style] = {"": "plain", "'": "single", '"': "double"}


def is_dotenv(name: str) -> bool:
    """Whether a file's name is that of a file of variables: `.env`, `.env.local`, `web.env`."""
    return _NAME.fullmatch(name) is not None


def find_in_dotenv(text: str, found: Found) -> None:
    """Add the images that variables of such names hold to `found`."""
    for match in _LINE.finditer(text):
        value = match["value"]
        if looks_like_image(value) and placeholder(value) is None:
            part = Part(match.start("value"), match.end("value"), value, _STYLES[match["quote"]])
            found.places.append(ImagePlace(match["name"], FORMAT, value, Parts(image=part), consent="env"))
