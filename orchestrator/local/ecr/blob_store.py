"""Blobs on disk, by digest, once for all registries; and uploads, which become blobs when their digest is right.

Which repository holds which blob is the control plane's business (`Repository.layers`).
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any, BinaryIO

DIGEST = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})", re.ASCII)


class Upload:
    """Bytes on their way to a blob: `size` so far, hashed while they come. One request writes at a time (`lock`)."""

    def __init__(self, path: Path) -> None:
        self.id = path.name
        self.path = path
        self.size = 0
        # Sizes of the API's parts, which are checked when the upload is completed.
        self.parts: list[int] = []
        self.lock = threading.Lock()
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = path.open("wb", buffering=0)

    def write(self, chunk: bytes | memoryview) -> None:
        """Append `chunk`; ValueError when the upload has ended meanwhile."""
        if self._file is None:
            message = "the upload has ended"
            raise ValueError(message)
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def digest(self, algorithm: str = "sha256") -> str:
        """The digest of what came so far."""
        if algorithm == "sha256":
            return f"sha256:{self._hash.hexdigest()}"
        with self.path.open("rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"

    def end(self) -> None:
        """Take no more bytes."""
        if self._file is not None:
            self._file.close()
            self._file = None


class BlobStore:
    """Files below `root`, which is made empty; without one a temporary folder that goes with the process."""

    def __init__(self, root: Path | None = None) -> None:
        self._temporary: Any = None
        if root is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="orchestrator-blobs-")
            root = Path(self._temporary.name)
        self._root = root
        self.clear()

    def clear(self) -> None:
        """Forget every blob and upload."""
        shutil.rmtree(self._root, ignore_errors=True)
        for name in ("blobs", "uploads"):
            (self._root / name).mkdir(parents=True, mode=0o700)

    def path(self, digest: str) -> Path:
        """The file of a blob, there or not. `digest` must be one: it becomes a file's name."""
        if not DIGEST.fullmatch(digest):
            message = f"no digest: {digest!r}"
            raise ValueError(message)
        algorithm, _, encoded = digest.partition(":")
        return self._root / "blobs" / f"{algorithm}-{encoded}"

    def holds(self, digest: str) -> bool:
        """Is the blob's content here? Simulated images have layers without content."""
        return bool(DIGEST.fullmatch(digest)) and self.path(digest).is_file()

    def begin(self) -> Upload:
        """A new upload."""
        return Upload(self._root / "uploads" / str(uuid.uuid4()))

    def commit(self, upload: Upload, digest: str) -> None:
        """Keep a finished upload under its digest, which the caller has compared."""
        upload.end()
        upload.path.replace(self.path(digest))

    def drop(self, upload: Upload) -> None:
        """Forget an upload."""
        upload.end()
        upload.path.unlink(missing_ok=True)
