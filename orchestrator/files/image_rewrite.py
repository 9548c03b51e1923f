"""Files -> the same files with their images rewritten, byte for byte elsewhere, written whole, and a way back.

The journal of a run holds, for each file, what stood where: an undo puts it back where the file is still what the run
made of it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.image_scan import NotFound, ScanTask, tasks
from orchestrator.files.kustomize_tree import SeenFile, seen_file, settle_overlays, stays
from orchestrator.files.replace import replace_whole
from orchestrator.files.staging import StagedFiles
from orchestrator.files.tree import NotRead, TextFile, ignored, read_text
from orchestrator.workloads.edits import Edit, Rewritten, Target, nowhere, rewrite
from orchestrator.workloads.fields import FIELDS, Fields
from orchestrator.workloads.find import find_images
from orchestrator.workloads.formats import kustomize
from orchestrator.workloads.place import Lines
from orchestrator.workloads.stages import Stage

JOURNALS = "rewrites"


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after, and the edits between."""

    task: ScanTask
    before: TextFile
    after: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a run would write."""

    changes: tuple[Change, ...]
    left: tuple[NotFound, ...]
    files: int


def propose(
    sources: Sequence[str],
    target: Target,
    consents: Iterable[str] = (),
    fields: Fields = FIELDS,
    stages: Sequence[Stage] | None = None,
) -> Proposal:
    """Read the files and say what would change, of these stages where some are given. Files that git ignores are passed over."""
    wanted = tasks(sources)
    unwanted = _ignored(sources)
    run = _Run(target, tuple(consents), fields, stages)
    for task in wanted:
        if not _is_below(task.path, unwanted):
            run.read(task)
    run.settle()
    return Proposal(tuple(run.changes()), tuple(run.left), len(wanted))


class _Run:
    """The files of one run: each by itself first, then the kustomizations, whose names follow their bases."""

    def __init__(
        self, target: Target, consents: tuple[str, ...], fields: Fields, stages: Sequence[Stage] | None
    ) -> None:
        self._target = target
        self._consents = consents
        self._fields = fields
        self._files: dict[Path, SeenFile] = {}
        self._chosen = StagedFiles(stages, self._files)
        self._read: dict[Path, tuple[ScanTask, TextFile]] = {}
        self.left: list[NotFound] = []

    def read(self, task: ScanTask) -> None:
        content = read_text(task.path)
        if isinstance(content, NotRead):
            self.left.append(NotFound(task.shown, content.line, content.reason))
            return
        found = find_images(task.relative, content.text, app_version=task.app_version, fields=self._fields)
        if not found.places and task.path.name not in kustomize.NAMES:
            return
        path = Path(os.path.realpath(task.path))
        self._read[path] = task, content
        self._files[path] = seen_file(path, content.text, found)

    def _rewrite(self, path: Path, pinned: set[str]) -> None:
        seen = self._files[path]
        named = stays(pinned)
        places = [place for place in seen.found.places if place.format != kustomize.FORMAT and not named(place)]
        seen.result = rewrite(places, self._target, self._consents, self._chosen.of(path))

    def _overlay_target(self, path: Path) -> Target:
        """What a kustomization says itself is sent where the table says, when its stage is there."""
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
            lines, task = Lines(seen.text), self._read[path][0]
            for item in seen.result.left:
                line = lines.at(item.place.anchor.start)[0]
                self.left.append(NotFound(task.shown, line, f"{item.place.reference}: {item.reason}"))
            for place in filter(stays(pinned.get(path, set())), seen.found.places):
                reason = "a kustomization names it, and its bases carry it with a digest and without"
                self.left.append(NotFound(task.shown, lines.at(place.anchor.start)[0], f"{place.reference}: {reason}"))

    def changes(self) -> Iterator[Change]:
        for path, (task, content) in self._read.items():
            result = self._files[path].result
            if result.edits:
                yield Change(task, content, result.apply(content.text), result.edits)


def _add(known: dict[Path, set[str]], found: Mapping[Path, set[str]]) -> bool:
    """Add names to those that are known; whether one of them is new."""
    before = sum(map(len, known.values()))
    for path, names in found.items():
        known.setdefault(path, set()).update(names)
    return sum(map(len, known.values())) > before


def _ignored(sources: Sequence[str]) -> frozenset[Path]:
    folders = [Path(source) for source in sources if Path(source).is_dir()]
    return frozenset(path for folder in folders for path in ignored(folder))


def _is_below(path: Path, folders: frozenset[Path]) -> bool:
    return bool(folders) and (path in folders or any(parent in folders for parent in path.parents))


def diff(change: Change) -> Iterator[str]:
    """A unified diff that `git apply` and `patch` take; lines keep their own ends."""
    name = change.task.shown
    before, after = (text.split("\n") for text in (change.before.text, change.after))
    yield f"diff --git a/{name} b/{name}\n"
    for line in difflib.unified_diff(_ended(before), _ended(after), f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _ended(lines: list[str]) -> list[str]:
    *whole, last = lines
    return [f"{line}\n" for line in whole] + ([last] if last else [])


def write(changes: Sequence[Change], state_dir: Path, stage: Mapping[str, str] | None = None) -> Path:
    """Write every file, each whole or not at all, after a journal that can bring all of them back.

    `stage` ({"environment", "stage"}) is kept in it: an undo goes back behind the stage, too. Raises OrchestratorError for a file that changed since it was read: nothing of it is written then.
    """
    journal = _write_journal(changes, state_dir, stage)
    for change in changes:
        path = change.task.path
        if path.read_bytes() != change.before.data:
            raise OrchestratorError(
                f"{change.task.shown} changed since it was read.",
                why="Somebody else writes it at the same time.",
                remedy=f"Run the command again; what was written so far comes back with --undo ({journal.name}).",
            )
        _replace(path, change.before.encoded(change.after))
    return journal


def _replace(path: Path, data: bytes) -> None:
    """Write a file of a person, with the mode that it has, and its new bytes on the disk first."""
    mode = stat.S_IMODE(path.stat().st_mode)
    try:
        replace_whole(path, data, mode=mode, durable=True)
    except OSError as error:
        raise OrchestratorError(
            f"{path} cannot be written: {error.strerror}.", remedy="Correct its permissions and run it again."
        ) from error


def _write_journal(changes: Sequence[Change], state_dir: Path, stage: Mapping[str, str] | None) -> Path:
    folder = state_dir / JOURNALS
    files = [
        {
            "path": str(change.task.path.resolve()),
            "before": _hash(change.before.data),
            "after": _hash(change.before.encoded(change.after)),
            "encoding": change.before.encoding,
            "bom": change.before.bom.hex(),
            "edits": list(_reversed(change)),
        }
        for change in changes
    ]
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"{stamp}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps({**(stage or {}), "files": files}), encoding="utf-8")
    except OSError as error:
        raise OrchestratorError(
            f"The journal {path} cannot be written: {error.strerror}.",
            why="Without it nothing could be undone.",
            remedy="Correct the permissions of the project's folder.",
        ) from error
    return path


def _reversed(change: Change) -> Iterator[list[Any]]:
    """[start in the new text, length there, the old characters] of each edit."""
    shift = 0
    for edit in change.edits:
        yield [edit.start + shift, len(edit.new), change.before.text[edit.start : edit.end]]
        shift += len(edit.new) - (edit.end - edit.start)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def reached_stage(state_dir: Path, environment: str) -> str | None:
    """The stage of an environment that was written last and not undone; None before the first one."""
    for journal in sorted((state_dir / JOURNALS).glob("*.json"), reverse=True):
        held = _read_journal(journal)
        if held.get("environment") == environment:
            return str(held["stage"])
    return None


def _read_journal(journal: Path) -> dict[str, Any]:
    try:
        held = json.loads(journal.read_text(encoding="utf-8"))
        held["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OrchestratorError(
            f"The journal {journal} cannot be read.",
            why=str(error),
            remedy="Bring the file back, or move it away: what it would undo stays as it is.",
        ) from error
    return dict(held)


@dataclass(frozen=True, slots=True)
class Undone:
    """What came back, and what did not, with the reason."""

    files: int
    refused: tuple[str, ...]


def undo(state_dir: Path) -> Undone:
    """Bring back what the last run changed. A file that was edited since stays as it is and is named."""
    folder = state_dir / JOURNALS
    journals = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not journals:
        raise RefusedInput(
            "There is nothing to undo.", why=f"{folder} holds no journal.", remedy="Nothing was written."
        )
    journal = journals[-1]
    files = _read_journal(journal)["files"]
    done, refused = 0, []
    for entry in files:
        reason = _undo_file(entry)
        if reason:
            refused.append(f"{entry['path']}: {reason}")
        else:
            done += 1
    if not refused:
        journal.unlink()
    return Undone(done, tuple(refused))


def _undo_file(entry: dict[str, Any]) -> str:
    """Put one file back; why not, or nothing."""
    path = Path(entry["path"])
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if _hash(data) == entry["before"]:
        return ""
    if _hash(data) != entry["after"]:
        return "it was edited since"
    bom = bytes.fromhex(entry["bom"])
    text = data[len(bom) :].decode(entry["encoding"])
    pieces, position = [], 0
    for start, length, old in entry["edits"]:
        pieces += [text[position:start], old]
        position = start + length
    before = bom + "".join([*pieces, text[position:]]).encode(entry["encoding"])
    if _hash(before) != entry["before"]:
        return "its journal does not fit it"
    _replace(path, before)
    return ""
