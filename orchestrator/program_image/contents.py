"""What an image holds beside its base: the packages of a lock for one platform, and this program.

An edge: pip fetches and unpacks, as a process of its own. The same lock gives the same files on every machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import Path

import orchestrator
from orchestrator.errors import OrchestratorError, RefusedInput

# Where both are in the image, and the command that a shell finds.
HOME = "opt/orchestrator"
SCRIPT = "usr/local/bin/orchestrator"
_STARTS = b"#!/usr/bin/env python\nfrom orchestrator.cli.main import main\n\nmain()\n"
# {architecture of an image: of a wheel}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# The oldest glibc 2.x that has a tag of its own; wheels for older ones are manylinux2014.
_OLDEST_GLIBC = 17
# Files that differ by machine: paths of its Python in scripts, and the list of files with digests.
_OWN_TO_THE_MACHINE = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# Parts of an installed package that the webhook does not read.
_DOCUMENTS = ("_charts", "_docs", "_requirements", "_terraform")


def locked_packages(
    architecture: str,
    python: str,
    *,
    lock: Path,
    glibc: int,
    wheels: Path | None = None,
    without: Collection[str] = (),
) -> dict[str, bytes]:
    """{path in the image: content} of the packages in `lock` for an `architecture` (`arm64`) and a `python` (`3.12`).

    Wheels may ask for glibc 2.`glibc`. Those named in `without` are left out. They come from where pip takes packages, or with
    `wheels` from that folder alone. Raises OrchestratorError.
    """
    machine = MACHINES.get(architecture)
    if machine is None:
        raise RefusedInput(
            f"There are no packages for {architecture}.",
            why="Not all of them have wheels for it.",
            remedy=f"Choose among {', '.join(f'--platform linux/{one}' for one in MACHINES)}.",
        )
    if find_spec("pip") is None:
        raise OrchestratorError(
            f"{sys.executable} has no pip.",
            why="It fetches the packages of the image.",
            remedy=f"Install it: {sys.executable} -m ensurepip, or uv pip install pip.",
        )
    with tempfile.TemporaryDirectory(prefix="orchestrator-image-") as folder:
        target = Path(folder) / "packages"
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(lock_without(lock.read_text("utf-8"), without), "utf-8")
        tags = tuple(f"manylinux_2_{minor}_{machine}" for minor in range(glibc, _OLDEST_GLIBC - 1, -1))
        finished = _pip((*tags, f"manylinux2014_{machine}"), python, wanted, wheels, target)
        if finished.returncode:
            raise _not_had(finished, machine, python, lock, wheels)
        return {f"{HOME}/{path}": content for path, content in _packages_below(target)}


def lock_without(lock: str, names: Collection[str]) -> str:
    """The text of a lock without the packages of these names."""
    for name in names:
        lock = re.sub(rf"(?m)^{re.escape(name)}==.*(?:\n[ \t].*)*\n?", "", lock)
    return lock


def _pip(
    tags: tuple[str, ...], python: str, lock: Path, wheels: Path | None, target: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--no-deps", "--no-compile", "--require-hashes", "--only-binary", ":all:", "--target", str(target)),
            *("--implementation", "cp", "--python-version", python),
            *(word for tag in tags for word in ("--platform", tag)),
            *(("--no-index", "--find-links", str(wheels)) if wheels is not None else ()),
            *("--requirement", str(lock)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _not_had(
    finished: subprocess.CompletedProcess[str], machine: str, python: str, lock: Path, wheels: Path | None
) -> OrchestratorError:
    said = [line for line in finished.stderr.splitlines() if line.startswith("ERROR")] or [finished.stderr[-500:]]
    return OrchestratorError(
        f"The packages of the image for {machine} and Python {python} cannot be had.",
        why=f"pip says: {said[-1].removeprefix('ERROR: ').strip()}",
        remedy=f"Fetch the wheels of {lock} elsewhere by `pip download` and name their folder: --wheels DIR."
        if wheels is None
        else f"{wheels} must hold a wheel of everything in {lock}, for {machine} and Python {python}.",
    )


def _packages_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path, name in _files_below(folder):
        within = name.split("/")
        unpacked_here = within[0].endswith(".dist-info") and within[-1] in _OWN_TO_THE_MACHINE
        if within[0] != "bin" and not unpacked_here:
            yield name, path.read_bytes()


def own_package(*, whole: bool) -> dict[str, bytes]:
    """{path in the image: content} of this program; `whole` with its documents, Terraform sources and charts."""
    package = Path(orchestrator.__file__).parent
    files = {
        f"{HOME}/{package.name}/{name}": path.read_bytes()
        for path, name in _files_below(package)
        if whole or name.partition("/")[0] not in _DOCUMENTS
    }
    return files | _beside_the_package(package.parent) if whole else files


def start_script() -> dict[str, bytes]:
    """{path in the image: content} of the program that a shell finds as `orchestrator`."""
    return {SCRIPT: _STARTS}


def _beside_the_package(checkout: Path) -> dict[str, bytes]:
    """What a checkout has beside the package and a wheel in it, as the wheel's own list says."""
    project = checkout / "pyproject.toml"
    if not project.is_file() or not (checkout / "environments/main.tf").is_file():
        return {}
    build = tomllib.loads(project.read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    files: dict[str, bytes] = {}
    for source, target in build["force-include"].items():
        place = checkout / source
        found = _files_below(place) if place.is_dir() else [(place, "")]
        files |= {f"{HOME}/{target}/{name}".rstrip("/"): path.read_bytes() for path, name in found}
    return files


def _files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files and their paths below `folder`; what an editor or Python leaves beside them does not count."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        left = path.name.startswith(".") or path.name.endswith(("~", ".pyc"))
        if path.is_file() and not left:
            yield path, name
