"""What changed in a folder since a commit, by asking `git`: committed, staged, in the working tree, and new files."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError, RefusedInput

# In this order: what a pull request is compared with.
DEFAULTS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class GitChanges:
    """The folder's changes since `base`, the commit where HEAD and `since` parted. Paths are relative to the folder."""

    folder: Path
    since: str
    base: str
    paths: tuple[str, ...]

    def names(self, subfolder: str) -> list[str]:
        """Names of the files that stood directly in a subfolder at `base`."""
        listed = _git(self.folder, "ls-tree", "-z", "--name-only", f"{self.base}:./{subfolder}", absent_ok=True)
        return [name for name in (listed or "").split("\0") if name]

    def text(self, path: str) -> str | None:
        """A file as it was at `base`; None where it was not."""
        return _git(self.folder, "show", f"{self.base}:./{path}", absent_ok=True)


def changes_since(folder: Path, since: str | None) -> GitChanges:
    """What changed below `folder` since HEAD left `since` (default: the main branch).

    Raises RefusedInput where there is no such commit, and OrchestratorError without git or a repository.
    """
    _git(folder, "rev-parse", "--is-inside-work-tree")
    chosen = since or next((name for name in DEFAULTS if _commit(folder, name)), None)
    if chosen is None:
        raise RefusedInput(
            "Nobody said since when.",
            why=f"None of {', '.join(DEFAULTS)} is here.",
            remedy="Give --since COMMIT.",
        )
    if not _commit(folder, chosen):
        raise RefusedInput(
            f'"{chosen}" is no commit here.',
            why="A pipeline often fetches the newest commit alone.",
            remedy="Fetch the history first (`git fetch --unshallow`; `fetch-depth: 0` of actions/checkout), or correct --since.",
        )
    base = _git(folder, "merge-base", chosen, "HEAD", absent_ok=True)
    if not base:
        raise RefusedInput(
            f'"{chosen}" and HEAD have no commit in common.',
            why="A shallow clone does not reach the place where they parted.",
            remedy="Fetch the history first: `git fetch --unshallow`.",
        )
    base = base.strip()
    differing = _git(folder, "diff", "-z", "--name-only", "--no-renames", "--relative", base) or ""
    new = _git(folder, "ls-files", "-z", "--others", "--exclude-standard") or ""
    return GitChanges(folder, chosen, base, tuple(sorted({path for path in (differing + new).split("\0") if path})))


def _commit(folder: Path, name: str) -> bool:
    return not name.startswith("-") and bool(
        _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", absent_ok=True)
    )


def _git(folder: Path, *arguments: str, absent_ok: bool = False) -> str | None:
    """What git prints; None when it fails and that is an answer."""
    try:
        done = subprocess.run(
            ["git", *_settings(), *arguments],
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except FileNotFoundError as error:
        raise OrchestratorError("git is not installed.", remedy="Install it, or name the environments.") from error
    except subprocess.TimeoutExpired as error:
        raise OrchestratorError(f"git {arguments[0]} did not end within {TIMEOUT_SECONDS} s.") from error
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "replace")
    if absent_ok:
        return None
    said = done.stderr.decode("utf-8", "replace").strip()
    raise OrchestratorError(
        f"git {arguments[0]} failed in {folder}.",
        why=said,
        remedy="Changes are known in a git repository only; elsewhere name the environments, or use --all.",
    )


def _settings() -> Sequence[str]:
    # Names as they are, whatever the user's configuration says.
    return ("-c", "core.quotePath=false", "-c", "diff.external=", "-c", "core.fsmonitor=false")
