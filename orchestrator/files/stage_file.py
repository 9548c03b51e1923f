"""A file of stages, and the stage that a migration has reached: a list of {name, namespaces, labels, paths, percent}."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from orchestrator.environment.pods import parse_pod_selector
from orchestrator.errors import Location, RefusedInput
from orchestrator.files.named_files import read_given
from orchestrator.plain_text import shown
from orchestrator.workloads.stages import Stage
from orchestrator.workloads.yaml_tree import BrokenYaml, compose_yaml
from orchestrator.yaml_documents import UnreadableYaml, check_yaml

EXAMPLE = "[{name: first, namespaces: [staging], labels: ['tier=test']}, {name: half, percent: 50}, {name: all}]"
_LISTS = ("namespaces", "labels", "paths")
_KEYS = ("name", *_LISTS, "percent")
_NAMESPACE = re.compile(r"[a-z0-9*-]+", re.ASCII)


def read_stages(path: Path) -> tuple[Stage, ...]:
    """The stages of a file in their order. Raises RefusedInput with the file, its line and what is wrong there."""
    try:
        text = read_given(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(f"{path} cannot be read.", why=str(error), remedy="Correct the path.") from error
    try:
        check_yaml(text)
        root = compose_yaml(text)
    except UnreadableYaml as error:
        raise _refused(path, max(error.line - 1, 0), "It is no YAML", str(error)) from error
    except BrokenYaml as error:
        raise _refused(path, text.count("\n", 0, error.start), "It is no YAML", error.reason) from error
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        raise _refused(path, 0, "It holds no list of stages", "Every stage is an entry of one list.")
    stages: list[Stage] = []
    for node in root.value:
        stage = _stage(path, node)
        if any(stage.name == other.name for other in stages):
            raise _refused(
                path, node.start_mark.line, f'Two stages are called "{stage.name}"', "A name means one stage."
            )
        stages.append(stage)
    return tuple(stages)


def _stage(path: Path, node: yaml.Node) -> Stage:
    line = node.start_mark.line
    constructor = yaml.constructor.SafeConstructor()
    try:
        entry = constructor.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(path, line, "A stage cannot be read", " ".join(str(error).split())) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise _refused(path, line, "A stage has no name", "Its name is recorded when it is written.")
    unknown = [key for key in entry if key not in _KEYS]
    if unknown:
        raise _refused(path, line, f"A stage has the key {shown(unknown[0])}", f"The keys are {', '.join(_KEYS)}.")
    lists = {key: _texts(path, line, key, entry[key]) for key in _LISTS if key in entry}
    for pattern in lists.get("namespaces", ()):
        # A policy says the same stage, and its enforcers know no other wildcard.
        if not _NAMESPACE.fullmatch(pattern):
            raise _refused(
                path,
                line,
                f"{shown(pattern)} is no namespace",
                "It has lower-case letters, digits and `-`, and may have `*`.",
            )
    selectors = []
    for text in lists.pop("labels", ()):
        selector = parse_pod_selector(text)
        if selector is None:
            raise _refused(
                path, line, f"{shown(text)} is no label selector", "Write it as kubectl takes it: `tier=test`."
            )
        selectors.append(selector)
    percent = entry.get("percent")
    if "percent" in entry and (type(percent) is not int or not 0 <= percent <= 100):
        raise _refused(path, line, f"percent is {shown(percent)}", "It is a whole number from 0 to 100.")
    return Stage(entry["name"], labels=tuple(selectors), percent=percent, **lists)


def _texts(path: Path, line: int, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise _refused(path, line, f"{key} is {shown(value)}", "It is a list of texts that holds at least one.")
    return tuple(value)


def _refused(path: Path, line: int, what: str, why: str) -> RefusedInput:
    return RefusedInput(
        f"{what}.", why=why, remedy=f"Write a list of stages such as {EXAMPLE}.", where=Location(str(path), line + 1)
    )


def stages_through(path: Path, name: str | None, reached: str | None, *, advance: bool) -> tuple[Stage, ...]:
    """The stages up to the one that is meant: the named one, else the reached one. With `advance` it is the one after that.

    Raises RefusedInput for a name that the file does not hold.
    """
    stages = read_stages(path)
    names = [stage.name for stage in stages]
    if name is None:
        if reached is None:
            return stages[:1]
        if reached in names:
            return stages[: names.index(reached) + (2 if advance else 1)]
    if name in names:
        return stages[: names.index(name) + 1]
    asked = "--through names it" if name is not None else "The last --write of this project reached it"
    raise RefusedInput(
        f'{path} has no stage "{name or reached}".',
        why=f"{asked}; the stages are {', '.join(names)}.",
        remedy=f"Add `--through {names[0]}`, or another of them.",
    )
