"""Images into an archive: an OCI image layout in one tar file, or in parts of a size.

Every byte's place is known before the first blob is read, for sizes stand in manifests. So the file is the same from run to run, and blobs
are written side by side. An ended run goes on. It becomes visible by its name when it is whole.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tarfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.oci.archive import ARCHIVE, REF_NAME, in_archive, part_path
from orchestrator.oci.blobs import BlobStream, until_right
from orchestrator.oci.copies import Copy, CopyOptions, CopyResult, CopyState
from orchestrator.oci.copy import prepare
from orchestrator.oci.copy_events import BlobDone, Moved, Retried
from orchestrator.oci.copy_tree import Discovered
from orchestrator.oci.crew import for_each
from orchestrator.oci.errors import NotUsable
from orchestrator.oci.manifest import OCI_INDEX, Descriptor, as_referrer
from orchestrator.oci.ports import Endpoint, Place
from orchestrator.oci.registries import Registries
from orchestrator.oci.retry import Budget
from orchestrator.routes.reference import ImageReference

_BLOCK = 512
_RECORD = 20 * _BLOCK


class _Nothing:
    """An archive that is to be written holds nothing."""

    def tags(self, repository: str, tags: Sequence[str]) -> None:
        """There is no repository."""

    def forget(self) -> None:
        """Nothing is remembered."""

    def manifests(self, repository: str, digests: Sequence[str]) -> set[str]:  # noqa: ARG002
        return set()

    def blobs(self, repository: str, digests: Sequence[str]) -> set[str]:  # noqa: ARG002
        return set()


@dataclass(frozen=True, slots=True)
class _Member:
    """One file of the tar: where its header begins, the header, and its content (None: a blob to be read)."""

    offset: int
    header: bytes
    size: int
    content: bytes | None
    digest: str = ""

    @property
    def data(self) -> int:
        return self.offset + len(self.header)


@dataclass(slots=True)
class ArchivePlan:
    """What an archive will hold: every byte's place, before the first blob is read. `size` is of the whole file."""

    results: list[CopyResult]
    size: int
    _members: list[_Member]
    _found: Discovered

    @property
    def bytes_to_read(self) -> int:
        """Bytes of blobs."""
        return sum(member.size for member in self._members if member.content is None)

    @property
    def ok(self) -> bool:
        """Whether every image could be read: an archive is whole or not there."""
        return not any(result.error for result in self.results)

    def write(
        self, path: Path, registries: Registries, *, options: CopyOptions | None = None, part_size: int = 0
    ) -> ArchiveFiles:
        """Write it, in one file or in parts of `part_size` bytes. Raises OrchestratorError."""
        output = _Output(path, self.size, part_size or self.size, self._members)
        try:
            with output:
                resumed = sum(member.size for member in self._members if member.digest in output.done)
                _fill(self._members, self._found, output, registries, options or CopyOptions())
                files = output.finish()
        except OSError as error:
            raise _not_written(path, self.size, error) from error
        for result in self.results:
            result.state = CopyState.COPIED
        return ArchiveFiles(files, resumed)


@dataclass(frozen=True, slots=True)
class ArchiveFiles:
    """The files that were written; `resumed` are bytes that were there already."""

    paths: list[Path]
    resumed: int


def plan_archive(
    images: Iterable[tuple[ImageReference, tuple[str, ...]]],
    registries: Registries,
    *,
    options: CopyOptions | None = None,
) -> ArchivePlan:
    """Read what images, each with its platforms (none: all), and what belongs to them need. Reads no blob."""
    registries.add_endpoint(Endpoint(ARCHIVE, inventory=_Nothing()))
    copies = [Copy(source, replace(in_archive(source), digest=None), platforms) for source, platforms in images]
    found = prepare(copies, registries, options=options or CopyOptions()).found
    members, size = _laid_out(found)
    results = [tree.result for tree in found.trees]
    for tree in found.trees:
        tree.result.signatures = len(tree.signatures)
    return ArchivePlan(results, size, members, found)


def _not_written(path: Path, size: int, error: OSError) -> NotUsable:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return NotUsable(
        f"{path} cannot be written: {error.strerror}.",
        why=f"It needs {size} bytes." if full else "",
        remedy="Make room and run the command again: it goes on where it stopped."
        if full
        else "Choose a place that can be written.",
    )


