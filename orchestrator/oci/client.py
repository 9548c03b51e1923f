"""One registry by the OCI distribution API 1.1: manifests, blobs, tags, referrers. One instance for each registry.

Safe to use from many threads. Small exchanges are tried again here; streams by whoever can make them anew (`blobs.py`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from orchestrator.oci.copy_events import Retried
from orchestrator.oci.errors import (
    Absent,
    NotUsable,
    OciError,
    RegistryRefused,
    WrongContent,
)
from orchestrator.oci.exchange import (
    ERROR_LIMIT,
    GET_BLOB,
    GET_MANIFEST,
    HEAD_BLOB,
    LIST,
    PUT_BLOB,
    PUT_MANIFEST,
    START_UPLOAD,
    Exchanges,
    Read,
)
from orchestrator.oci.http import Body, HttpAnswer
from orchestrator.oci.manifest import (
    ACCEPTED,
    MANIFEST_LIMIT,
    Manifest,
    algorithm_of,
    digest_of,
    is_digest,
    parse_manifest,
)
from orchestrator.oci.retry import Attempts

_LIST_LIMIT = 16 * 2**20
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_PULL, _PUSH = "pull", "pull,push"


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An upload that the registry has begun: where to send, and the least size of a chunk if it demands chunks."""

    url: str
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository; `complete` is False when there are more than were read."""

    names: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What a push of a manifest was answered. It says whether the registry lists it as a referrer of its subject by
    itself. It also says whether it named the digest that it has stored under the reference.
    """

    knows_subject: bool
    confirmed: bool


