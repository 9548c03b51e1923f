"""A user's own fields that hold images, in the style of kustomize's field specs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import Location, RefusedInput
from orchestrator.files.named_files import read_given
from orchestrator.workloads.fields import FIELDS, KUBELET, Field
from orchestrator.yaml_documents import check_yaml

_KEYS = frozenset({"group", "kind", "path", "pulledBy", "scheme"})
EXAMPLE = "- kind: Thing\n  group: example.com\n  path: spec/engine/image"


def read_fields(path: Path) -> dict[str, tuple[Field, ...]]:
    """{kind: fields} of the product's table and of a file: a list of {kind, path, group, pulledBy, scheme}.

    Raises RefusedInput with the file and what is wrong there.
    """
    try:
        text = read_given(path).decode("utf-8")
        check_yaml(text)
        entries = yaml.load(text, Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(f"{path} cannot be read.", why=str(error), remedy="Correct the path.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else getattr(error, "line", 0) or 1
        raise RefusedInput(
            f"{path} is no YAML.",
            why=" ".join(str(getattr(error, "problem", error)).split()),
            remedy=f"Write a list of fields: {EXAMPLE!r}.",
            where=Location(str(path), line),
        ) from error
    found = {kind: list(fields) for kind, fields in FIELDS.items()}
    for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        field = _field(path, index, entry)
        found.setdefault(field.kind, []).append(field)
    return {kind: tuple(fields) for kind, fields in found.items()}


def _field(path: Path, index: int, entry: Any) -> Field:
    if not isinstance(entry, dict) or not {"kind", "path"} <= entry.keys():
        raise RefusedInput(
            f"Entry {index} of {path} has no kind and path.",
            why="A field is found by the kind of its object and its path there.",
            remedy=f"Write for example {EXAMPLE!r}.",
        )
    unknown = sorted(map(str, entry.keys() - _KEYS))
    wrong = sorted(str(key) for key, value in entry.items() if not isinstance(value, str))
    if unknown or wrong:
        what = f"the key {unknown[0][:100]!r}" if unknown else f"a value of {wrong[0][:100]!r} that is no string"
        raise RefusedInput(
            f"Entry {index} of {path} has {what}.",
            why=f"The keys are {', '.join(sorted(_KEYS))}, all strings.",
            remedy="Correct or remove it.",
        )
    steps = entry["path"].strip("/").replace("/", ".")
    return Field(entry.get("group", ""), entry["kind"], steps, entry.get("pulledBy", KUBELET), entry.get("scheme", ""))
