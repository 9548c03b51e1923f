"""Images in Terraform's and OpenTofu's files: `image = "…"`, container definitions, and `helm_release` settings.

What stands in a string without interpolation is an image; one with `${…}` is made by a program, and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, filled_in_later
from orchestrator.workloads.references import composed, looks_like_image

FORMAT = "terraform"
_ATTRIBUTE = re.compile(r"(?<![\w.-])\"?(image|image_uri|[a-z_]+_image)\"?[ \t]*[=:][ \t]*\"((?:[^\"\\\n]|\\.)*)\"")
_YAML_LINE = re.compile(r"^[ \t]*(?:-[ \t]+)?image:[ \t]+([^\s\"'{}#]+)[ \t]*$", re.M)
_SET = re.compile(
    r"name[ \t]*=[ \t]*\"([\w.\[\]-]+)\"[ \t]*[,\r\n]\s*(?:type[ \t]*=[^\n]*\n\s*)?value[ \t]*=[ \t]*\"([^\"\\\n]*)\""
)
_COMMENT = re.compile(r"[ \t]*(?:#|//)")


def find_in_terraform(text: str, found: Found) -> None:
    """Add the images of one file to `found`."""
    commented = _comments(text)
    for match in _ATTRIBUTE.finditer(text):
        if not commented(match.start()):
            _add(Part(match.start(2), match.end(2), match[2], "double"), match[1], found)
    for match in _YAML_LINE.finditer(text):
        if not commented(match.start(1)) and looks_like_image(match[1]):
            _add(Part(match.start(1), match.end(1), match[1]), "image", found)
    _settings(text, found)


def _add(part: Part, name: str, found: Found) -> None:
    problem = filled_in_later(part.value, part.start)
    if problem is not None:
        found.unreadable.append(problem)
    elif looks_like_image(part.value) or (
        name == "image" and "/" in part.value and looks_like_image(part.value + ":x")
    ):
        found.places.append(ImagePlace(name, FORMAT, part.value, Parts(image=part)))


def _settings(text: str, found: Found) -> None:
    """`set` blocks of a helm_release: image.registry, image.repository and image.tag belong together."""
    groups: dict[str, dict[str, Part]] = {}
    for match in _SET.finditer(text):
        stem, _, last = match[1].rpartition(".")
        if last in {"registry", "repository", "tag", "digest"} and match[2]:
            groups.setdefault(stem, {}).setdefault(last, Part(match.start(2), match.end(2), match[2], "double"))
        elif last == "image" and looks_like_image(match[2]):
            found.places.append(
                ImagePlace(
                    f"set.{match[1]}",
                    FORMAT,
                    match[2],
                    Parts(image=Part(match.start(2), match.end(2), match[2], "double")),
                )
            )
    for stem, parts in groups.items():
        if "repository" not in parts:
            continue
        values = {
            name: parts[name].value if name in parts else "" for name in ("registry", "repository", "tag", "digest")
        }
        found.take(ImagePlace(f"set.{stem}", FORMAT, composed(**values), Parts(**parts)), values["repository"])


def _comments(text: str) -> Callable[[int], bool]:
    """Whether the line of a character is a comment."""

    def commented(index: int) -> bool:
        start = text.rfind("\n", 0, index) + 1
        return bool(_COMMENT.match(text, start))

    return commented
