"""Where an object names images: the part of Kubernetes' JSONPath that `imagePaths` of an image set are written in.

`{.spec.template.spec.custom[*].image}` -> the texts there. Names, indexes and `[*]`; filters and `..` are refused.
Source: oc-mirror `internal/pkg/helm`, k8s.io/client-go/util/jsonpath: what is missing gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# A step: a name of a mapping, a place of a list, or None for all of either.
Step = str | int | None
ImagePath = tuple[Step, ...]

_STEP = re.compile(r"\.(?P<name>[\w-]+|\*)|\[(?:(?P<index>\d{1,6})|(?P<all>\*)|'(?P<quoted>[^']+)')\]")


def parse_image_path(text: str) -> ImagePath:
    """The steps of a path. Raises ValueError for what is none, or more than is read here."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    inner = inner.removeprefix("$")
    if inner and inner[0] not in ".[":
        inner = f".{inner}"
    steps: list[Step] = []
    position = 0
    while position < len(inner):
        found = _STEP.match(inner, position)
        if found is None:
            raise ValueError(f"{inner[position : position + 50]!a} is not read here")
        if found["index"] is not None:
            steps.append(int(found["index"]))
        elif found["all"] or found["name"] == "*":
            steps.append(None)
        else:
            steps.append(found["name"] or found["quoted"])
        position = found.end()
    if not steps:
        raise ValueError("it names nothing")
    return tuple(steps)


def images_at(document: Any, path: ImagePath) -> Iterator[str]:
    """The texts to which `path` leads, in the document's order."""
    values = [document]
    for step in path:
        values = [found for value in values for found in _below(value, step)]
    return (value for value in values if isinstance(value, str) and value)


def _below(value: Any, step: Step) -> list[Any]:
    if step is None:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if isinstance(step, int):
        return value[step : step + 1] if isinstance(value, list) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
