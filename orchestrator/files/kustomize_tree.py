"""The kustomizations of a run and what they read: which names each base carries, before the rewrite and after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.files.tree import NotRead, read_text
from orchestrator.workloads.edits import Rewritten, Target, nowhere
from orchestrator.workloads.find import find_images
from orchestrator.workloads.formats import kustomize
from orchestrator.workloads.overlays import CarriedName, SettledOverlay, settle, split_name
from orchestrator.workloads.place import Found, ImagePlace
from orchestrator.workloads.yaml_tree import BrokenYaml, cut_documents, parse_yaml

DEEPEST = 50


@dataclass(slots=True)
class SeenFile:
    """A file of the run: its text, its images, what becomes of them, and what it builds as a kustomization."""

    text: str
    found: Found
    result: Rewritten = field(default_factory=Rewritten)
    kustomization: kustomize.Kustomization | None = None


def resource_files(path: Path, kustomization: kustomize.Kustomization) -> Iterator[Path]:
    """The files here that a kustomization (`path`) reads: of a folder its kustomization; what is fetched is left out."""
    for resource in kustomization.resources:
        if "://" in resource or "\n" in resource or resource.startswith(("git@", "github.com/")):
            continue
        real = Path(os.path.realpath(path.parent / resource))
        if real.is_dir():
            real = next((real / name for name in sorted(kustomize.NAMES) if (real / name).is_file()), real)
        if real.is_file():
            yield real


def seen_file(path: Path, text: str, found: Found) -> SeenFile:
    """A file as it was read; a kustomization is parsed here, once, however often names are settled."""
    return SeenFile(text, found, kustomization=read_kustomization(text) if path.name in kustomize.NAMES else None)


@dataclass(slots=True)
class Settled:
    """{kustomization: its edits}, and the names that must stay: where they are written, and where they come out."""

    overlays: dict[Path, SettledOverlay]
    written: dict[Path, set[str]]
    handed_on: dict[Path, set[str]]


def settle_overlays(
    files: Mapping[Path, SeenFile], target: Callable[[Path], Target], pinned: Mapping[Path, Collection[str]]
) -> Settled:
    """The edits of every kustomization among `files` (keyed by real paths). They hand on the `pinned` names as they are.

    `target` gives the target of what a kustomization itself names.
    """
    tree = _Tree(files, target, pinned)
    for path, seen in files.items():
        if seen.kustomization is not None:
            tree.carried(path, ())
    return Settled(tree.overlays, tree.written, tree.handed_on)


class _Tree:
    def __init__(
        self, files: Mapping[Path, SeenFile], target: Callable[[Path], Target], stay: Mapping[Path, Collection[str]]
    ) -> None:
        self._files = files
        self._stay = stay
        self._target = target
        self._carried: dict[Path, tuple[CarriedName, ...]] = {}
        self._outside: dict[Path, SeenFile | None] = {}
        self.overlays: dict[Path, SettledOverlay] = {}
        self.written: dict[Path, set[str]] = {}
        self.handed_on: dict[Path, set[str]] = {}

    def carried(self, path: Path, above: tuple[Path, ...]) -> tuple[CarriedName, ...]:
        """What comes out of a kustomization or a file; {} for one that is not here or reads itself."""
        if path in self._carried:
            return self._carried[path]
        seen = self._seen(path)
        if seen is None or path in above or len(above) > DEEPEST:
            return ()
        # The images of a kustomization's own inline patches are carried as those of its files.
        names = tuple(_names(seen, ours=path in self._files))
        if seen.kustomization is not None:
            names = self._overlay(path, seen.kustomization, names, (*above, path))
        self._carried[path] = names
        return names

    def _overlay(
        self,
        path: Path,
        kustomization: kustomize.Kustomization,
        names: tuple[CarriedName, ...],
        above: tuple[Path, ...],
    ) -> tuple[CarriedName, ...]:
        below = list(resource_files(path, kustomization))
        for resource in below:
            names += self.carried(resource, above)
        # Outside of the run nothing is written: what comes out there is what came out before.
        settled = settle(
            kustomization, names, self._target(path) if path in self._files else nowhere, self._stay.get(path, ())
        )
        if path in self._files:
            self.overlays[path] = settled
            if settled.blocked:
                # Its own inline patches write the name too.
                self.written.setdefault(path, set()).update(settled.blocked)
                for resource in below:
                    self._pin(resource, settled.blocked, 0)
        return settled.carried

    def _pin(self, path: Path, names: frozenset[str], depth: int) -> None:
        """Let these names stay in all that a kustomization reads."""
        self.written.setdefault(path, set()).update(names)
        self.handed_on.setdefault(path, set()).update(names)
        seen = self._seen(path)
        if seen is not None and seen.kustomization is not None and depth < DEEPEST:
            for resource in resource_files(path, seen.kustomization):
                self._pin(resource, names, depth + 1)

    def _seen(self, path: Path) -> SeenFile | None:
        if path in self._files:
            return self._files[path]
        if path not in self._outside:
            content = read_text(path)
            self._outside[path] = (
                None
                if isinstance(content, NotRead)
                else seen_file(path, content.text, find_images(path.name, content.text))
            )
        return self._outside[path]


def _names(seen: SeenFile, *, ours: bool) -> Iterable[CarriedName]:
    """The names that a file's Pod specs write, with what they become."""
    new = {(edit.start, edit.end): edit.new for edit in seen.result.edits} if ours else {}
    for place in seen.found.places:
        image = place.parts.image
        if image is None or place.format == kustomize.FORMAT:
            continue
        before, suffix = split_name(place.reference)
        after = new.get((image.start, image.end))
        yield CarriedName(before, before if after is None else split_name(after)[0], suffix)


def read_kustomization(text: str) -> kustomize.Kustomization:
    """The kustomization of a file; an empty one where it is no YAML."""
    try:
        for start, end in cut_documents(text):
            for root in parse_yaml(text, start, end):
                return kustomize.read_kustomization(text, root)
    except BrokenYaml:
        pass
    return kustomize.Kustomization((), ())


def stays(names: set[str]) -> Callable[[ImagePlace], bool]:
    """Whether a place writes one of these names."""
    return lambda place: split_name(place.reference)[0] in names
