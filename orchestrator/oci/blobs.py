"""One blob from a source into a repository: verified while it streams, resumed on both sides, never whole in memory.

The last piece is held back until the digest of everything is right. So a wrong blob never becomes complete on the wire, and
a stream that was used is never sent again. Every attempt at an upload opens its own, from where the registry is.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from orchestrator.oci.client import BegunUpload, RemoteRegistry
from orchestrator.oci.content_encoding import UnpackedAnswer, is_packed
from orchestrator.oci.errors import Absent, NotUsable, OciError, RegistryRefused, WrongContent
from orchestrator.oci.exchange import GET_BLOB, PUT_BLOB, Exchanges, TryAgain
from orchestrator.oci.http import HttpAnswer, TransportError
from orchestrator.oci.manifest import Descriptor, algorithm_of
from orchestrator.oci.retry import Attempts, Budget

Result = TypeVar("Result")
# Where a registry refuses a blob in one request, and does not say how large its chunks are.
_CHUNK = 16 * 2**20
# Below this nobody limits requests; nginx takes 1 MiB unless it is told otherwise.
_LEAST_CHUNK = 256 * 1024
# What registries say of a blob that they did not get as it was sent. Other codes are said of the blob, for good.
_CHANGED_ON_THE_WAY = frozenset({"DIGEST_INVALID", "SIZE_INVALID", "RANGE_INVALID", "UNKNOWN"})


class Piecewise(Protocol):
    """An open blob: `status` 206 when it begins at the offset asked for, 200 when it begins at the start."""

    status: int

    def read(self) -> bytes: ...

    def close(self, *, reuse: bool = True) -> None: ...


class BlobSource(Protocol):
    """Where blobs are read: a registry, or an archive."""

    name: str

    def open_blob(self, repository: str, digest: str, offset: int = 0) -> Piecewise | HttpAnswer: ...


class Corrupt(Exception):  # an outcome between a stream and who sends it, never a user's
    """The bytes that were read do not have their digest."""


@dataclass(slots=True)
class BlobStream:
    """The bytes of one blob, from any of its sources, verified. Can be read again from an earlier offset.

    `sources` are (source, repository), the first one first. `sleep` waits between attempts.
    """

    sources: list[tuple[BlobSource, str]]
    blob: Descriptor
    budget: Budget
    sleep: Callable[[float], None]
    on_retry: Callable[[str], None]
    _hash: hashlib._Hash = field(init=False)
    _hashed: int = field(default=0, init=False)
    _attempts: Attempts = field(init=False)
    # A source that cannot go on from somewhere is read from the start each time.
    _whole: bool = field(default=False, init=False)
    _packed: bool = field(default=False, init=False)
    _unpack: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._hash = hashlib.new(algorithm_of(self.blob.digest))
        self._attempts = Attempts(self.budget)

    # Bytes that an upload already has from before a cut were hashed when they were sent. Bytes that are read again to
    # go on from
    # there are not hashed twice. Should they differ, the registry refuses the whole, and everything begins anew.

    def restart(self) -> None:
        """Forget what was read: it was wrong. Content that said that it is compressed is unpacked next, or no more."""
        self._unpack, self._packed = self._packed and not self._unpack, False
        self._hash = hashlib.new(algorithm_of(self.blob.digest))
        self._hashed = 0

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `offset` on. Raises Corrupt before the blob's last piece when its digest is wrong."""
        position, end, held = offset, offset + length, b""
        for piece in self._read(offset, end):
            if position + len(piece) > self._hashed:
                fresh = piece if position >= self._hashed else memoryview(piece)[self._hashed - position :]
                self._hash.update(fresh)
                self._hashed = position + len(piece)
            position += len(piece)
            if held:
                yield held
            held = piece
        if position == self.blob.size and self._hash.hexdigest() != self.blob.digest.partition(":")[2]:
            raise Corrupt
        if held:
            yield held

    def _read(self, offset: int, end: int) -> Iterator[bytes]:
        """The bytes as they come; when they stop too early, another request goes on where they stopped."""
        position = offset
        while position < end:
            before = position
            try:
                answer = self._open(position)
                try:
                    skip = 0 if answer.status == 206 else position
                    while position < end:
                        piece = answer.read()
                        if not piece:
                            if self._packed:
                                raise Corrupt
                            raise TryAgain("it ends too early")
                        if skip >= len(piece):
                            skip -= len(piece)
                            continue
                        piece = piece[skip:] if skip else piece
                        skip = 0
                        if len(piece) > end - position:
                            if end == self.blob.size:
                                # More than the manifest says: whatever it is, it is not this blob.
                                raise Corrupt
                            piece = piece[: end - position]
                        position += len(piece)
                        yield piece
                    if end == self.blob.size:
                        answer.read()
                finally:
                    answer.close()
            except zlib.error:
                raise Corrupt from None
            except TransportError as error:
                self._failed(TryAgain(type(error).__name__), moved=position > before)
            except TryAgain as again:
                self._whole = self._whole or again.range_refused
                self._failed(again, moved=position > before)

    def _open(self, position: int) -> Piecewise | HttpAnswer:
        source, repository = self.sources[0]
        try:
            offset = 0 if self._whole or self._unpack else position
            answer = source.open_blob(repository, self.blob.digest, offset)
            self._packed = isinstance(answer, HttpAnswer) and is_packed(answer.headers)
            return UnpackedAnswer(answer) if self._packed and self._unpack else answer
        except OciError:
            if len(self.sources) == 1:
                raise
            # Another repository may still have what this one has lost.
            self.sources.pop(0)
            return self._open(position)

    def _failed(self, again: TryAgain, *, moved: bool) -> None:
        if moved:
            self._attempts = Attempts(self.budget)
        now = time.monotonic()
        source, repository = self.sources[0]
        if again.throttled:
            served = isinstance(source, Exchanges) and source.is_served(GET_BLOB)
            seconds = self._attempts.wait_after_throttle(now, again.wait, served=served)
        else:
            seconds = self._attempts.wait_after_failure(now)
        if seconds is None:
            raise WrongContent(
                f"{source.name}/{repository} does not give the blob {self.blob.digest}: {again.why}.",
                why=f"It was asked {self._attempts.failures} times.",
                remedy="See whether the registry is up, and run the command again: it goes on where it stopped.",
            )
        self.on_retry(again.why)
        self.sleep(seconds)


