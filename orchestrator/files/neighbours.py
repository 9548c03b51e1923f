"""What stands beside a file and changes how it is read: its chart, and the variables that Compose fills in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.files.named_files import read_given
from orchestrator.files.tree import LARGEST, TextFile, read_text, walk
from orchestrator.workloads.formats.compose import NAME
from orchestrator.workloads.formats.dotenv import COMPOSE_VARIABLES
from orchestrator.workloads.vicinity import NOTHING, Vicinity

_CHART_NAMES = ("Chart.yaml", "Chart.yml")
_APP_VERSION = re.compile(rb"^appVersion:[ \t]*+[\"']?([^\"'#\r\n]*+)[\"']?[ \t]*+(?:#[^\n]*)?\r?$", re.M)
_DEPENDENCIES = re.compile(rb"^dependencies:[ \t]*+\r?\n[ \t]*+-", re.M)
_ACTION = b"{{"
# A whole image that a template hands on: a custom resource or a library's helper may read its registry.
_HANDED_ON = re.compile(rb"(?:toYaml|toJson|tpl|include|template|range|with)[^{}\n]*\.\w*[iI]mages?[\s)}|]")
_NO_TEMPLATE = re.compile(r"(?:.*/)?(?:values[^/]*\.ya?ml|values\.schema\.json|Chart\.ya?ml|[^/]*\.(?:md|tgz))", re.I)


@dataclass(slots=True)
class _Chart:
    folder: Path
    beside: Vicinity
    packed: bool
    reads_registry: bool | None = None


class Neighbours:
    """What stands beside the files below a folder; each chart and each `.env` is read once.

    `whole` says that every file of the folder is read in this run.
    """

    def __init__(self, top: Path, *, whole: bool = True) -> None:
        self._top = top
        self._whole = whole
        self._variables: dict[Path, str] = {}
        self._charts: dict[Path, _Chart | None] = {}

    def of(self, path: Path) -> Vicinity:
        """What belongs to one file: the nearest chart at or above its folder, and what Compose reads with it."""
        found = self._of_chart(path)
        if path.suffix in {".yml", ".yaml"}:
            variables = self._variables_of(path.parent)
            if variables:
                found = replace(found, variables=variables, variables_are_read=self._whole)
        elif path.name == COMPOSE_VARIABLES:
            found = replace(found, composes=tuple(_composes(path.parent)))
        return found

    def _variables_of(self, folder: Path) -> str:
        if folder not in self._variables:
            content = read_text(folder / COMPOSE_VARIABLES)
            self._variables[folder] = content.text if isinstance(content, TextFile) else ""
        return self._variables[folder]

    def _of_chart(self, path: Path) -> Vicinity:
        chart = self._chart(path.parent)
        if chart is None:
            return NOTHING
        if "values" in path.name.lower() and b"egistry" in _content(path) and not self._reads_registry(chart):
            return replace(chart.beside, reads_registry=False)
        return chart.beside

    def _chart(self, folder: Path) -> _Chart | None:
        if folder not in self._charts:
            self._charts[folder] = self._read(folder)
        return self._charts[folder]

    def _read(self, folder: Path) -> _Chart | None:
        for name in _CHART_NAMES:
            try:
                content = read_given(folder / name, LARGEST)
            except OSError:
                continue
            found = _APP_VERSION.search(content)
            version = found[1].decode("utf-8", "replace").strip() if found else ""
            return _Chart(folder, Vicinity(version), bool(_DEPENDENCIES.search(content)))
        if folder == self._top or folder.parent == folder or self._top not in folder.parents:
            return None
        return self._chart(folder.parent)

    def _reads_registry(self, chart: _Chart) -> bool:
        """Whether a template of the chart, or of the unpacked charts in it, speaks of a registry.

        True where that is not known: no template names an image, or a chart that this one needs is missing.
        """
        if chart.reads_registry is None:
            templates = [content for content in _templates(chart.folder) if b"mage" in content]
            chart.reads_registry = (
                not templates
                or chart.packed
                or (chart.folder / "requirements.yaml").exists()
                or any(b"egistry" in content or _HANDED_ON.search(content) for content in templates)
            )
        return chart.reads_registry


def _templates(folder: Path) -> Iterator[bytes]:
    """The texts below a chart in which Helm fills something in; `tpl` reads them from any file."""
    for path, _, _ in walk(folder, lambda relative: not _NO_TEMPLATE.fullmatch(relative)):
        content = _content(path)
        if _ACTION in content:
            yield content


def _composes(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of the files in a folder that may be Compose's."""
    for path in sorted(folder.iterdir()):
        content = read_text(path) if path.suffix in {".yml", ".yaml"} else None
        if isinstance(content, TextFile) and (NAME.fullmatch(path.name) or b"services:" in content.data):
            yield path.name, content.text


def _content(path: Path) -> bytes:
    try:
        return read_given(path, LARGEST)
    except OSError:
        return b""
