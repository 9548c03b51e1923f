"""The lists of a registry: the tags of a repository, and what refers to a manifest, page by page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from orchestrator.oci.errors import Absent, NotUsable, RegistryRefused
from orchestrator.oci.exchange import LIST, Exchanges, Read
from orchestrator.oci.manifest import is_digest

PULL, PUSH = "pull", "pull,push"
_LIST_LIMIT = 16 * 2**20
_PAGE = "?n=1000"
_LINK = re.compile(r"""<([^<>]*+)>((?:"[^"]*+"|[^<"])*+)""")
_RELATION = re.compile(r"""\brel\s*=\s*["']?([^"';,]*)""", re.IGNORECASE)
# A 404 with one of these speaks of what was asked for, not of the API.
_OF_ONE_REPOSITORY = frozenset({"NAME_UNKNOWN", "MANIFEST_UNKNOWN"})


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository; `complete` is False when there are more than were read."""

    names: tuple[str, ...]
    complete: bool


class Lists(Exchanges):
    """What one registry lists."""

    @cached_property
    def _unlisted(self) -> set[str]:
        """Repositories, and first components of theirs, without a referrers API.

        Registries that stand before others have it for some only: the first component says who answers (`remote/`).
        """
        return set()

    def tags(self, repository: str, *, pages: int = 1000) -> TagList | None:
        """The tags of a repository, at most `pages` answers of them; None when there is no such repository."""
        names: list[str] = []
        url = self.url_of(repository, "tags", "list") + _PAGE
        seen = {url}
        try:
            for _ in range(pages):
                answer = self._tag_page(url, repository)
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

    def _tag_page(self, url: str, repository: str) -> Read:
        try:
            return self._list(url, repository)
        except RegistryRefused as refusal:
            # Some have a smaller page than this and say so, instead of giving it.
            if refusal.status != 400 or not url.endswith(_PAGE):
                raise
            return self._list(url.removesuffix(_PAGE), repository)

    def referrers(self, repository: str, digest: str) -> tuple[dict[str, Any], ...] | None:
        """The descriptors of what refers to `digest`; None when there is no referrers API for this repository."""
        group = repository.partition("/")[0]
        if repository in self._unlisted or f"{group}/" in self._unlisted:
            return None
        url = self.url_of(repository, "referrers", digest)
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
        return self.ask(LIST, "GET", url, scope=scope_of(repository, PULL), limit=_LIST_LIMIT)

    def _next(self, url: str, headers: Mapping[str, str]) -> str | None:
        for link in _LINK.finditer(headers.get("Link") or ""):
            relations = _RELATION.search(link[2])
            if link[1] and relations is not None and "next" in relations[1].lower().split():
                # Registries behind a proxy write the name that they have for themselves; the list goes on where it began.
                here, found = urlsplit(url), urlsplit(urljoin(url, link[1]))
                return str(urlunsplit((here.scheme, here.netloc, found.path, found.query, "")))
        return None

    def url_of(self, repository: str, kind: str, reference: str) -> str:
        return f"{self.base}/v2/{repository}/{kind}/{reference}"


def scope_of(repository: str, rights: str) -> tuple[str, ...]:
    return (f"repository:{repository}:{rights}",)


def _document(answer: Read) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise NotUsable("A registry answers with a list that is not JSON.") from error
