"""A registry on loopback that takes nothing that a registry must refuse, and misbehaves exactly as it is told.

Strict: blobs have their digest, manifests name only what is there, uploads go on where they stopped, mounts need a manifest that
was committed (ECR's rule), tags can be immutable. `Faults` change what clients see, never what is stored.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from orchestrator.oci.manifest import INDEXES, MANIFESTS, OCI_INDEX, parse_manifest
from tests.oci.loopback_server import LoopbackService
from tests.oci.registry_state import Bearer, Faults, Repository
from tests.oci.registry_wire import RegistryServer, RegistryWire

_ROUTE = re.compile(r"/v2/(?P<repository>.+?)/(?P<kind>manifests|blobs|tags|referrers)/(?P<reference>.+)\Z")


class StrictRegistry(LoopbackService):
    """`with StrictRegistry() as registry:` serves on `registry.host`.

    `delay` is put before every answer, in seconds; `bandwidth` is what one connection carries, in bytes a second.
    """

    def __init__(
        self,
        *,
        delay: float = 0.0,
        referrers: str = "api",
        mounts: bool = True,
        basic: tuple[str, str] | None = None,
        bearer: Bearer | None = None,
        rates: dict[str, float] | None = None,
        repositories_must_exist: bool = False,
        immutable: bool = False,
        largest_put: int = 0,
        redirect_blobs_to: str = "",
        digest_header: bool = True,
        bandwidth: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.delay = delay
        self.referrers = referrers
        self.mounts = mounts
        self.basic = basic
        self.bearer = bearer
        self.rates = rates or {}
        self.repositories_must_exist = repositories_must_exist
        self.immutable = immutable
        self.largest_put = largest_put
        self.redirect_blobs_to = redirect_blobs_to
        self.digest_header = digest_header
        self.bandwidth = bandwidth
        self.keep_log = True
        self.faults = Faults()
        self.repositories: dict[str, Repository] = {}
        self.lock = threading.RLock()
        self.requests: Counter[str] = Counter()
        self.log: list[tuple[str, str, dict[str, str]]] = []
        self.received: Counter[str] = Counter()
        self.refused: list[str] = []
        self.throttled = 0
        self.mounted = 0
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        self._buckets: dict[str, tuple[float, float]] = {}
        server = RegistryServer(("127.0.0.1", 0), _Handler)
        server.registry = self
        if tls is not None:
            # The handshake is made by the thread that reads first.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        super().__init__(server, poll_seconds=0.05)

    def repository(self, name: str) -> Repository:
        with self.lock:
            return self.repositories.setdefault(name, Repository())

    def total(self) -> int:
        return self.requests.total()

    def over_rate(self, action: str) -> bool:
        """A token bucket that holds one second's worth."""
        rate = self.rates.get(action)
        if rate is None:
            return False
        with self.lock:
            now = time.monotonic()
            tokens, at = self._buckets.get(action, (rate, now))
            tokens = min(rate, tokens + (now - at) * rate)
            self._buckets[action] = (max(0.0, tokens - 1), now) if tokens >= 1 else (tokens, now)
            self.throttled += tokens < 1
            return tokens < 1


