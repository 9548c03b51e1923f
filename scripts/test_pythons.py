"""`python -m scripts.test_pythons`: the unit tests on every other supported Python that this machine has.

An interpreter is found as `python3.N` on PATH or among pyenv's. Each gets a virtual environment of its own from the
locked requirements. A version that is not there is named: what was not tested is said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
REQUIREMENTS = ROOT / "requirements" / "dev.txt"


def interpreter(version: str) -> Path | None:
    """The newest interpreter of `version` that starts; pyenv's own folders come first, since its shims may refuse."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = sorted(pyenv.glob(f"{version}.*/bin/python3"), key=_patch, reverse=True)
    on_path = shutil.which(f"python{version}")
    for candidate in (*named, *([Path(on_path)] if on_path else [])):
        told = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.stdout.strip() == version:
            return candidate
    return None


def _patch(path: Path) -> int:
    last = path.parts[-3].rpartition(".")[2]
    return int(last) if last.isdigit() else -1


def _run(*command: str | Path) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _tested(version: str, python: Path) -> bool:
    folder = ROOT / "build" / f"python-{version}"
    mine, stamp = folder / "bin" / "python", folder / ".installed"
    if not stamp.is_file() or stamp.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
        pip = (mine, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        made = _run(python, "-m", "venv", "--clear", folder) or _run(*pip, "--require-hashes", "-r", REQUIREMENTS)
        if made or _run(*pip, "--no-deps", "--no-build-isolation", "-e", ROOT):
            return False
        stamp.touch()
    tests = ("-q", "-n", "2", "-m", "not cluster and not long and not speed", "-p", "no:cacheprovider", "tests/unit")
    return _run(mine, "-m", "pytest", *tests) == 0


def main() -> int:
    """0 when every interpreter that was found passed."""
    failed = []
    for version in SUPPORTED:
        if version == ".".join(map(str, sys.version_info[:2])):
            print(f"Python {version}: `make test` runs on it.", flush=True)
            continue
        python = interpreter(version)
        if python is None:
            print(f"Python {version}: not on this machine, not tested.", flush=True)
            continue
        print(f"Python {version}: {python}", flush=True)
        if not _tested(version, python):
            failed.append(version)
    if failed:
        print(f"Failed on Python {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
