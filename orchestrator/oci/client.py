"""One registry by the OCI distribution API 1.1: manifests, blobs, tags, referrers. One instance for each registry.

Safe to use from many threads. Small exchanges are tried again here; streams by whoever can make them anew (`blobs.py`).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from orchestrator.oci.content_encoding import is_packed, unpacked
from orchestrator.oci.copy_events import Retried
from orchestrator.oci.errors import (
    Absent,
    NotUsable,
    OciError,
    RegistryRefused,
    WrongContent,
    no_such_manifest,
)
from orchestrator.oci.exchange import (
    GET_BLOB,
    GET_MANIFEST,
    HEAD_BLOB,
    PUT_BLOB,
    PUT_MANIFEST,
    START_UPLOAD,
    Read,
    TryAgain,
)
from orchestrator.oci.http import Body, HttpAnswer
from orchestrator.oci.lists import PULL, PUSH, Lists, scope_of
from orchestrator.oci.manifest import (
    ACCEPTED,
    MANIFEST_LIMIT,
    Manifest,
    algorithm_of,
    digest_of,
    is_digest,
    parse_manifest,
    refuse_by_sight,
)
from orchestrator.oci.registry_words import ERROR_LIMIT
from orchestrator.oci.retry import Attempts

_FROM = re.compile(r"bytes (\d{1,18})-")
# What registries and proxies answer to a method that they do not know.
_UNKNOWN_METHOD = frozenset({400, 405, 501})
# How registries refuse a tag that cannot be changed, be it by the image that it has.
_KEPT = frozenset({400, 403, 409, 412})
_NOT_SEEN_YET = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
# So often a manifest is put again whose blobs are not seen.
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An upload that the registry has begun: where to send, and the least chunk if it demands chunks."""

    url: str
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """What a push of a manifest was answered. It says whether the registry lists it as a referrer of its subject by
    itself. It also says whether it named the digest that it has stored under the reference.
    """

    knows_subject: bool
    confirmed: bool


