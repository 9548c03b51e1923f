"""What the webhook's image holds beside its base: the packages of its lock for one platform, and this program.

An edge: pip fetches and unpacks, as a process of its own. The same lock gives the same files on every machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import orchestrator
from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.shipped_folders import shipped_path

# Where both are in the image.
HOME = "opt/orchestrator"
LOCK = "requirements/swapper.txt"
# {architecture of an image: of a wheel}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# Versions of glibc that wheels are built for, newest first: Debian 12 and Amazon Linux 2023 have 2.34 or later.
_GLIBC = tuple(range(34, 16, -1))
# Files that differ by machine: paths of its Python in scripts, and the list of files with digests.
_OWN_TO_THE_MACHINE = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# Parts of an installed package that the webhook does not read.
_NOT_TAKEN = ("_charts", "_docs", "_requirements", "_terraform", "__pycache__")


def swapper_lock() -> Path:
    """The locked requirements of the webhook. Raises RefusedInput where the installation lacks them."""
    return shipped_path("_requirements/swapper.txt", LOCK, "The webhook's locked requirements are")


def locked_packages(architecture: str, python: str, *, lock: Path, wheels: Path | None = None) -> dict[str, bytes]:
    """{path in the image: content} of the packages in `lock` for an `architecture` (`arm64`) and a `python` (`3.12`).

    They come from where pip takes packages, or with `wheels` from that folder alone. Raises OrchestratorError.
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
        _fetch(machine, python, lock, wheels, target)
        return {f"{HOME}/{path}": content for path, content in _packages_below(target)}


def _fetch(machine: str, python: str, lock: Path, wheels: Path | None, target: Path) -> None:
    tags = (*(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC), f"manylinux2014_{machine}")
    finished = subprocess.run(
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
    if finished.returncode:
        said = [line for line in finished.stderr.splitlines() if line.startswith("ERROR")] or [finished.stderr[-500:]]
        raise OrchestratorError(
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


def own_package() -> dict[str, bytes]:
    """{path in the image: content} of this program, without its documents and Terraform sources."""
    package = Path(orchestrator.__file__).parent
    return {
        f"{HOME}/{package.name}/{name}": path.read_bytes()
        for path, name in _files_below(package)
        if name.partition("/")[0] not in _NOT_TAKEN
    }


def _files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files and their paths below `folder`; what an editor or Python leaves beside them does not count."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        left = path.name.startswith(".") or path.name.endswith(("~", ".pyc"))
        if path.is_file() and not left:
            yield path, name
