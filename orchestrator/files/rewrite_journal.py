"""Writing what a run proposes, with a journal that brings it back.

The journal of a run holds, for each file, what stood where. An undo puts it back where the file is still what the run
made of it.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.image_rewrite import Change, content_digest
from orchestrator.files.named_files import read_given
from orchestrator.files.own_folders import make_own, no_link
from orchestrator.files.replace import replace_whole

JOURNALS = "rewrites"
# Bytes: of a rewrite of many large files.
LARGEST_JOURNAL = 1 << 30


def _journals(state_dir: Path) -> Path:
    return no_link(state_dir / JOURNALS)


def write(changes: Sequence[Change], state_dir: Path, stage: Mapping[str, str] | None = None) -> Path:
    """Write every file, each whole or not at all, after a journal that can bring all of them back.

    `stage` ({"environment", "stage"}) is kept in it: an undo goes back behind the stage, too. Raises OrchestratorError for a file that changed since it was read: nothing of it is written then.
    """
    journal = _write_journal(changes, state_dir, stage)
    for change in changes:
        content, after = change.texts()
        _replace(change.task.path, content.encoded(after))
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
    folder = _journals(state_dir)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path, unfinished = folder / f"{stamp}.json", folder / f"{stamp}.unfinished"
    try:
        make_own(folder)
        with unfinished.open("w", encoding="utf-8") as out:
            # One line a file, written as it comes: a large run is never in memory as a whole.
            out.write(json.dumps(stage or {})[:-1] + (", " if stage else "") + '"files": [')
            for index, change in enumerate(changes):
                out.write((",\n" if index else "\n") + json.dumps(_entry(change)))
            out.write("\n]}\n")
        unfinished.rename(path)
    except OSError as error:
        raise OrchestratorError(
            f"The journal {path} cannot be written: {error.strerror}.",
            why="Without it nothing could be undone.",
            remedy="Correct the permissions of the project's folder.",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _entry(change: Change) -> dict[str, Any]:
    content, after = change.texts()
    return {
        "path": str(change.task.path.resolve()),
        "before": change.digest,
        "after": content_digest(content.encoded(after)),
        "encoding": content.encoding,
        "bom": content.bom.hex(),
        "edits": list(_reversed(change, content.text)),
    }


def _reversed(change: Change, text: str) -> Iterator[list[Any]]:
    """[start in the new text, length there, the old characters] of each edit."""
    shift = 0
    for edit in change.edits:
        yield [edit.start + shift, len(edit.new), text[edit.start : edit.end]]
        shift += len(edit.new) - (edit.end - edit.start)


@dataclass(frozen=True, slots=True)
class Reached:
    """The last stage that was written and not undone, and how many of its files are as before it."""

    stage: str
    files: int
    unwritten: int


def reached_stage(state_dir: Path, environment: str) -> Reached | None:
    """What an environment's last stage is; None before the first one. Reads the files that it wrote."""
    for journal in sorted(_journals(state_dir).glob("*.json"), reverse=True):
        held = _read_journal(journal)
        if held.get("environment") == environment and held.get("stage"):
            files = held["files"]
            return Reached(str(held["stage"]), len(files), sum(map(_is_as_before, files)))
    return None


def _is_as_before(entry: Mapping[str, Any]) -> bool:
    try:
        return bool(content_digest(read_given(Path(str(entry["path"])))) == entry["before"])
    except (OSError, ValueError):
        return False


# What each file's entry says.
_ENTRY = frozenset({"path", "before", "after", "bom", "encoding", "edits"})


def _read_journal(journal: Path) -> dict[str, Any]:
    try:
        held = json.loads(read_given(journal, LARGEST_JOURNAL).decode("utf-8"))
        is_whole = all(entry.keys() >= _ENTRY for entry in held["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(journal, str(error)) from error
    if not is_whole:
        raise _unreadable(journal, "An entry of it lacks a part.")
    return dict(held)


def _unreadable(journal: Path, why: str) -> OrchestratorError:
    return OrchestratorError(
        f"The journal {journal} cannot be read.",
        why=why,
        remedy="Bring the file back, or move it away: what it would undo stays as it is.",
    )


@dataclass(frozen=True, slots=True)
class Undone:
    """What came back, and what did not, with the reason."""

    files: int
    refused: tuple[str, ...]


def undo(state_dir: Path) -> Undone:
    """Bring back what the last run changed. A file that was edited since stays as it is and is named."""
    folder = _journals(state_dir)
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


def _before(data: bytes, entry: dict[str, Any]) -> bytes:
    bom = bytes.fromhex(entry["bom"])
    text = data[len(bom) :].decode(entry["encoding"])
    pieces, position = [], 0
    for start, length, old in entry["edits"]:
        pieces += [text[position:start], old]
        position = start + length
    return bom + "".join([*pieces, text[position:]]).encode(entry["encoding"])


def _undo_file(entry: dict[str, Any]) -> str:
    """Put one file back; why not, or nothing."""
    path = Path(str(entry["path"]))
    try:
        data = read_given(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except ValueError:
        return "it is no path"
    if content_digest(data) == entry["before"]:
        return ""
    if content_digest(data) != entry["after"]:
        return "it was edited since"
    try:
        before = _before(data, entry)
    except (ValueError, TypeError, LookupError):
        before = b""
    if content_digest(before) != entry["before"]:
        return "its journal does not fit it"
    _replace(path, before)
    return ""