class RemoteRegistry(Exchanges):
    """One registry."""

    _no_referrers = False
    # Bytes of a chunk that a proxy before the registry lets through, once it has refused more; 0 for no limit.
    largest_chunk = 0

    # Manifests

    def manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest of a tag or digest, its digest verified. Raises Absent, Denied, WrongContent, Unreachable."""
        wanted = reference if is_digest(reference) else ""
        attempts = Attempts(self.budget)
        while True:
            answer = self.ask(
                GET_MANIFEST,
                "GET",
                self._url(repository, "manifests", reference),
                scope=_scope(repository, _PULL),
                headers={"Accept": ", ".join(ACCEPTED)},
                limit=MANIFEST_LIMIT,
            )
            said = wanted or answer.headers.get("Docker-Content-Digest", "")
            algorithm = algorithm_of(said) if is_digest(said) else "sha256"
            found = digest_of(answer.content, algorithm)
            if not said and self._confirms(repository, found):
                said = found
            if found == said:
                return parse_manifest(answer.content, answer.headers.get("Content-Type", ""), algorithm)
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

    def _confirms(self, repository: str, digest: str) -> bool:
        """A registry that names no digest: is what a tag gave the content of any manifest it has?"""
        try:
            return self.manifest(repository, digest).digest == digest
        except (Absent, WrongContent):
            return False

    def manifest_digest(self, repository: str, reference: str) -> str | None:
        """The digest behind a tag or digest, by HEAD; None when there is none."""
        try:
            answer = self.ask(
                GET_MANIFEST,
                "HEAD",
                self._url(repository, "manifests", reference),
                scope=_scope(repository, _PULL),
                headers={"Accept": ", ".join(ACCEPTED)},
            )
            found = answer.headers.get("Docker-Content-Digest", "")
            return found if is_digest(found) else self.manifest(repository, reference).digest
        except Absent:
            return None

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> Stored:
        """Push a manifest by tag or digest. Raises RegistryRefused when the registry will not have it."""
        answer = self.ask(
            PUT_MANIFEST,
            "PUT",
            self._url(repository, "manifests", reference),
            scope=_scope(repository, _PUSH),
            headers={"Content-Type": manifest.media_type},
            body=manifest.content,
        )
        said = answer.headers.get("Docker-Content-Digest", "")
        if is_digest(said) and algorithm_of(said) == algorithm_of(manifest.digest) and said != manifest.digest:
            raise WrongContent(
                f"{self.name}/{repository}:{reference} became {said} instead of {manifest.digest}.",
                why="The registry changed the manifest that was pushed.",
                remedy="Copy again; if it stays so, this registry cannot hold the image.",
            )
        return Stored(bool(answer.headers.get("OCI-Subject")), said == manifest.digest)

    # Lists

    def tags(self, repository: str, *, pages: int = 1000) -> TagList | None:
        """The tags of a repository, at most `pages` answers of them; None when there is no such repository."""
        names: list[str] = []
        url = self._url(repository, "tags", "list") + "?n=1000"
        try:
            for _ in range(pages):
                answer = self._list(url, repository)
                document = _document(answer)
                found = document.get("tags") if isinstance(document, dict) else None
                names += [str(tag) for tag in found or ()]
                following = self._next(url, answer.headers)
                if following is None or following == url:
                    return TagList(tuple(names), complete=True)
                url = following
        except Absent:
            return None
        return TagList(tuple(names), complete=False)

    def referrers(self, repository: str, digest: str) -> tuple[dict[str, Any], ...] | None:
        """The descriptors of what refers to `digest`; None when this registry has no referrers API."""
        if self._no_referrers:
            return None
        url = self._url(repository, "referrers", digest)
        found: list[dict[str, Any]] = []
        while True:
            try:
                answer = self._list(url, repository)
                document = _document(answer)
                manifests = document["manifests"] if isinstance(document, dict) else None
                found += [item for item in manifests or () if is_digest(item.get("digest"))]
            except (Absent, NotUsable, KeyError, TypeError, AttributeError):
                # The specification: 404 means that the API is not there; some older registries answer with a page.
                self._no_referrers = True
                return None
            except RegistryRefused as refusal:
                if refusal.status in (400, 405, 406, 501):
                    self._no_referrers = True
                    return None
                raise
            following = self._next(url, answer.headers)
            if following is None or following == url:
                return tuple(found)
            url = following

    def _list(self, url: str, repository: str) -> Read:
        return self.ask(LIST, "GET", url, scope=_scope(repository, _PULL), limit=_LIST_LIMIT)

    def _next(self, url: str, headers: Mapping[str, str]) -> str | None:
        match = _NEXT.search(headers.get("Link") or "")
        return self.located(url, match[1]) if match else None

    # Blobs

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository has the blob, by HEAD."""
        try:
            self.ask(HEAD_BLOB, "HEAD", self._url(repository, "blobs", digest), scope=_scope(repository, _PULL))
        except Absent:
            return False
        return True

    def open_blob(self, repository: str, digest: str, offset: int = 0) -> HttpAnswer:
        """The blob's bytes from `offset` on (status 206), or from the start (200). Raises TryAgain once it is begun."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        return self.begin(
            GET_BLOB, "GET", self._url(repository, "blobs", digest), scope=_scope(repository, _PULL), headers=headers
        )

    def start_upload(self, repository: str, *, mount: str = "", source: str = "") -> BegunUpload | None:
        """Begin an upload; None when the blob `mount` was mounted from the repository `source` instead."""
        url = self._url(repository, "blobs", "uploads/")
        scope = _scope(repository, _PUSH)
        if mount:
            url += "?" + urlencode({"mount": mount, "from": source}, safe=":/")
            scope += _scope(source, _PULL)
        answer = self.ask(START_UPLOAD, "POST", url, scope=scope, headers={"Content-Length": "0"})
        if answer.status == 201:
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
        joint = "&" if urlsplit(upload.url).query else "?"
        headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
        if offset and length:
            headers["Content-Range"] = f"{offset}-{size - 1}"
        answer = self.begin(
            PUT_BLOB,
            "PUT",
            f"{upload.url}{joint}digest={quote(digest, safe=':')}",
            scope=_scope(repository, _PUSH),
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
            scope=_scope(repository, _PUSH),
            headers={
                "Content-Length": str(length),
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{offset}-{offset + length - 1}",
            },
            body=body,
        )
        answer.content(ERROR_LIMIT)
        return BegunUpload(self._upload_url(answer, upload.url), upload.chunk)

    def upload_offset(self, repository: str, upload: BegunUpload) -> tuple[BegunUpload, int]:
        """How many bytes of an upload the registry has; (the upload, 0) when it has forgotten it."""
        try:
            answer = self.ask(PUT_BLOB, "GET", upload.url, scope=_scope(repository, _PUSH), limit=ERROR_LIMIT)
        except OciError:
            return upload, 0
        last = answer.headers.get("Range", "").rpartition("-")[2]
        url = self._upload_url(answer, upload.url) if answer.headers.get("Location") else upload.url
        return BegunUpload(url, upload.chunk), int(last) + 1 if last.isdecimal() and last != "0" else 0

    def _upload_url(self, answer: Read | HttpAnswer, url: str) -> str:
        location = answer.headers.get("Location")
        if not location:
            raise NotUsable(f"{self.name} begins an upload without saying where it goes.")
        return self.located(url, location)

    def _url(self, repository: str, kind: str, reference: str) -> str:
        return f"{self.base}/v2/{repository}/{kind}/{reference}"


def _scope(repository: str, rights: str) -> tuple[str, ...]:
    return (f"repository:{repository}:{rights}",)


def _document(answer: Read) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise NotUsable("A registry answers with a list that is not JSON.") from error
