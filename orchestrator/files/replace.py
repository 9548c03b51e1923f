"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.files.named_files import write_through


def replace_whole(path: Path, content: bytes, *, mode: int | None = None, durable: bool = False) -> None:
    """Write the file; who reads meanwhile sees the old one. Raises OSError.

    It is readable by its owner alone unless `mode` says otherwise; `durable` bytes are on the disk before it is seen.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """As replace_whole, for a file that a person named. Raises OrchestratorError.

    A link stays one, and its file is written; a device or a pipe (/dev/stdout) gets the content.
    """
    try:
        if not write_through(path, content):
            replace_whole(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise OrchestratorError(f"{path} cannot be written: {error.strerror}.") from error
