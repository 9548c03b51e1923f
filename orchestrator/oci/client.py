"""One registry by the OCI distribution API 1.1: manifests, blobs, tags, referrers. One instance for each registry.

Safe to use from many threads. Small exchanges are tried again here; streams by whoever can make them anew (`blobs.py`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from orchestrator.oci.content_encoding import is_packed, unpacked
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
    TryAgain,
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
    refuse_by_sight,
)
from orchestrator.oci.retry import Attempts

_LIST_LIMIT = 16 * 2**20
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_FROM = re.compile(r"bytes (\d{1,18})-")
_PULL, _PUSH = "pull", "pull,push"
# What registries and proxies answer to a method that they do not know.
_UNKNOWN_METHOD = frozenset({400, 405, 501})
_NOT_SEEN_YET = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
# A 404 with one of these speaks of what was asked for, not of the API.
_OF_ONE_REPOSITORY = frozenset({"NAME_UNKNOWN", "MANIFEST_UNKNOWN"})
# So often a manifest is put again whose blobs are not seen.
_LOOKS = 3


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

    # Bytes of a chunk that a proxy before the registry lets through, once it has refused more; 0 for no limit.
    largest_chunk = 0

    @cached_property
    def _unlisted(self) -> set[str]:
        """Repositories, and first components of theirs, without a referrers API.

        Registries that stand before others have it for some only: the first component says who answers (`remote/`).
        """
        return set()

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
            return _said_digest(answer) or self.manifest(repository, reference).digest
        except Absent:
            return None
        except RegistryRefused as refusal:
            if refusal.status not in _UNKNOWN_METHOD:
                raise
        try:
            return self.manifest(repository, reference).digest
        except Absent:
            return None

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> Stored:
        """Push a manifest by tag or digest. Raises RegistryRefused when the registry will not have it."""
        attempts = Attempts(self.budget)
        while True:
            try:
                answer = self.ask(
                    PUT_MANIFEST,
                    "PUT",
                    self._url(repository, "manifests", reference),
                    scope=_scope(repository, _PUSH),
                    headers={"Content-Type": manifest.media_type},
                    body=manifest.content,
                )
                break
            except RegistryRefused as refusal:
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

    # Lists

    def tags(self, repository: str, *, pages: int = 1000) -> TagList | None:
        """The tags of a repository, at most `pages` answers of them; None when there is no such repository."""
        names: list[str] = []
        url = self._url(repository, "tags", "list") + "?n=1000"
        seen = {url}
        try:
            for _ in range(pages):
                answer = self._list(url, repository)
                document = _document(answer)
                found = document.get("tags") if isinstance(document, dict) else None
                names += [str(tag) for tag in found or ()]
                following = self._next(url, answer.headers)
                if following is None or following in seen:
                    return TagList(tuple(names), complete=True)
                seen.add(url := following)
        except Absent:
            return None
        return TagList(tuple(names), complete=False)

    def referrers(self, repository: str, digest: str) -> tuple[dict[str, Any], ...] | None:
        """The descriptors of what refers to `digest`; None when there is no referrers API for this repository."""
        group = repository.partition("/")[0]
        if repository in self._unlisted or f"{group}/" in self._unlisted:
            return None
        url = self._url(repository, "referrers", digest)
        seen = {url}
        found: list[dict[str, Any]] = []
        while True:
            try:
                answer = self._list(url, repository)
                document = _document(answer)
                found += [item for item in document["manifests"] or () if is_digest(item.get("digest"))]
            except (Absent, NotUsable, KeyError, TypeError, AttributeError) as error:
                # The specification: 404 means that the API is not there; some older registries answer with a page.
                own = isinstance(error, Absent) and error.code in _OF_ONE_REPOSITORY
                self._unlisted.add(repository if own else f"{group}/")
                return None
            except RegistryRefused as refusal:
                # Some lead to the login page of their console.
                if refusal.elsewhere or refusal.status in (400, 405, 406, 501):
                    self._unlisted.add(f"{group}/")
                    return None
                raise
            following = self._next(url, answer.headers)
            if following is None or following in seen:
                return tuple(found)
            seen.add(url := following)

    def _list(self, url: str, repository: str) -> Read:
        return self.ask(LIST, "GET", url, scope=_scope(repository, _PULL), limit=_LIST_LIMIT)

    def _next(self, url: str, headers: Mapping[str, str]) -> str | None:
        match = _NEXT.search(headers.get("Link") or "")
        if match is None:
            return None
        # Registries behind a proxy write the name that they have for themselves; the list goes on where it began.
        here, found = urlsplit(url), urlsplit(urljoin(url, str(match[1])))
        return urlunsplit((here.scheme, here.netloc, found.path, found.query, ""))

    # Blobs

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository has the blob, by HEAD. It is taken to be missing where a registry cannot say."""
        try:
            self.ask(HEAD_BLOB, "HEAD", self._url(repository, "blobs", digest), scope=_scope(repository, _PULL))
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
            GET_BLOB, "GET", self._url(repository, "blobs", digest), scope=_scope(repository, _PULL), headers=headers
        )
        said = _FROM.match(answer.headers.get("Content-Range", "")) if answer.status == 206 else None
        if said is not None and int(said[1]) != offset:
            answer.close(reuse=False)
            raise TryAgain("it goes on from somewhere else", range_refused=True)
        return answer

    def start_upload(self, repository: str, *, mount: str = "", source: str = "") -> BegunUpload | None:
        """Begin an upload; None when the blob `mount` was mounted from the repository `source` instead."""
        url = self._url(repository, "blobs", "uploads/")
        scope = _scope(repository, _PUSH)
        if mount:
            url += "?" + urlencode({"mount": mount, "from": source}, safe=":/")
            scope += _scope(source, _PULL)
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
        return self._onwards(answer, upload)

    def upload_offset(self, repository: str, upload: BegunUpload) -> tuple[BegunUpload, int]:
        """How many bytes of an upload the registry has; (the upload, 0) when it has forgotten it."""
        try:
            answer = self.ask(PUT_BLOB, "GET", upload.url, scope=_scope(repository, _PUSH), limit=ERROR_LIMIT)
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

    def _url(self, repository: str, kind: str, reference: str) -> str:
        return f"{self.base}/v2/{repository}/{kind}/{reference}"


def _scope(repository: str, rights: str) -> tuple[str, ...]:
    return (f"repository:{repository}:{rights}",)


def _said_digest(answer: Read) -> str:
    """The digest that an answer names, or ""."""
    found = answer.headers.get("Docker-Content-Digest", "")
    return found if is_digest(found) else ""


def _document(answer: Read) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise NotUsable("A registry answers with a list that is not JSON.") from error
