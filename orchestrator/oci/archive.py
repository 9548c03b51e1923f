"""An OCI image layout in a tar file, in its parts, or in a folder, read like a registry.

An image is named by its whole reference (`docker.io/library/nginx:1.25`), as `archive_writer.py` and skopeo write it. Within a run the
archive is the registry `ARCHIVE`, and the whole name without tag is its repository.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orchestrator.oci.errors import Absent, NotUsable
from orchestrator.oci.http import CHUNK
from orchestrator.oci.lists import TagList
from orchestrator.oci.manifest import MANIFEST_LIMIT, Manifest, algorithm_of, as_referrer, is_digest, parse_manifest
from orchestrator.routes.reference import ImageReference, InvalidReference, parse_reference

# No host has this name (RFC 6761), so nothing is ever asked of it.
ARCHIVE = "archive.invalid"
REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
# Where every tar file of POSIX and GNU says what it is.
_MAGIC, _MAGIC_AT = b"ustar", 257
_INDEX_LIMIT = 64 * 2**20


def part_path(path: Path, number: int) -> Path:
    """The name of a part, from 1: `images.tar.part001`."""
    return path.with_name(f"{path.name}.part{number:03}")


def parts_of(path: Path) -> list[Path]:
    """The file itself, or its parts in order."""
    if path.exists():
        return [path]
    found: list[Path] = []
    while (part := part_path(path, len(found) + 1)).exists():
        found.append(part)
    return found


def in_archive(reference: ImageReference) -> ImageReference:
    """The reference by which a run calls an image in the archive."""
    return ImageReference(ARCHIVE, f"{reference.registry}/{reference.repository}", reference.tag, reference.digest)


def whole_name(reference: ImageReference) -> str:
    """The name that people know of an image, also where a run calls it by its place in an archive."""
    return str(reference).removeprefix(f"{ARCHIVE}/")


def is_archive(path: Path) -> bool:
    """Whether a file, its parts or a folder are an OCI image layout, or a tar file at least."""
    if path.is_dir():
        return (path / "oci-layout").is_file() and (path / "index.json").is_file()
    parts = parts_of(path)
    if not parts or not parts[0].is_file():
        return False
    if parts[0] != path:
        return True
    with parts[0].open("rb") as file:
        return file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC


class _Readable(Protocol):
    """Where bytes can be read at any place."""

    def at(self, offset: int, length: int) -> bytes: ...


class _Parts(io.RawIOBase):
    """Several files as one, for reading."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [os.open(path, os.O_RDONLY) for path in paths]
        self._sizes = [os.fstat(file).st_size for file in self._files]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: sum(self._sizes)}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        piece = self.at(self._position, len(buffer))
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def at(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`, of one file."""
        for file, size in zip(self._files, self._sizes, strict=True):
            if offset < size:
                return os.pread(file, min(length, size - offset), offset)
            offset -= size
        return b""

    def close(self) -> None:
        if not self.closed:
            for file in self._files:
                os.close(file)
        super().close()


@dataclass(slots=True)
class _OpenBlob:
    """A blob in the archive, from an offset on."""

    files: _Readable
    offset: int
    left: int
    status: int = 206

    def read(self) -> bytes:
        piece = self.files.at(self.offset, min(CHUNK, self.left))
        self.offset += len(piece)
        self.left -= len(piece)
        return piece

    def close(self, *, reuse: bool = True) -> None:
        self.left = self.left if reuse else 0


class Archive:
    """An open archive. Answers the questions that are asked of a source registry; reads, never writes."""

    name = ARCHIVE

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: list[_Parts] = []
        self._members: dict[str, tuple[_Readable, int, int]]
        self._members = self._folder(path) if path.is_dir() else self._tar(path)
        self._tags: dict[tuple[str, str], str] = {}
        self._referrers: dict[str, list[dict[str, Any]]] = {}
        self.images: list[ImageReference] = []
        self._read_index()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        for files in self._open:
            files.close()

    def _folder(self, path: Path) -> dict[str, tuple[_Readable, int, int]]:
        found: dict[str, tuple[_Readable, int, int]] = {}
        for file in sorted(item for item in path.rglob("*") if item.is_file()):
            # Opened when it is read: a folder may hold more files than a process may have open.
            found[file.relative_to(path).as_posix()] = (_Lazy(file), 0, file.stat().st_size)
        return found

    def _tar(self, path: Path) -> dict[str, tuple[_Readable, int, int]]:
        paths = parts_of(path)
        if not paths:
            raise NotUsable(f"{path} does not exist, nor does {part_path(path, 1).name}.", remedy="Correct the name.")
        try:
            files = _Parts(paths)
            self._open.append(files)
            reader = io.BufferedReader(files, 64 * 1024)
            with tarfile.open(fileobj=reader, mode="r:") as tar:
                members: dict[str, tuple[_Readable, int, int]]
                members = {m.name.removeprefix("./"): (files, m.offset_data, m.size) for m in tar if m.isfile()}
                end = tar.offset
            # A reader closes what it reads when it goes.
            reader.detach()
        except (tarfile.TarError, OSError) as error:
            raise NotUsable(
                f"{path} is no tar file: {error}.",
                why="A compressed one cannot be read at any place.",
                remedy="Uncompress it, or make it again by orchestrator mirror --to.",
            ) from error
        if files.seek(0, os.SEEK_END) < end:
            raise NotUsable(f"{path} ends too early.", remedy="Copy its missing part too.")
        return members

    def _read_index(self) -> None:
        if "index.json" not in self._members:
            why = "It is what `docker save` of old versions writes." if "manifest.json" in self._members else ""
            raise NotUsable(
                f"{self.path} is no OCI image layout: it has no index.json.", why=why, remedy="Make an OCI archive."
            )
        try:
            document = json.loads(self._content("index.json", _INDEX_LIMIT))
            entries = [(dict(item), str(item["digest"])) for item in document["manifests"]]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise NotUsable(
                f"{self.path}: index.json is malformed: {error}.", remedy="Make the archive again."
            ) from error
        for item, digest in entries:
            annotations = item.get("annotations") or {}
            name = str(annotations.get(_CONTAINERD_NAME) or annotations.get(REF_NAME) or "")
            self._name(name, digest)
            try:
                manifest = self.manifest("", digest)
            except Absent:
                continue
            if manifest.subject:
                self._referrers.setdefault(manifest.subject, []).append(as_referrer(manifest))

    def _name(self, name: str, digest: str) -> None:
        if not name:
            return
        try:
            # A bare tag, as many tools write it, names no repository.
            reference = parse_reference(name if "/" in name else f"{ARCHIVE}/image:{name}")
        except InvalidReference:
            return
        if reference.domain != ARCHIVE and not (reference.tag or "").startswith("sha256-"):
            self.images.append(reference)
        repository = "" if reference.domain == ARCHIVE else f"{reference.registry}/{reference.repository}"
        if reference.tag:
            self._tags[repository, reference.tag] = digest

    # What a source is asked

    def manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest of a tag or digest, its digest verified."""
        digest = reference if is_digest(reference) else self._tags.get((repository, reference), "")
        member = _member(digest)
        if member not in self._members:
            raise Absent(f"{self.path} has no {repository}:{reference}.", status=404, remedy="See what it has: images.")
        manifest = parse_manifest(self._content(member, MANIFEST_LIMIT), "", algorithm_of(digest))
        if manifest.digest != digest:
            raise NotUsable(f"{self.path}: {digest} is not what its digest says.", remedy="Make the archive again.")
        return manifest

    def manifest_digest(self, repository: str, reference: str) -> str | None:
        """The digest behind a tag or digest; None when the archive has none."""
        digest = reference if is_digest(reference) else self._tags.get((repository, reference), "")
        return digest if _member(digest) in self._members else None

    def tags(self, repository: str, *, pages: int = 1) -> TagList:
        """The tags of a repository, all of them."""
        assert pages
        return TagList(tuple(tag for name, tag in self._tags if name == repository), complete=True)

    def referrers(self, repository: str, digest: str) -> tuple[dict[str, Any], ...]:
        """What refers to a manifest."""
        assert repository is not None
        return tuple(self._referrers.get(digest, ()))

    def open_blob(self, repository: str, digest: str, offset: int = 0) -> _OpenBlob:
        """The bytes of a blob from `offset` on."""
        found = self._members.get(_member(digest))
        if found is None:
            raise Absent(f"{self.path} has no blob {digest} of {repository}.", status=404)
        files, start, size = found
        return _OpenBlob(files, start + offset, max(0, size - offset))

    def _content(self, member: str, limit: int) -> bytes:
        files, start, size = self._members[member]
        if size > limit:
            raise NotUsable(f"{self.path}: {member} has {size} bytes; at most {limit} are read.")
        pieces, blob = [], _OpenBlob(files, start, size)
        while piece := blob.read():
            pieces.append(piece)
        return b"".join(pieces)


class _Lazy:
    """One file of a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def at(self, offset: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def _member(digest: str) -> str:
    algorithm, _, encoded = digest.partition(":")
    return f"blobs/{algorithm}/{encoded}"


def names_of(images: Iterable[ImageReference]) -> list[str]:
    """The whole names of images, sorted."""
    return sorted(f"{image.registry}/{image.repository}{image.suffix}" for image in images)
