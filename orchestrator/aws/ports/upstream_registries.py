"""The upstreams port over HTTPS: does a registry serve an image to somebody without credentials?

Standard library only, for the function. A registry that needs credentials answers as "not told": it says the same of an
image that does not exist.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

from orchestrator.aws.ports.ecr_registry import MEDIA_TYPES
from orchestrator.lifecycle.ports import UpstreamAnswer

SECONDS = 5.0
ACCEPT = ", ".join(MEDIA_TYPES)
_PART = re.compile(r'(?<![a-z_])([a-z_]++)="([^"]*)"')
_ANSWERS: dict[int, UpstreamAnswer] = {200: "served", 404: "absent", 401: "withheld", 403: "withheld"}
MOST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class UpstreamRegistries:
    """The upstreams port. With `simulated` (`http://…`) the embedded AWS answers for every upstream."""

    simulated: str = ""
    _unreachable: dict[str, str] = field(default_factory=dict)
    # What a token service gave to anybody, by host and repository.
    _headers: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def serves(self, host: str, repository: str, references: Sequence[str]) -> bool | None:
        """Has `host` one of these tags and digests of `repository`? None when it cannot be told."""
        answers = []
        for reference in references:
            answers.append(self.answer(host, repository, reference))
            if answers[-1] == "served":
                return True
            if host in self._unreachable:
                break
        return False if answers and all(answer == "absent" for answer in answers) else None

    def answer(self, host: str, repository: str, reference: str) -> UpstreamAnswer:
        """What `host` says to a HEAD for one tag or digest of `repository`."""
        if host in self._unreachable:
            return "silent"
        base = f"{self.simulated}/{host}" if self.simulated else f"https://{host}"
        url = f"{base}/v2/{urllib.parse.quote(repository)}/manifests/{urllib.parse.quote(reference, safe=':')}"
        try:
            status, headers = self._head(url, (host, repository))
            answer = _ANSWERS.get(status, "silent")
            return "silent" if answer == "served" and not _is_manifest(headers, reference) else answer
        except (OSError, HTTPException, ValueError) as error:
            self._unreachable[host] = str(error)
            return "silent"

    def _head(self, url: str, place: tuple[str, str]) -> tuple[int, Mapping[str, str]]:
        """(status, headers), with a token where the registry hands one to anybody; one that has ended is got again."""
        status, answered = _ask("HEAD", url, self._headers.get(place, {}))
        if status == 401:
            token = _token(answered.get("www-authenticate", ""))
            if token:
                self._headers[place] = {"Authorization": f"Bearer {token}"}
                status, answered = _ask("HEAD", url, self._headers[place])
        return status, answered


def _is_manifest(headers: Mapping[str, str], reference: str) -> bool:
    """Is it `reference` that was found? A page for people, as proxies and portals have one, is found under every name."""
    digest = headers.get("docker-content-digest", "")
    if digest and ":" in reference:
        return digest == reference
    return bool(digest) or headers.get("content-type", "").partition(";")[0].strip().lower() in MEDIA_TYPES


def _token(challenge: str) -> str:
    """What the registry's token service gives to somebody without credentials; empty when nothing."""
    parts = dict(_PART.findall(challenge))
    realm = parts.pop("realm", "")
    if not challenge.lower().startswith("bearer ") or not realm.startswith("https://"):
        return ""
    wanted = {name: value for name, value in parts.items() if name in ("service", "scope")}
    request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(wanted)}")  # noqa: S310 - https, above
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        document = json.loads(answer.read(MOST_ANSWER))
    token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
    return token if isinstance(token, str) else ""


def _ask(method: str, url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    """(status, headers with lower-case names)."""
    request = urllib.request.Request(url, method=method, headers={"Accept": ACCEPT, **headers})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}
