"""Files -> the same files with their images rewritten, byte for byte elsewhere.

A file is settled by itself, on all cores, unless a kustomization reads it or stages choose among its images. Of a file
only its edits are kept. Its text is read again when it is shown or written, and must be the same then.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.files.image_scan import NotFound, ScanTask, on_all_cores, tasks, worth_reading
from orchestrator.files.kustomize_tree import (
    SeenFile,
    read_kustomization,
    resource_files,
    seen_file,
    settle_overlays,
    stays,
)
from orchestrator.files.staging import StagedFiles
from orchestrator.files.tree import NotRead, TextFile, ignored, read_text
from orchestrator.workloads.edits import Edit, Rewritten, Target, nowhere, rewrite
from orchestrator.workloads.fields import FIELDS, Fields
from orchestrator.workloads.find import find_images
from orchestrator.workloads.formats import kustomize
from orchestrator.workloads.place import Lines
from orchestrator.workloads.stages import Stage


@dataclass(frozen=True, slots=True)
class Change:
    """The edits of one file, whose bytes had this SHA-256 when they were found."""

    task: ScanTask
    digest: str
    edits: tuple[Edit, ...]

    def texts(self) -> tuple[TextFile, str]:
        """The file as it is, and its text after the edits. Raises OrchestratorError where it changed since it was read."""
        content = read_text(self.task.path)
        if isinstance(content, NotRead) or content_digest(content.data) != self.digest:
            raise OrchestratorError(
                f"{self.task.shown} changed since it was read.",
                why="Somebody else writes it at the same time.",
                remedy="Run the command again.",
            )
        return content, Rewritten(self.edits).apply(content.text)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a run would write."""

    changes: tuple[Change, ...]
    left: tuple[NotFound, ...]
    files: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """A process' answer for one file: its edits. For one that others build with, all that was seen in it."""

    digest: str = ""
    edits: tuple[Edit, ...] = ()
    left: tuple[NotFound, ...] = ()
    seen: SeenFile | None = None


def content_digest(data: bytes) -> str:
    """What tells two contents of a file apart."""
    return hashlib.sha256(data).hexdigest()


def propose(
    sources: Sequence[str],
    target: Target,
    consents: Iterable[str] = (),
    fields: Fields = FIELDS,
    stages: Sequence[Stage] | None = None,
) -> Proposal:
    """Read the files and say what would change, of these stages where some are given. Files that git ignores are passed over."""
    found = tasks(sources)
    unwanted = _ignored(sources)
    tracked = _outside(found, unwanted)
    # A kustomization is settled with what it reads, whether or not it names an image itself.
    telling = {task.path for task in worth_reading(tracked, fields)}
    named = [task for task in tracked if task.path in telling or task.path.name in kustomize.NAMES]
    wanted = _held(named, all_of_them=stages is not None)
    run = _Run(target, tuple(consents), stages)
    answers = on_all_cores(wanted, partial(_read_batch, target=target, consents=tuple(consents), fields=fields))
    for task, answer in zip(wanted, answers, strict=True):
        run.take(task, answer)
    run.settle()
    return Proposal(tuple(run.changes()), tuple(run.left), len(found))


def _held(wanted: Sequence[ScanTask], *, all_of_them: bool) -> list[ScanTask]:
    """The tasks, with those marked that a kustomization of them reads, and the kustomizations."""
    held: set[Path] = set()
    for task in wanted:
        if task.path.name in kustomize.NAMES and not all_of_them:
            path, content = Path(os.path.realpath(task.path)), read_text(task.path)
            if isinstance(content, TextFile):
                held |= {path, *resource_files(path, read_kustomization(content.text))}
    if not held and not all_of_them:
        return list(wanted)
    return [
        replace(task, held=True) if all_of_them or Path(os.path.realpath(task.path)) in held else task
        for task in wanted
    ]


def _read_batch(batch: list[ScanTask], target: Target, consents: tuple[str, ...], fields: Fields) -> list[_Answer]:
    return [_read(task, target, consents, fields) for task in batch]


def _read(task: ScanTask, target: Target, consents: tuple[str, ...], fields: Fields) -> _Answer:
    content = read_text(task.path)
    if isinstance(content, NotRead):
        return _Answer(left=(NotFound(task.shown, content.line, content.reason),))
    found = find_images(task.relative, content.text, beside=task.beside, fields=fields)
    if not found.places and task.path.name not in kustomize.NAMES:
        return _Answer()
    digest = content_digest(content.data)
    if task.held:
        return _Answer(digest, seen=seen_file(task.path, content.text, found))
    result = rewrite(found.places, target, consents)
    return _Answer(digest, result.edits, tuple(_left(task, content.text, result)))


def _left(task: ScanTask, text: str, result: Rewritten) -> Iterator[NotFound]:
    lines = Lines(text)
    for item in result.left:
        line = lines.at(item.place.anchor.start)[0]
        yield NotFound(task.shown, line, f"{item.place.reference}: {item.reason}")


