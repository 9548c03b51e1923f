"""A chart that nobody edits (a folder, a file of values, standard input) -> the values that send its images to ECR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from orchestrator.errors import Location, OrchestratorError, RefusedInput
from orchestrator.files.image_scan import NotFound
from orchestrator.files.neighbours import Neighbours
from orchestrator.files.replace import replace_whole
from orchestrator.files.tree import NotRead, decode_text, read_text
from orchestrator.workloads.edits import Target, rewrite
from orchestrator.workloads.find import find_images
from orchestrator.workloads.place import Lines
from orchestrator.workloads.values_overrides import below_key, changed_values, laid_over, written
from orchestrator.workloads.vicinity import NOTHING, Vicinity
from orchestrator.workloads.yaml_tree import BrokenYaml, parse_yaml

HEADER = "# Made by `orchestrator rewrite --values-out`; give it to Helm last: `-f`.\n"
_DEEPEST = 20


@dataclass(slots=True)
class ChartOverrides:
    """The overrides of one chart, and what was left, with its place and reason."""

    values: yaml.MappingNode = field(default_factory=lambda: changed_values("{}", "{}"))
    left: list[NotFound] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The overrides as a file of values."""
        return HEADER + written(self.values)


def overrides_of(source: Path, target: Target) -> ChartOverrides:
    """The overrides of a chart's folder or of one file of its values. Raises RefusedInput where there is neither."""
    found = ChartOverrides()
    if source.is_dir():
        if not any((source / name).is_file() for name in ("Chart.yaml", "Chart.yml")):
            raise RefusedInput(
                f"{source} is no chart.",
                why="It holds no Chart.yaml.",
                remedy="Name a chart's folder (`helm pull --untar` gives one) or a file of its values.",
            )
        found.values = _chart(source, target, found, Neighbours(source), 0)
    elif source.is_file():
        found.values = _file(source, target, found, Neighbours(source.parent))
    else:
        raise RefusedInput(f"There is no file or folder {str(source)!r}.", remedy="Correct the path.")
    return found


def overrides_of_text(data: bytes, target: Target) -> ChartOverrides:
    """The overrides of values on standard input, such as `helm show values` prints them."""
    found = ChartOverrides()
    content = decode_text(Path("-"), data)
    if isinstance(content, NotRead):
        raise RefusedInput("Standard input is no text.", why=f"{content.reason}.", remedy="Give values in UTF-8.")
    found.values = _values(content.text, "-", NOTHING, target, found)
    return found


def _chart(folder: Path, target: Target, found: ChartOverrides, neighbours: Neighbours, depth: int) -> yaml.MappingNode:
    """The overrides of a chart and of the charts in it; what it says itself of those counts more."""
    result = changed_values("{}", "{}")
    if depth < _DEEPEST:
        for key, inner in _inner_charts(folder, found):
            result = laid_over(result, below_key(key, _chart(inner, target, found, neighbours, depth + 1)))
    values = next((folder / name for name in ("values.yaml", "values.yml") if (folder / name).is_file()), None)
    return result if values is None else laid_over(result, _file(values, target, found, neighbours))


def _inner_charts(folder: Path, found: ChartOverrides) -> Iterator[tuple[str, Path]]:
    """(the key of its values, its folder) of each chart below `charts/`, by its name or its aliases."""
    aliases: dict[str, list[str]] = {}
    for dependency in _dependencies(folder):
        name, alias = dependency.get("name"), dependency.get("alias")
        if isinstance(name, str):
            aliases.setdefault(name, []).append(alias if isinstance(alias, str) and alias else name)
    below = folder / "charts"
    for inner in sorted(below.iterdir()) if below.is_dir() else ():
        if inner.suffix == ".tgz":
            reason = f"it is packed, and its images are not seen; unpack it: tar -C {below} -xzf {inner}"
            found.left.append(NotFound(str(inner), 1, reason))
        elif inner.is_dir() and not inner.is_symlink() and (inner / "Chart.yaml").is_file():
            for key in aliases.get(inner.name, [inner.name]):
                yield key, inner


def _dependencies(folder: Path) -> list[dict[str, object]]:
    try:
        text = (folder / "Chart.yaml").read_text(encoding="utf-8")
        parse_yaml(text)
        chart = yaml.load(text, Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError, BrokenYaml):
        return []
    listed = chart.get("dependencies") if isinstance(chart, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _file(path: Path, target: Target, found: ChartOverrides, neighbours: Neighbours) -> yaml.MappingNode:
    content = read_text(path)
    if isinstance(content, NotRead):
        raise RefusedInput(f"{path} cannot be read.", why=f"{content.reason}.", remedy="Give values in UTF-8.")
    return _values(content.text, str(path), neighbours.of(path), target, found)


def _values(text: str, name: str, beside: Vicinity, target: Target, found: ChartOverrides) -> yaml.MappingNode:
    images = find_images("values.yaml", text, beside=beside)
    result = rewrite(images.places, target)
    lines = Lines(text)
    for item in result.left:
        line = lines.at(item.place.anchor.start)[0]
        found.left.append(NotFound(name, line, f"{item.place.reference}: {item.reason}"))
    try:
        return changed_values(text, result.apply(text))
    except BrokenYaml as error:
        raise RefusedInput(
            "The values are no YAML.",
            why=f"{error.reason}.",
            remedy="Correct them; `helm lint` says more.",
            where=Location(name, Lines(text).at(error.start)[0]),
        ) from error


def write_overrides(path: Path, text: str) -> None:
    """Write the overrides, whole or not at all. Raises RefusedInput for a file that a person wrote."""
    try:
        if path.exists() and not path.read_bytes().startswith(HEADER.encode()):
            raise RefusedInput(
                f"{path} exists and was not made by this command.",
                why="Its content would be lost.",
                remedy="Name another file, or move this one away.",
            )
        replace_whole(path, text.encode(), mode=0o644)
    except OSError as error:
        raise OrchestratorError(
            f"{path} cannot be written: {error.strerror}.", remedy="Give --values-out another place."
        ) from error
