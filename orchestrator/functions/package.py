"""The functions' zips: the same bytes on every machine. A plan therefore changes nothing while the code is the same.

What is in a zip follows from the handler's imports. These are modules of the function's own folder and of this package, and no
file that merely lies there. Everything else must be the standard library, or boto3 and botocore inside a function body
(the runtime has them). Anything else is refused when the zip is built. Entries are sorted and stored without compression
(compressors differ between versions of zlib, and the whole is small). They have fixed times and modes.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from orchestrator.errors import OrchestratorError, RefusedInput
from orchestrator.files.replace import replace_whole

FUNCTIONS = ("lifecycle_manager", "scan_findings")
PACKAGE = "orchestrator"
MAX_BYTES = 300 * 1024
# The functions may use the pure lifecycle core and one door to AWS, and nothing that drags in the rest.
PACKED = (
    "orchestrator",
    "orchestrator.aws",
    "orchestrator.aws.ports",
    "orchestrator.counts",
    "orchestrator.findings",
    "orchestrator.lifecycle",
    "orchestrator.partitions",
)
# Of a package that holds others of the list, such as `orchestrator.aws`, nothing else is packed.
_BELOW = tuple(f"{one}." for one in PACKED if not any(other.startswith(f"{one}.") for other in PACKED))
IN_THE_RUNTIME = frozenset({"boto3", "botocore"})
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class FunctionPackage:
    """One function's zip: `sha256` in base64, as AWS Lambda and Terraform compare it."""

    function: str
    content: bytes
    sha256: str
    files: tuple[str, ...]


def sources_dir() -> Path:
    """Where the functions' sources are: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).parents[1]
    for path in (package / "_terraform" / "lambda_src", package.parent / "lambda_src"):
        if path.is_dir():
            return path
    raise OrchestratorError(
        "The sources of the functions are missing from the installation.",
        why="Neither the package nor the folder beside it has lambda_src.",
        remedy="Install orchestrator again.",
    )


def available_functions(sources: Path | None = None) -> list[str]:
    """The functions that can be packaged."""
    folder = sources or sources_dir()
    return [name for name in FUNCTIONS if (folder / name / "handler.py").is_file()]


def build_package(function: str, *, sources: Path | None = None, package: Path | None = None) -> FunctionPackage:
    """The zip of one function. Raises RefusedInput for an unknown function, OrchestratorError for a forbidden import.

    `sources` holds the functions' folders and `package` is the folder of this package; both are for tests.
    """
    folder = (sources or sources_dir()) / function
    if not (folder / "handler.py").is_file():
        raise RefusedInput(
            f'There is no function "{function}".', remedy=f"Functions are: {', '.join(available_functions(sources))}."
        )
    files = _collect(folder, package or Path(__file__).parents[1])
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # Unix, wherever it is built: the mode is read by it
            entry.external_attr = (0o100000 | _MODE) << 16
            archive.writestr(entry, files[name])
    content = buffer.getvalue()
    if len(content) > MAX_BYTES:
        raise OrchestratorError(
            f"The zip of {function} has {len(content)} bytes.",
            why=f"Its limit is {MAX_BYTES}.",
            remedy="Look for what it imports and does not need.",
        )
    digest = b64encode(hashlib.sha256(content).digest()).decode("ascii")
    return FunctionPackage(function, content, digest, tuple(sorted(files)))


def write_package(package: FunctionPackage, out: Path) -> tuple[Path, bool]:
    """Write the zip below `out`; (its path, whether its bytes are new there). Raises OrchestratorError."""
    path = out / f"{package.function}.zip"
    try:
        if path.is_file() and path.read_bytes() == package.content:
            return path, False
        out.mkdir(parents=True, exist_ok=True)
        replace_whole(path, package.content)
    except OSError as error:
        raise OrchestratorError(
            f"{path} cannot be written.",
            why=f"{out} is no folder." if out.exists() and not out.is_dir() else f"{error.strerror}.",
            remedy="Name a folder that can be written to.",
        ) from error
    return path, True


def _collect(folder: Path, package: Path) -> dict[str, bytes]:
    """{name in the zip: bytes} of a function: its handler and what that imports of the two folders, transitively."""
    files: dict[str, bytes] = {}
    wanted = [f"{folder.name}.handler"]
    while wanted:
        module = wanted.pop()
        first = module.partition(".")[0]
        root = folder if first == folder.name else package
        for path in _files_of(module, root):
            name = f"{first}/{path.relative_to(root).as_posix()}"
            if name in files:
                continue
            # The version in the package's own docstring file changes when the functions' code does not.
            files[name] = b"" if path == package / "__init__.py" else _source(path)
            wanted += [
                imported
                for imported, line, top in _imports(files[name], name)
                if _is_packed(imported, line, name, folder.name, top=top)
            ]
    return files


def _source(path: Path) -> bytes:
    """The file with Unix line ends, whatever a checkout made of them."""
    return path.read_bytes().replace(b"\r\n", b"\n")


def _imports(source: bytes, name: str) -> Iterator[tuple[str, int, bool]]:
    """(module, line, is it imported when the file is) of every import; those for types only are left out."""
    try:
        tree = ast.parse(source, name)
    except (SyntaxError, ValueError) as error:  # ValueError: a NUL
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise OrchestratorError(f"{name}{line}: this is no Python: {error}.", remedy="Correct the file.") from error
    late = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        top = id(node) not in late
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, top
        elif isinstance(node, ast.ImportFrom):
            module = _whole_name(node, name)
            yield module, node.lineno, top
            for alias in node.names:
                # `from package import module` imports a module too.
                yield f"{module}.{alias.name}", node.lineno, top


def _whole_name(node: ast.ImportFrom, name: str) -> str:
    """The module that is imported from, a relative one seen from the file `name`."""
    if not node.level:
        return node.module or ""
    above = PurePosixPath(name).parts[: -node.level]
    if not above:
        raise OrchestratorError(f"{name}:{node.lineno}: a relative import of what lies above the package.")
    return ".".join((*above, node.module) if node.module else above)


def _is_packed(module: str, line: int, name: str, function: str, *, top: bool) -> bool:
    """Must the imported module be in the zip? Not the standard library and the runtime's own; others are refused."""
    first = module.partition(".")[0]
    if first == function:
        return True
    if first == PACKAGE:
        if not _may_be_packed(module):
            raise OrchestratorError(
                f"{name}:{line}: {module} cannot be packed.", why=f"The functions may import {', '.join(PACKED)} only."
            )
        return True
    if first in sys.stdlib_module_names or (first in IN_THE_RUNTIME and not top):
        return False
    why = "It is imported when the function starts." if first in IN_THE_RUNTIME else "It is not the standard library."
    raise OrchestratorError(f"{name}:{line}: {module} cannot be packed.", why=why)


def _may_be_packed(module: str) -> bool:
    """Is it one of the packed modules, or (as names that are imported from a module look too) below one?"""
    return module in PACKED or module.startswith(_BELOW)


def _files_of(module: str, root: Path) -> list[Path]:
    """The file of a module below `root`, and of every package above it. A name inside a module adds nothing."""
    files = [path for path in (root / "__init__.py",) if path.is_file()]
    folder = root
    for part in module.split(".")[1:]:
        if (folder / part / "__init__.py").is_file():
            folder = folder / part
            files.append(folder / "__init__.py")
        elif (folder / f"{part}.py").is_file():
            files.append(folder / f"{part}.py")
            break
    return files
