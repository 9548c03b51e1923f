"""Which images of a run's files belong to its stages: every object with the namespaces that kustomizations put it into."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.files.kustomize_tree import DEEPEST, SeenFile, resource_files
from orchestrator.workloads.edits import everywhere
from orchestrator.workloads.owners import read_owners
from orchestrator.workloads.place import ImagePlace
from orchestrator.workloads.stages import Stage, selected


class StagedFiles:
    """The files of a run (keyed by their real paths) and its stages; without stages everything is chosen."""

    def __init__(self, stages: Sequence[Stage] | None, files: Mapping[Path, SeenFile]) -> None:
        self._stages = stages
        self._files = files
        self._namespaces: dict[Path, set[str]] | None = None
        self._repositories: dict[Path, Path | None] = {}
        self._known: dict[Path, Callable[[ImagePlace], bool]] = {}

    def of(self, path: Path) -> Callable[[ImagePlace], bool]:
        """Whether a place in a file is chosen."""
        if self._stages is None:
            return everywhere
        if path not in self._known:
            self._known[path] = self._chooser(path, self._stages)
        return self._known[path]

    def overlay(self, path: Path) -> bool:
        """Whether what a kustomization says of images is chosen."""
        if self._stages is None:
            return True
        owner = next((owner for owner in read_owners(self._files[path].text).objects if owner is not None), None)
        return selected(self._stages, owner, self._placed().get(path), self._path(path))

    def _chooser(self, path: Path, stages: Sequence[Stage]) -> Callable[[ImagePlace], bool]:
        owners, namespaces, name = read_owners(self._files[path].text), self._placed().get(path), self._path(path)
        return lambda place: selected(stages, owners.at(place.anchor.start), namespaces, name)

    def _placed(self) -> dict[Path, set[str]]:
        """{file: the namespaces that kustomizations put what is in it into}; the outermost one has the last word."""
        if self._namespaces is None:
            read = {path: list(_resources(path, seen)) for path, seen in self._files.items() if seen.kustomization}
            inner = {resource for resources in read.values() for resource in resources}
            found: dict[Path, set[str]] = {}
            # In a circle nothing is outermost; kustomize refuses it, and nothing is placed there.
            for path in read.keys() - inner:
                self._place(path, "", read, found, 0)
            self._namespaces = found
        return self._namespaces

    def _place(
        self, path: Path, outer: str, read: Mapping[Path, Sequence[Path]], found: dict[Path, set[str]], depth: int
    ) -> None:
        seen = self._files.get(path)
        kustomization = seen.kustomization if seen is not None else None
        namespace = outer or (kustomization.namespace if kustomization is not None else "")
        known = found.setdefault(path, set())
        if namespace in known or depth > DEEPEST:
            return
        known.add(namespace)
        for resource in read.get(path, ()):
            self._place(resource, namespace, read, found, depth + 1)

    def _path(self, path: Path) -> str:
        """A file's path below its repository, whatever folder the command runs in; below the working directory without one."""
        top = self._repository(path.parent)
        return os.path.relpath(path, top or Path.cwd()).replace(os.sep, "/")

    def _repository(self, folder: Path) -> Path | None:
        if folder not in self._repositories:
            above = folder.parent
            held = folder if (folder / ".git").exists() else None
            self._repositories[folder] = held or (self._repository(above) if above != folder else None)
        return self._repositories[folder]


def _resources(path: Path, seen: SeenFile) -> Sequence[Path]:
    return [] if seen.kustomization is None else list(resource_files(path, seen.kustomization))