class RemoteRegistry(Lists):
    """One registry."""

    # Bytes of a chunk that a proxy before the registry lets through, once it has refused more; 0 for no limit.
    largest_chunk = 0
    # Whether HEAD tells what is there. None until it found something, or a GET found what it did not.
    _head_is_right: bool | None = None

    # Manifests

    def manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest of a tag or digest, its digest verified. Raises Absent, Denied, WrongContent, Unreachable."""
        wanted = reference if is_digest(reference) else ""
        attempts = Attempts(self.budget)
        while True:
            answer = self._get_manifest(repository, reference)
            content, media_type = answer.content, answer.headers.get("Content-Type", "")
            if is_packed(answer.headers):
                content = unpacked(content, MANIFEST_LIMIT)
            refuse_by_sight(content, media_type)
            said = wanted or _said_digest(answer)
            algorithm = algorithm_of(said) if said else "sha256"
            found = digest_of(content, algorithm)
            if not said and self._confirms(repository, found):
                said = found
            if found == said:
                return parse_manifest(content, media_type, algorithm)
            wait = attempts.wait_after_failure(time.monotonic())
            what = f"{self.name}/{repository}, manifest {reference}"
            if wait is None:
                raise WrongContent(
                    f"{what}: the registry gives other content than its digest {said or found} says.",
                    why=f"It was read {attempts.failures} times.",
                    remedy="Push the image to its source again.",
                )
            self.on_event(Retried(what, "its content does not have its digest"))
            self.sleep(wait)

    def _get_manifest(self, repository: str, reference: str) -> Read:
        try:
            return self.ask(
                GET_MANIFEST,
                "GET",
                self.url_of(repository, "manifests", reference),
                scope=scope_of(repository, PULL),
                headers={"Accept": ", ".join(ACCEPTED)},
                limit=MANIFEST_LIMIT,
            )
        except Absent as absent:
            if absent.elsewhere:
                # A storage that has lost what its registry knows is another fault.
                raise
            raise no_such_manifest(self.name, repository, reference, absent) from None

    def _confirms(self, repository: str, digest: str) -> bool:
        """A registry that names no digest: is what a tag gave the content of any manifest it has?"""
        try:
            return self.manifest(repository, digest).digest == digest
        except (Absent, WrongContent):
            return False

    def manifest_digest(self, repository: str, reference: str) -> str | None:
        """The digest behind a tag or digest, by HEAD; None when there is none."""
        if self._head_is_right is not False:
            try:
                answer = self.ask(
                    GET_MANIFEST,
                    "HEAD",
                    self.url_of(repository, "manifests", reference),
                    scope=scope_of(repository, PULL),
                    headers={"Accept": ", ".join(ACCEPTED)},
                )
                self._head_is_right = True
                return _said_digest(answer) or self.manifest(repository, reference).digest
            except Absent:
                if self._head_is_right:
                    return None
            except RegistryRefused as refusal:
                if refusal.status not in _UNKNOWN_METHOD:
                    raise
        try:
            found = self.manifest(repository, reference).digest
        except Absent:
            # Nexus and some proxies answer 404 to every HEAD: the first one is asked for twice.
            self._head_is_right = True
            return None
        self._head_is_right = False
        return found

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> Stored:
        """Push a manifest by tag or digest. Raises RegistryRefused when the registry will not have it."""
        attempts = Attempts(self.budget)
        while True:
            try:
                answer = self.ask(
                    PUT_MANIFEST,
                    "PUT",
                    self.url_of(repository, "manifests", reference),
                    scope=scope_of(repository, PUSH),
                    headers={"Content-Type": manifest.media_type},
                    body=manifest.content,
                )
                break
            except RegistryRefused as refusal:
                seen = refusal.code not in _NOT_SEEN_YET
                if seen and refusal.status in _KEPT and self._names(repository, reference, manifest.digest):
                    return Stored(knows_subject=False, confirmed=True)
                # A registry over an object store may not see yet what it has just taken.
                wait = attempts.wait_after_failure(time.monotonic()) if refusal.code in _NOT_SEEN_YET else None
                if wait is None or attempts.failures > _LOOKS:
                    raise
                self.on_event(Retried(f"{self.name}/{repository}, manifest {reference}", "it does not see a blob yet"))
                self.sleep(wait)
        said = answer.headers.get("Docker-Content-Digest", "")
        if is_digest(said) and algorithm_of(said) == algorithm_of(manifest.digest) and said != manifest.digest:
            raise WrongContent(
                f"{self.name}/{repository}:{reference} became {said} instead of {manifest.digest}.",
                why="The registry changed the manifest that was pushed.",
                remedy="Copy again; if it stays so, this registry cannot hold the image.",
            )
        return Stored(bool(answer.headers.get("OCI-Subject")), said == manifest.digest)

    def _names(self, repository: str, tag: str, digest: str) -> bool:
        """Does a tag that cannot be put name this image already? Another run may have been faster."""
        try:
            return not is_digest(tag) and self.manifest_digest(repository, tag) == digest
        except OciError:
            return False

    # Blobs

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository has the blob, by HEAD. It is taken to be missing where a registry cannot say."""
        try:
            self.ask(HEAD_BLOB, "HEAD", self.url_of(repository, "blobs", digest), scope=scope_of(repository, PULL))
        except Absent:
            return False
        except RegistryRefused as refusal:
            # It led to its storage, so it has the blob: links that are signed for GET are none for HEAD.
            if refusal.elsewhere and refusal.status in (400, 403, 405):
                return True
            if refusal.status in _UNKNOWN_METHOD:
                return False
            raise
        return True

    def open_blob(self, repository: str, digest: str, offset: int = 0) -> HttpAnswer:
        """The blob's bytes from `offset` on (status 206), or from the start (200). Raises TryAgain once it is begun."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        answer = self.begin(
            GET_BLOB, "GET", self.url_of(repository, "blobs", digest), scope=scope_of(repository, PULL), headers=headers
        )
        said = _FROM.match(answer.headers.get("Content-Range", "")) if answer.status == 206 else None
        if said is not None and int(said[1]) != offset:
            answer.close(reuse=False)
            raise TryAgain("it goes on from somewhere else", range_refused=True)
        return answer

    def start_upload(self, repository: str, *, mount: str = "", source: str = "") -> BegunUpload | None:
        """Begin an upload; None when the blob `mount` was mounted from the repository `source` instead."""
        url = self.url_of(repository, "blobs", "uploads/")
        scope = scope_of(repository, PUSH)
        if mount:
            url += "?" + urlencode({"mount": mount, "from": source}, safe=":/")
            scope += scope_of(source, PULL)
        answer = self.ask(START_UPLOAD, "POST", url, scope=scope, headers={"Content-Length": "0"})
        if answer.status == 201 and mount:
            return None
        least = answer.headers.get("OCI-Chunk-Min-Length", "")
        return BegunUpload(self._upload_url(answer, url), int(least) if least.isdecimal() else 0)

    def finish_upload(
        self,
        repository: str,
        upload: BegunUpload,
        digest: str,
        body: Body,
        length: int,
        *,
        offset: int = 0,
        size: int = 0,
    ) -> None:
        """The last request of an upload, with `length` bytes of the blob's `size`. Raises TryAgain, RegistryRefused."""
        joint = "&" if urlsplit(upload.url).query else "" if upload.url.endswith("?") else "?"
        headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
        if offset and length:
            headers["Content-Range"] = f"{offset}-{size - 1}"
        answer = self.begin(
            PUT_BLOB,
            "PUT",
            f"{upload.url}{joint}digest={quote(digest, safe=':')}",
            scope=scope_of(repository, PUSH),
            headers=headers,
            body=body,
        )
        answer.content(ERROR_LIMIT)

    def append_upload(self, repository: str, upload: BegunUpload, body: Body, offset: int, length: int) -> BegunUpload:
        """One chunk of an upload: bytes `offset` to `offset + length`. Where the next one goes."""
        answer = self.begin(
            PUT_BLOB,
            "PATCH",
            upload.url,
            scope=scope_of(repository, PUSH),
            headers={
                "Content-Length": str(length),
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{offset}-{offset + length - 1}",
            },
            body=body,
        )
        answer.content(ERROR_LIMIT)
        return self._onwards(answer, upload)

    def upload_offset(self, repository: str, upload: BegunUpload) -> tuple[BegunUpload, int]:
        """How many bytes of an upload the registry has; (the upload, 0) when it has forgotten it."""
        try:
            answer = self.ask(PUT_BLOB, "GET", upload.url, scope=scope_of(repository, PUSH), limit=ERROR_LIMIT)
        except OciError:
            return upload, 0
        last = answer.headers.get("Range", "").rpartition("-")[2]
        return self._onwards(answer, upload), int(last) + 1 if last.isdecimal() and last != "0" else 0

    def _onwards(self, answer: Read | HttpAnswer, upload: BegunUpload) -> BegunUpload:
        """Where an upload goes on: to another place only where one is named."""
        named = answer.headers.get("Location")
        return BegunUpload(self.located(upload.url, named), upload.chunk) if named else upload

    def _upload_url(self, answer: Read | HttpAnswer, url: str) -> str:
        location = answer.headers.get("Location")
        if not location:
            raise NotUsable(f"{self.name} begins an upload without saying where it goes.")
        return self.located(url, location)


def _said_digest(answer: Read) -> str:
    """The digest that an answer names, or ""."""
    found = answer.headers.get("Docker-Content-Digest", "")
    return found if is_digest(found) else ""