def send_blob(
    stream: BlobStream,
    target: RemoteRegistry,
    repository: str,
    begun: BegunUpload | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Put the blob into the repository. `begun` is an upload that a refused mount has already begun.

    Raises OciError when it cannot be done within the budget.
    """
    attempts = Attempts(target.budget)
    blob, upload, offset = stream.blob, begun, 0
    chunk = 0
    while True:
        if upload is None:
            upload, offset = target.start_upload(repository), 0
            assert upload is not None
        chunk = chunk or (max(upload.chunk, _CHUNK) if upload.chunk else target.largest_chunk)
        try:
            _send(stream, target, repository, upload, offset, chunk, on_bytes)
            return
        except Corrupt:
            _abandon(target, attempts, stream, f"blob {blob.digest}")
            upload = None
        except RegistryRefused as refusal:
            if refusal.status == 413 and (smaller := _smaller(chunk, upload.chunk)):
                # The next blobs begin with what this one has found out.
                chunk = target.largest_chunk = smaller
                upload = None
            elif isinstance(refusal, Absent) or refusal.code in ("BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"):
                # The upload was forgotten, or another run's request came between.
                target.wait(attempts, TryAgain("the upload was lost"), f"blob {blob.digest}")
                upload = None
            elif refusal.code in _CHANGED_ON_THE_WAY or (refusal.status in (400, 416) and not refusal.code):
                # Our bytes were right, so they were changed on the way, or the registry lost a part.
                _abandon(target, attempts, stream, f"blob {blob.digest}", refusal)
                upload = None
            else:
                raise
        except TryAgain as again:
            target.wait(attempts, again, f"blob {blob.digest}", PUT_BLOB)
            upload, offset = target.upload_offset(repository, upload)
            if 0 < offset < blob.size:
                continue
            # The answer may have been lost on its way, and not the blob.
            if attempts.failures and target.has_blob(repository, blob.digest):
                return
            upload = None


def _smaller(chunk: int, least: int) -> int:
    """The next size of chunks to try after one was too large (0: the whole blob was); 0 when there is none."""
    found = chunk // 4 if chunk else _CHUNK
    return found if found >= max(_LEAST_CHUNK, least) else 0


def _send(
    stream: BlobStream,
    target: RemoteRegistry,
    repository: str,
    upload: BegunUpload,
    offset: int,
    chunk: int,
    on_bytes: Callable[[int], None] | None,
) -> None:
    blob = stream.blob
    if not offset and not chunk:
        body = _counted(stream.pieces(0, blob.size), on_bytes)
        # An empty blob has an empty body, which is no stream.
        target.finish_upload(repository, upload, blob.digest, body if blob.size else b"", blob.size)
        return
    while offset < blob.size:
        length = min(chunk or blob.size, blob.size - offset)
        pieces = _counted(stream.pieces(offset, length), on_bytes)
        upload = target.append_upload(repository, upload, pieces, offset, length)
        offset += length
    target.finish_upload(repository, upload, blob.digest, b"", 0, offset=offset, size=blob.size)


def _counted(pieces: Iterator[bytes], on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        if on_bytes is not None:
            on_bytes(len(piece))


def _abandon(
    target: RemoteRegistry, attempts: Attempts, stream: BlobStream, what: str, refusal: RegistryRefused | None = None
) -> None:
    stream.restart()
    try:
        target.wait(attempts, TryAgain("its content does not have its digest"), what)
    except OciError as error:
        if refusal is not None:
            raise refusal from error
        source, repository = stream.sources[0]
        raise WrongContent(
            f"{source.name}/{repository} gives other content for the blob {stream.blob.digest}.",
            why=f"It was read {attempts.failures} times.",
            remedy="Push the image to its source again.",
        ) from error


def read_blob(stream: BlobStream, limit: int) -> bytes:
    """A small blob whole, verified: for who has to look into it. Raises NotUsable above `limit` bytes."""
    if stream.blob.size > limit:
        raise NotUsable(f"The blob {stream.blob.digest} has {stream.blob.size} bytes; at most {limit} are read.")
    return until_right(stream, lambda: b"".join(stream.pieces(0, stream.blob.size)))


def until_right(stream: BlobStream, read: Callable[[], Result], budget: Budget | None = None) -> Result:
    """What `read` makes of the stream, read anew while its digest is wrong. Raises WrongContent when it stays so."""
    attempts = Attempts(budget or stream.budget)
    while True:
        try:
            return read()
        except Corrupt:
            stream.restart()
            wait = attempts.wait_after_failure(time.monotonic())
            if wait is None:
                source, repository = stream.sources[0]
                raise WrongContent(
                    f"{source.name}/{repository} gives other content for the blob {stream.blob.digest}.",
                    remedy="Push the image to its source again.",
                ) from None
            stream.sleep(wait)
