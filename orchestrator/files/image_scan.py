"""Files and folders -> the images in them, both cores used where there is enough to read."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import RefusedInput
from orchestrator.files.neighbours import Neighbours
from orchestrator.files.tree import NotRead, TextFile, decode_text, file_size, read_text, walk
from orchestrator.workloads.fields import FIELDS, Fields
from orchestrator.workloads.find import find_images, is_candidate, may_hold_images
from orchestrator.workloads.place import Found, Lines
from orchestrator.workloads.vicinity import NOTHING, Vicinity

STDIN = "-"
# A process takes half a second to start; what one core reads in that time is not worth it.
ALONE = 3 << 20
BATCH = 1 << 20
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class PlacedImage:
    """An image at its place: `line` and `column` of its first character, from 1."""

    file: str
    line: int
    column: int
    field: str
    format: str
    reference: str
    pulled_by: str
    consent: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """A file, a document or an image that could not be read, or is left: where, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ScanTask:
    """One file to read: where it is, how searches and messages call it, and what stands beside it.

    `held` says that others build with it (a kustomization reads it), so that its images are settled with theirs.
    """

    path: Path
    relative: str
    shown: str
    beside: Vicinity
    size: int
    held: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in one file or in many."""

    uses: tuple[PlacedImage, ...]
    unreadable: tuple[NotFound, ...]
    files: int = 1


def tasks(sources: Sequence[str]) -> list[ScanTask]:
    """The files of these files and folders, each once. Raises RefusedInput for one that does not exist."""
    found: dict[Path, ScanTask] = {}
    for source in sources:
        start = Path(source)
        if not start.exists():
            raise RefusedInput(
                f"There is no file or folder {source!r}.", why="It names what to read.", remedy="Correct the path."
            )
        for task in _tasks_below(start) if start.is_dir() else [_named_file(start)]:
            found.setdefault(task.path, task)
    return list(found.values())


def _named_file(path: Path) -> ScanTask:
    # A file that is named itself has its folder's names beside it: `.github/workflows/ci.yml`.
    return ScanTask(path, path.as_posix(), shown(path), Neighbours(path.parent, whole=False).of(path), file_size(path))


def _tasks_below(start: Path) -> Iterator[ScanTask]:
    """The files below a folder."""
    neighbours, top = Neighbours(start), shown(start)
    before = "" if top == "." else f"{top}/"
    for path, relative, size in walk(start, is_candidate):
        yield ScanTask(path, relative, before + relative, neighbours.of(path), size)


def shown(path: Path) -> str:
    """The path as people and programs of the working directory name it."""
    return os.path.relpath(path).replace(os.sep, "/")


def scan(sources: Sequence[str], fields: Fields = FIELDS) -> Scan:
    """The images of files, folders and `-` (standard input), in the order of their names and places."""
    parts: list[Scan] = []
    if STDIN in sources:
        parts.append(scan_text(decode_text(Path(STDIN), sys.stdin.buffer.read()), "stdin.yaml", STDIN, fields=fields))
    wanted = tasks([source for source in sources if source != STDIN])
    parts.extend(run_tasks(worth_reading(wanted, fields), fields))
    return Scan(
        tuple(use for part in parts for use in part.uses),
        tuple(problem for part in parts for problem in part.unreadable),
        len(parts) if STDIN in sources else len(wanted),
    )


def worth_reading(wanted: Sequence[ScanTask], fields: Fields = FIELDS) -> list[ScanTask]:
    """The tasks without those whose text names no image for certain, where there are enough to be handed out.

    A look takes a hundredth of what a process takes to start and a file takes to travel there.
    """
    if sum(task.size for task in wanted) < ALONE:
        return list(wanted)
    return [task for task in wanted if _may_say_something(task, fields)]


def _may_say_something(task: ScanTask, fields: Fields) -> bool:
    content = read_text(task.path)
    return isinstance(content, NotRead) or may_hold_images(task.relative, content.text, fields)


def run_tasks(wanted: Sequence[ScanTask], fields: Fields = FIELDS) -> Iterator[Scan]:
    """Scan each file; the answers come in the order of the tasks."""
    yield from on_all_cores(wanted, partial(_scan_batch, fields=fields))


def on_all_cores(wanted: Sequence[ScanTask], work: Callable[[list[ScanTask]], list[_Answer]]) -> Iterator[_Answer]:
    """The answers of `work` for every task, in their order. `work` is handed to other processes where there is enough to read."""
    cores = min(os.cpu_count() or 1, 4)
    if cores == 1 or sum(task.size for task in wanted) < ALONE:
        yield from work(list(wanted))
        return
    # Spawned: a part of the package carries a runtime of its own that does not survive a fork.
    # Trees have no circles: what looks for those would take a fifth of the time.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=spawn, initializer=gc.set_threshold, initargs=(200_000,)) as pool:
        for answers in pool.map(work, _batches(wanted)):
            yield from answers


def _batches(wanted: Iterable[ScanTask]) -> Iterator[list[ScanTask]]:
    batch: list[ScanTask] = []
    size = 0
    for task in wanted:
        batch.append(task)
        size += task.size + 2000
        if size > BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _scan_batch(batch: list[ScanTask], fields: Fields) -> list[Scan]:
    return [scan_task(task, fields) for task in batch]


def scan_task(task: ScanTask, fields: Fields = FIELDS) -> Scan:
    """The images of one file."""
    return scan_text(read_text(task.path), task.relative, task.shown, task.beside, fields)


def scan_text(
    content: TextFile | NotRead, relative: str, name: str, beside: Vicinity = NOTHING, fields: Fields = FIELDS
) -> Scan:
    """The images of one text."""
    if isinstance(content, NotRead):
        return Scan((), (NotFound(name, content.line, content.reason),))
    found = find_images(relative, content.text, beside=beside, fields=fields)
    return Scan(tuple(_uses(found, content.text, name)), tuple(_problems(found, content.text, name)))


def _uses(found: Found, text: str, name: str) -> Iterator[PlacedImage]:
    lines = Lines(text)
    for place in found.places:
        line, column = lines.at(place.anchor.start)
        yield PlacedImage(
            name,
            line,
            column,
            place.field,
            place.format,
            place.reference,
            place.pulled_by,
            place.consent,
            place.warnings,
        )


def _problems(found: Found, text: str, name: str) -> Iterator[NotFound]:
    lines = Lines(text)
    for problem in found.unreadable:
        shown_text = f"{problem.text}: " if problem.text else ""
        yield NotFound(name, lines.at(problem.start)[0], f"{shown_text}{problem.reason}")
