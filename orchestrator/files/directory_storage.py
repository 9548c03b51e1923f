"""The lifecycle manager's storage in a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.files.replace import replace_whole
from orchestrator.lifecycle.ports import PortError


@dataclass(frozen=True, slots=True)
class DirectoryStorage:
    """The storage port in a folder, where there is no bucket."""

    folder: Path

    def get(self, key: str) -> bytes | None:
        try:
            return (self.folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, content: bytes) -> None:
        path = self.folder / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_whole(path, content)
        except OSError as error:
            raise PortError(type(error).__name__, f"{path}: {error.strerror}") from error

    def earlier(self, key: str, since: datetime) -> bytes | None:  # noqa: ARG002 - the port's
        """None: a folder keeps nothing of what was replaced."""
        return None

    def keys(self, prefix: str) -> Iterable[str]:
        # A killed command may leave a file that it had not finished writing; its name begins with a dot.
        found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        keys = (path.relative_to(self.folder).as_posix() for path in found)
        return sorted(key for key in keys if key.startswith(prefix))