def _laid_out(found: Discovered) -> tuple[list[_Member], int]:
    """The members in order, with their places, and the size of the whole."""
    contents: dict[str, bytes | None] = {}
    sizes: dict[str, int] = {}
    listed: list[tuple[str, dict[str, object]]] = []
    roots = {(tree.copy.target_place, tree.result.digest) for tree in found.trees}
    for item in found.wanted:
        manifest, repository = item.manifest, item.target.repository
        contents[manifest.digest], sizes[manifest.digest] = manifest.content, manifest.size
        for blob in manifest.blobs:
            if not blob.is_foreign:
                contents.setdefault(blob.digest, None)
                sizes.setdefault(blob.digest, blob.size)
        descriptor = as_referrer(manifest)
        descriptor.pop("annotations", None)
        for tag in sorted(item.tags):
            name = f"{repository}:{tag}"
            listed.append((name, descriptor | {"annotations": {REF_NAME: name}}))
        if not item.tags and (item.target, manifest.digest) in roots:
            name = f"{repository}@{manifest.digest}"
            listed.append((name, descriptor | {"annotations": {REF_NAME: name}}))
        elif not item.tags and manifest.subject:
            listed.append((f"~{manifest.digest}", descriptor))
    unique = {json.dumps(entry, sort_keys=True): entry for _, entry in sorted(listed, key=lambda pair: pair[0])}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(unique.values())}
    files: list[tuple[str, bytes | None, int, str]] = [
        ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', 30, ""),
        ("index.json", json.dumps(index, separators=(",", ":")).encode(), 0, ""),
    ]
    for digest in sorted(contents):
        algorithm, _, encoded = digest.partition(":")
        files.append((f"blobs/{algorithm}/{encoded}", contents[digest], sizes[digest], digest))
    members, offset = [], 0
    for name, content, length, digest in files:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = len(content) if content is not None else length, 0o644, 0
        member = _Member(offset, info.tobuf(tarfile.GNU_FORMAT), info.size, content, digest)
        members.append(member)
        offset = member.data + -(-member.size // _BLOCK) * _BLOCK
    return members, -(-(offset + 2 * _BLOCK) // _RECORD) * _RECORD


def _fill(
    members: list[_Member], found: Discovered, output: _Output, registries: Registries, options: CopyOptions
) -> None:
    origins: dict[str, list[Place]] = {}
    for item in found.wanted:
        for blob in item.manifest.blobs:
            places = origins.setdefault(blob.digest, [])
            places += [place for place in item.origins if place not in places]
    for member in members:
        output.write(member.offset, member.header)
        if member.content is not None:
            output.write(member.data, member.content)
    place, failed = Place(ARCHIVE, ""), threading.Event()

    def fetch(member: _Member) -> OrchestratorError | None:
        if failed.is_set():
            return None
        stream = BlobStream(
            [(registries.source(origin.registry), origin.repository) for origin in origins[member.digest]],
            Descriptor(member.digest, member.size, ""),
            registries.budget,
            registries.sleep,
            lambda why: registries.tell(Retried(f"blob {member.digest}", why)),
        )
        try:
            _write_blob(stream, member, output, registries)
        except OrchestratorError as error:
            failed.set()
            return error
        registries.tell(BlobDone(place, member.digest, member.size, mounted=False))
        return None

    missing = [member for member in members if member.content is None and member.digest not in output.done]
    for error in for_each(options.threads, fetch, missing):
        if error is not None:
            raise error


def _write_blob(stream: BlobStream, member: _Member, output: _Output, registries: Registries) -> None:
    def write() -> None:
        offset = member.data
        for piece in stream.pieces(0, member.size):
            output.write(offset, piece)
            offset += len(piece)
            registries.tell(Moved(Place(ARCHIVE, ""), member.digest, len(piece)))
        output.verified(member.digest)

    until_right(stream, write, Budget(attempts=registries.budget.attempts))


class _Output:
    """The files under way. A list of what is verified in them stands beside them, for the run that goes on."""

    def __init__(self, path: Path, size: int, part_size: int, members: list[_Member]) -> None:
        self._path, self._size, self._part_size = path, size, part_size
        self._state = path.with_name(path.name + ".state")
        layout = [(member.offset, member.digest, member.size) for member in members]
        text = json.dumps([layout, part_size]).encode() + b"".join(m.content or b"" for m in members)
        self._fingerprint = hashlib.sha256(text).hexdigest()
        self._lock = threading.Lock()
        count = -(-size // part_size)
        self._final = [path] if count == 1 else [part_path(path, number + 1) for number in range(count)]
        self._partial = [final.with_name(final.name + ".partial") for final in self._final]
        self._files: list[int] = []
        self.done: set[str] = set()

    def __enter__(self) -> _Output:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = self._state.read_text("ascii", "replace").split("\n") if self._state.exists() else []
        if lines and lines[0] == self._fingerprint and all(partial.exists() for partial in self._partial):
            # The last line may be cut.
            self.done = set(lines[1:-1])
        else:
            self._state.write_text(self._fingerprint + "\n", encoding="ascii")
        self._log = self._state.open("a", encoding="ascii")
        try:
            for number, partial in enumerate(self._partial):
                self._files.append(os.open(partial, os.O_RDWR | os.O_CREAT, 0o644))
                os.ftruncate(self._files[-1], min(self._part_size, self._size - number * self._part_size))
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        for file in self._files:
            os.close(file)
        self._files = []

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset` of the whole, across parts."""
        view = memoryview(data)
        while len(view):
            number, within = divmod(offset, self._part_size)
            written = os.pwrite(self._files[number], view[: self._part_size - within], within)
            view, offset = view[written:], offset + written

    def verified(self, digest: str) -> None:
        """The blob stands in the file, whole."""
        with self._lock:
            self._log.write(digest + "\n")
            self._log.flush()

    def finish(self) -> list[Path]:
        """Give the files their names."""
        for file in self._files:
            os.fsync(file)
        for partial, final in zip(self._partial, self._final, strict=True):
            partial.replace(final)
        self._state.unlink()
        return self._final