class _Handler(RegistryWire):
    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def _serve(self) -> None:
        registry, faults = self.registry, self.registry.faults
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.left = int(self.headers.get("Content-Length") or 0)
        registry.on_request(self.command, parts.path)
        if faults.away > time.monotonic():
            self._reset()
            return
        if registry.delay:
            time.sleep(registry.delay)
        if registry.keep_log:
            with registry.lock:
                registry.log.append((self.command, self.path, dict(self.headers)))
        if parts.path == "/token":
            self._token(parse_qs(parts.query))
            return
        match = _ROUTE.match(parts.path)
        action = _action(self.command, parts.path)
        with registry.lock:
            registry.requests[action] += 1
        if not self._allowed(match["repository"] if match else ""):
            return
        if registry.over_rate(action) or faults.strikes("throttle", self.command, parts.path):
            headers = {"Retry-After": faults.retry_after} if faults.retry_after else {}
            self._error(429, "TOOMANYREQUESTS", "Rate exceeded", headers)
        elif faults.strikes("error", self.command, parts.path):
            self._error(500, "UNKNOWN", "something broke")
        elif match is None:
            self._error(200 if parts.path == "/v2/" else 404, "NAME_INVALID", "no route")
        else:
            getattr(self, f"_{match['kind']}")(match["repository"], match["reference"])

    # Who asks

    def _token(self, query: dict[str, list[str]]) -> None:
        bearer = self.registry.bearer
        assert bearer is not None
        expected = "Basic " + base64.b64encode(f"{bearer.user}:{bearer.password}".encode()).decode()
        bearer.asked.append(query)
        if bearer.user and self.headers.get("Authorization") != expected:
            self._error(401, "UNAUTHORIZED", "wrong login")
            return
        token = uuid.uuid4().hex
        bearer.issued[token] = time.monotonic() + bearer.seconds, frozenset(query.get("scope", ()))
        self._answer(
            200, json.dumps({"token": token, "expires_in": 300}).encode(), {"Content-Type": "application/json"}
        )

    def _allowed(self, repository: str) -> bool:
        registry, sent = self.registry, self.headers.get("Authorization") or ""
        if registry.basic is not None:
            user, password = registry.basic
            if sent == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode():
                return True
            self._error(401, "UNAUTHORIZED", "log in", {"WWW-Authenticate": 'Basic realm="strict"'})
            return False
        if registry.bearer is not None:
            until, scopes = registry.bearer.issued.get(sent.removeprefix("Bearer "), (0.0, frozenset()))
            right = "push" if self.command in ("PUT", "POST", "PATCH") else "pull"
            wanted = [(repository, right)]
            if self.query.get("from"):
                wanted.append((self.query["from"], "pull"))
            if until > time.monotonic() and all(
                any(s.startswith(f"repository:{name}:") and r in s.rpartition(":")[2].split(",") for s in scopes)
                for name, r in wanted
            ):
                return True
            realm = (
                f'Bearer realm="http://{registry.host}/token",service="strict",scope="repository:{repository}:{right}"'
            )
            self._error(401, "UNAUTHORIZED", "get a token", {"WWW-Authenticate": realm})
            return False
        return True

    # Manifests

    def _manifests(self, name: str, reference: str) -> None:
        registry = self.registry
        if self.command == "PUT":
            self._put_manifest(name, reference)
            return
        with registry.lock:
            repository = registry.repositories.get(name)
            digest = reference if ":" in reference else (repository.tags.get(reference, "") if repository else "")
            found = repository.manifests.get(digest) if repository else None
        if found is None:
            self._error(404, "MANIFEST_UNKNOWN" if repository else "NAME_UNKNOWN", "manifest unknown")
            return
        media_type, content = found
        # Go's clients send a line for each type.
        if media_type not in ", ".join(self.headers.get_all("Accept") or ()):
            self._error(406, "MANIFEST_UNKNOWN", "not acceptable")
            return
        headers = {"Content-Type": media_type}
        if registry.digest_header:
            headers["Docker-Content-Digest"] = digest
        assert repository is not None
        if registry.faults.strikes("wrong_manifest", self.command, self.path):
            content = (
                next(c for _, c in repository.manifests.values() if c != content)
                if len(repository.manifests) > 1
                else b'{"schemaVersion":2}'
            )
        self._answer(200, content, headers)

    def _put_manifest(self, name: str, reference: str) -> None:
        registry = self.registry
        content = self._body()
        if content is None:
            return
        media_type = self.headers.get("Content-Type") or ""
        try:
            manifest = parse_manifest(content, media_type)
        except Exception as error:
            self._refuse(400, "MANIFEST_INVALID", str(error))
            return
        if media_type not in INDEXES | MANIFESTS:
            self._refuse(400, "MANIFEST_INVALID", f"media type {media_type}")
            return
        if ":" in reference and reference != manifest.digest:
            self._refuse(400, "DIGEST_INVALID", f"{reference} is {manifest.digest}")
            return
        with registry.lock:
            repository = registry.repositories.get(name)
            if repository is None:
                self._refuse(404, "NAME_UNKNOWN", name)
                return
            missing = [b.digest for b in manifest.blobs if b.digest not in repository.blobs and not b.is_foreign]
            missing += [c.digest for c in manifest.children if c.digest not in repository.manifests]
            if missing:
                self._refuse(400, "MANIFEST_BLOB_UNKNOWN", f"{name}:{reference} needs {missing[0]}")
                return
            if manifest.subject and registry.referrers == "refuse":
                self._error(405, "UNSUPPORTED", "Invalid parameter: subject")
                return
            if ":" not in reference:
                if registry.immutable and repository.tags.get(reference, manifest.digest) != manifest.digest:
                    self._refuse(400, "TAG_INVALID", f"The image tag '{reference}' is immutable")
                    return
                repository.tags[reference] = manifest.digest
            repository.manifests[manifest.digest] = media_type, content
        headers = {"Docker-Content-Digest": manifest.digest, "Location": f"/v2/{name}/manifests/{manifest.digest}"}
        if manifest.subject and registry.referrers == "api":
            headers["OCI-Subject"] = manifest.subject
        self._answer(201, b"", headers)

    def _tags(self, name: str, reference: str) -> None:
        repository = self.registry.repositories.get(name)
        if repository is None:
            self._error(404, "NAME_UNKNOWN", name)
            return
        tags = sorted(tag for tag in repository.tags if tag > self.query.get("last", ""))
        page = tags[: int(self.query.get("n", 100))]
        headers = {"Content-Type": "application/json"}
        if len(page) < len(tags):
            headers["Link"] = f'</v2/{name}/tags/list?n={len(page)}&last={page[-1]}>; rel="next"'
        self._answer(200, json.dumps({"name": name, "tags": page}).encode(), headers)

    def _referrers(self, name: str, digest: str) -> None:
        registry = self.registry
        if registry.referrers != "api":
            self._error(404, "NOT_FOUND", "page not found")
            return
        found = []
        with registry.lock:
            repository = registry.repositories.get(name) or Repository()
            for own, (media_type, content) in repository.manifests.items():
                if digest.encode() in content and (manifest := parse_manifest(content, media_type)).subject == digest:
                    item = {"mediaType": media_type, "digest": own, "size": len(content)}
                    found.append(item | {"artifactType": manifest.artifact_type})
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}).encode()
        self._answer(200, body, {"Content-Type": OCI_INDEX})

    # Blobs

    def _blobs(self, name: str, reference: str) -> None:
        registry = self.registry
        if reference.startswith("uploads/"):
            self._uploads(name, reference.removeprefix("uploads/"))
            return
        repository = registry.repositories.get(name)
        content = repository.blobs.get(reference) if repository else None
        if content is None:
            self._error(404, "BLOB_UNKNOWN", reference)
            return
        if registry.redirect_blobs_to and self.command == "GET":
            self._answer(307, b"", {"Location": f"{registry.redirect_blobs_to}/{name}/{reference}?signature=secret"})
            return
        status, headers = 200, {"Docker-Content-Digest": reference, "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and not registry.faults.no_ranges:
            start = int(wanted[1])
            status, headers["Content-Range"] = 206, f"bytes {start}-{len(content) - 1}/{len(content)}"
            content = content[start:]
        self._answer(status, content, headers)

    def _uploads(self, name: str, session: str) -> None:
        registry = self.registry
        with registry.lock:
            if name not in registry.repositories and registry.repositories_must_exist:
                self._refuse(404, "NAME_UNKNOWN", name)
                return
            repository = registry.repository(name)
            if self.command == "POST":
                digest, source = self.query.get("mount"), registry.repositories.get(self.query.get("from", ""))
                if digest and source and registry.mounts and digest in source.blobs and source.references(digest):
                    repository.blobs[digest] = source.blobs[digest]
                    registry.mounted += 1
                    self._answer(201, b"", {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})
                    return
                session = uuid.uuid4().hex
                repository.uploads[session] = bytearray()
                self._answer(202, b"", {"Location": f"/v2/{name}/blobs/uploads/{session}?state=1", "Range": "0-0"})
                return
            data = repository.uploads.get(session)
        if data is None:
            self._refuse(404, "BLOB_UPLOAD_UNKNOWN", session)
            return
        location = {"Location": f"/v2/{name}/blobs/uploads/{session}?state=1"}
        if self.command == "GET":
            self._answer(204, b"", {**location, "Range": f"0-{max(0, len(data) - 1)}"})
            return
        if registry.largest_put and self.left > registry.largest_put:
            self._error(413, "SIZE_INVALID", "too large")
            return
        wanted = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range") or "")
        if wanted and int(wanted[1]) != len(data):
            self._refuse(416, "RANGE_INVALID", f"{wanted[0]} at {len(data)}")
            return
        if not self._receive(data):
            return
        if self.command == "PATCH":
            self._answer(202, b"", {**location, "Range": f"0-{max(0, len(data) - 1)}"})
            return
        digest = self.query.get("digest", "")
        algorithm, _, encoded = digest.partition(":")
        with registry.lock:
            if hashlib.new(algorithm, data).hexdigest() != encoded:
                del repository.uploads[session]
                self._refuse(400, "DIGEST_INVALID", digest)
                return
            registry.received[digest] += 1
            repository.blobs[digest] = bytes(data)
            del repository.uploads[session]
        self._answer(201, b"", {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})


def _action(method: str, path: str) -> str:
    kinds = {
        "manifests": {"PUT": "put-manifest"},
        "blobs": {"POST": "start-upload", "PUT": "put-blob", "PATCH": "put-blob", "HEAD": "head-blob"},
    }
    match = _ROUTE.match(path)
    kind = match["kind"] if match else "base"
    return kinds.get(kind, {}).get(method) or {"manifests": "get-manifest", "blobs": "get-blob"}.get(kind, kind)
