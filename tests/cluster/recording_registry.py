"""An OCI registry on loopback that answers for every host and records who was asked for what.

It is an HTTP proxy too: a client with `HTTPS_PROXY` and `SSL_CERT_FILE` from `environment()` reaches it under the names of
the real registries, over TLS, so that documents and references under test need no change. It holds one tiny image, under every
repository and reference but those that `missing` names.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import itertools
import json
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
).encode()
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": _sha256(CONFIG),
            "size": len(CONFIG),
        },
        "layers": [],
    }
).encode()
# The digest of the only image. A client may refuse the image after it asked for another digest.
DIGEST = _sha256(MANIFEST)

_RESOURCE = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|tags)/(?P<reference>[^/]+)\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `by` is the name given to `environment()`; `kind` is manifests, blobs, tags or "" for the base."""

    by: str
    host: str
    repository: str
    kind: str
    reference: str
    status: int

    @property
    def image(self) -> str:
        """`host/repository:tag` or `host/repository@digest`."""
        return f"{self.host}/{self.repository}{'@' if ':' in self.reference else ':'}{self.reference}"


# (host, repository, reference) -> is it absent?
Missing = Callable[[str, str, str], bool]


class RecordingRegistry:
    """Use as a context manager. `folder` takes certificates; `missing` may be set at any time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.missing: Missing = lambda host, repository, reference: False
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self._authority = _Authority(folder)
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._names = itertools.count(1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, for clients that speak plain HTTP to it."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def new_name(self) -> str:
        """A name for one client, to tell its requests from those of others."""
        return f"client-{next(self._names)}"

    def environment(self, by: str = "") -> dict[str, str]:
        """Variables that lead a client to this registry for every host (Go programs: but not for loopback names)."""
        proxy = f"http://{by}{'@' if by else ''}{self.address}"
        return {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "SSL_CERT_FILE": str(self._authority.certificate)}

    def asked(self, by: str | None = None) -> list[Asked]:
        """The requests so far, in order; only those of one client when `by` names it."""
        with self._lock:
            return [one for one in self._asked if by is None or one.by == by]

    def forget(self) -> None:
        """Empty the record."""
        with self._lock:
            self._asked.clear()

    def _answer(self, by: str, host: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a GET (a HEAD leaves the body out)."""
        found = _RESOURCE.match(path)
        if found is None:
            return (200, {}, b"{}") if path in ("/v2/", "/v2") else (404, {}, b"{}")
        repository, kind, reference = found["repository"], found["kind"], found["reference"]
        content = self._content(host, repository, kind, reference)
        status = 404 if content is None else 200
        with self._lock:
            self._asked.append(Asked(by, host, repository, kind, reference, status))
        if content is None:
            code = "BLOB_UNKNOWN" if kind == "blobs" else "MANIFEST_UNKNOWN"
            return 404, {"Content-Type": "application/json"}, json.dumps({"errors": [{"code": code}]}).encode()
        return 200, *content

    def _content(self, host: str, repository: str, kind: str, reference: str) -> tuple[dict[str, str], bytes] | None:
        if self.missing(host, repository, reference):
            return None
        if kind == "manifests":
            digest = reference if ":" in reference else DIGEST
            media_type = "application/vnd.oci.image.manifest.v1+json"
            return {"Content-Type": media_type, "Docker-Content-Digest": digest}, MANIFEST
        if kind == "tags":
            return {"Content-Type": "application/json"}, json.dumps({"name": repository, "tags": ["latest"]}).encode()
        if reference == _sha256(CONFIG):
            return {"Content-Type": "application/octet-stream"}, CONFIG
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], registry: RecordingRegistry) -> None:
        super().__init__(address, _Handler)
        self.registry = registry

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up, or that do not trust the certificate, are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise an answer waits 40 ms for the acknowledgement of the TLS session tickets before it.
    disable_nagle_algorithm = True
    server: _Server
    _tunnel: ssl.SSLSocket | None = None
    _host = ""
    _by = ""

    def do_CONNECT(self) -> None:
        """What follows on this connection is TLS to the named host; the certificate is made for it."""
        host, _, port = self.path.rpartition(":")
        self._by = self._client()
        self._host = host if port == "443" else self.path
        context = self.server.registry._authority.context_for(host.strip("[]"))
        self.send_response_only(200)
        self.end_headers()
        self._tunnel = self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self._tunnel.makefile("rb")
        self.wfile = self._tunnel.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        host = self._host or target.netloc or self.headers.get("Host", "")
        status, headers, body = self.server.registry._answer(self._by or self._client(), host, target.path)
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.wfile.flush()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _client(self) -> str:
        scheme, _, encoded = self.headers.get("Proxy-Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        return base64.b64decode(encoded).decode().partition(":")[0]

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self._tunnel is not None:
            self._tunnel.close()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """The record is in memory."""


class _Authority:
    """A certificate authority that lives as long as the registry, and TLS contexts for the hosts it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "recording registry")])
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        certificate = self._signed(self._name, x509.BasicConstraints(ca=True, path_length=0))
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(certificate)

    def context_for(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._new_context(host)
            return self._contexts[host]

    def _new_context(self, host: str) -> ssl.SSLContext:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        path = self._folder / f"host-{len(self._contexts)}.pem"
        private = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(self._signed(x509.Name([]), names) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(self, subject: x509.Name, extension: x509.ExtensionType) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=True)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
