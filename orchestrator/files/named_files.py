"""Files that a person named: read without waiting for ever, written without taking the place of a device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST = 64 << 20  # bytes


def read_given(path: Path, most: int = LARGEST) -> bytes:
    """What the file holds, at most `most` bytes. Raises OSError, whose reason a person can read.

    A pipe is read where a shell handed it over (`<(…)`, /dev/stdin): it has a writer. A named one may never get one, and
    a device such as /dev/zero never ends; both are refused.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) and _below_dev(path):
            os.set_blocking(descriptor, True)
        elif not (stat.S_ISREG(mode) or _is_null(descriptor)):
            raise OSError(errno.EINVAL, "It is no regular file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"It has more than {most} bytes", str(path))
    return content


def write_through(path: Path, content: bytes) -> bool:
    """Write into what must not be replaced by a file: a device, a pipe, whatever lies below /dev. False for all else.

    Raises OSError; a pipe that nobody reads is not waited for.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(mode) and not _below_dev(path):
        return False
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, "It is no regular file", str(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return True


def _below_dev(path: Path) -> bool:
    return path.absolute().parts[1:2] in {("dev",), ("proc",)}


def _is_null(descriptor: int) -> bool:
    found = os.fstat(descriptor)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == Path(os.devnull).stat().st_rdev