class _Run:
    """The files of one run: each by itself first, then the kustomizations, whose names follow their bases."""

    def __init__(self, target: Target, consents: tuple[str, ...], stages: Sequence[Stage] | None) -> None:
        self._target = target
        self._consents = consents
        self._files: dict[Path, SeenFile] = {}
        self._chosen = StagedFiles(stages, self._files)
        self._changes: list[tuple[ScanTask, _Answer]] = []
        self._held: dict[Path, ScanTask] = {}
        self.left: list[NotFound] = []

    def take(self, task: ScanTask, answer: _Answer) -> None:
        self.left.extend(answer.left)
        if answer.seen is not None:
            path = Path(os.path.realpath(task.path))
            self._held[path] = task
            self._files[path] = answer.seen
            self._changes.append((task, answer))
        elif answer.edits:
            self._changes.append((task, answer))

    def _rewrite(self, path: Path, pinned: set[str]) -> None:
        seen = self._files[path]
        named = stays(pinned)
        places = [place for place in seen.found.places if place.format != kustomize.FORMAT and not named(place)]
        seen.result = rewrite(places, self._target, self._consents, self._chosen.of(path))

    def _overlay_target(self, path: Path) -> Target:
        """A kustomization's own images go where the table says, when its stage is there."""
        return self._target if self._chosen.overlay(path) else nowhere

    def settle(self) -> None:
        """Let names and bases agree; a name that its bases cannot all take makes them stay, which may free others."""
        for path in self._files:
            self._rewrite(path, set())
        pinned: dict[Path, set[str]] = {}
        handed_on: dict[Path, set[str]] = {}
        while True:
            settled = settle_overlays(self._files, self._overlay_target, handed_on)
            news = [_add(pinned, settled.written), _add(handed_on, settled.handed_on)]
            if not any(news):
                break
            for path in pinned.keys() & self._files.keys():
                self._rewrite(path, pinned[path])
        for path, overlay in settled.overlays.items():
            seen = self._files[path]
            edits = sorted((*seen.result.edits, *overlay.edits), key=lambda edit: (edit.start, edit.end))
            seen.result = Rewritten(tuple(edits), seen.result.left)
        self._tell(pinned)

    def _tell(self, pinned: dict[Path, set[str]]) -> None:
        for path, seen in self._files.items():
            lines, task = Lines(seen.text), self._held[path]
            self.left.extend(_left(task, seen.text, seen.result))
            for place in filter(stays(pinned.get(path, set())), seen.found.places):
                reason = "a kustomization names it, and its bases carry it with a digest and without"
                self.left.append(NotFound(task.shown, lines.at(place.anchor.start)[0], f"{place.reference}: {reason}"))

    def changes(self) -> Iterator[Change]:
        for task, answer in self._changes:
            edits = answer.edits if answer.seen is None else answer.seen.result.edits
            if edits:
                yield Change(task, answer.digest, edits)


def _add(known: dict[Path, set[str]], found: Mapping[Path, set[str]]) -> bool:
    """Add names to those that are known; whether one of them is new."""
    before = sum(map(len, known.values()))
    for path, names in found.items():
        known.setdefault(path, set()).update(names)
    return sum(map(len, known.values())) > before


def _ignored(sources: Sequence[str]) -> frozenset[Path]:
    folders = [Path(source) for source in sources if Path(source).is_dir()]
    return frozenset(path for folder in folders for path in ignored(folder))


def _outside(found: Sequence[ScanTask], unwanted: frozenset[Path]) -> list[ScanTask]:
    """The tasks whose files are none of these and stand in none of these folders."""
    if not unwanted:
        return list(found)

    @cache
    def outside(folder: Path) -> bool:
        return folder not in unwanted and (folder.parent == folder or outside(folder.parent))

    return [task for task in found if task.path not in unwanted and outside(task.path.parent)]


def diff(change: Change) -> Iterator[str]:
    """A unified diff that `git apply` and `patch` take; lines keep their own ends.

    git refuses names with `..`: a file outside the working directory has its name in its own repository.
    """
    name = _patch_name(change.task)
    content, changed = change.texts()
    before, after = (text.split("\n") for text in (content.text, changed))
    yield f"diff --git a/{name} b/{name}\n"
    for line in difflib.unified_diff(_ended(before), _ended(after), f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _patch_name(task: ScanTask) -> str:
    if not task.shown.startswith("../"):
        return task.shown
    path = task.path.resolve()
    top = next((folder for folder in path.parents if (folder / ".git").exists()), None)
    return task.relative.removeprefix("/") if top is None else path.relative_to(top).as_posix()


def _ended(lines: list[str]) -> list[str]:
    *whole, last = lines
    return [f"{line}\n" for line in whole] + ([last] if last else [])
