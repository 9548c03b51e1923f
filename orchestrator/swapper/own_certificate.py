"""The webhook's own certificate: made, shared by its replicas through a Secret, renewed, told to the API server.

It is signed by itself, and so its own authority: no key exists that could sign another. When it is renewed, the API
server hears of the new one first and trusts both until the old one ends.
"""

from __future__ import annotations

import base64
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.cluster_api import ClusterApi, ObjectChanged

_log = logging.getLogger("orchestrator.swapper")
LIFETIME = timedelta(days=90)
# Clocks of other machines may be behind.
SKEW = timedelta(hours=1)
CHECK_SECONDS = 60.0
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    """A certificate, its key, and all that the API server trusts meanwhile; PEM."""

    cert: bytes
    key: bytes
    trusted: bytes

    def is_due(self, now: datetime, hosts: Sequence[str]) -> bool:
        """Has two thirds of its time gone, or is it for other hosts? What cannot be read is due."""
        try:
            cert = x509.load_pem_x509_certificate(self.cert)
            names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            return True
        begins, ends = cert.not_valid_before_utc, cert.not_valid_after_utc
        return now >= begins + (ends - begins) * 2 / 3 or names.get_values_for_type(x509.DNSName) != list(hosts)


def make_certificate(hosts: Sequence[str], now: datetime, before: KeptCertificate | None = None) -> KeptCertificate:
    """A new one for `hosts`; the one `before` stays trusted until it ends."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeptCertificate(cert, pem, cert + (_unended(before.cert, now) if before else b""))


def _unended(cert: bytes, now: datetime) -> bytes:
    try:
        return cert if x509.load_pem_x509_certificate(cert).not_valid_after_utc > now else b""
    except ValueError:
        return b""


class CertificateKeeper:
    """Keeps `folder`'s tls.crt and tls.key, the Secret, and the caBundle of the webhook's configuration in step."""

    def __init__(
        self,
        api: ClusterApi,
        folder: Path,
        *,
        namespace: str,
        service: str,
        configuration: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = f"{service}-certificate"
        self._hosts = [f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local"]
        self._configuration = f"{CONFIGURATIONS}/{configuration}"
        self._clock = clock
        self.cert, self.key = folder / "tls.crt", folder / "tls.key"

    def keep(self) -> None:
        """Once through: read or make the Secret, tell the API server, then write the files. Raises OrchestratorError."""
        kept = self._kept()
        self._tell(kept)
        _write(self.key, kept.key)
        _write(self.cert, kept.cert)

    def watch(self, stopped: threading.Event, seconds: float = CHECK_SECONDS) -> None:
        """Keep it again and again until `stopped`; what fails is logged and tried again."""
        while not stopped.wait(seconds):
            try:
                self.keep()
            except OrchestratorError as error:
                _log.warning("the certificate was not kept", extra={"why": f"{error.headline} {error.why}"})

    def _kept(self) -> KeptCertificate:
        collection = f"/api/v1/namespaces/{self._namespace}/secrets"
        for _ in range(5):
            secret = self._api.get(f"{collection}/{self._name}")
            there = _of_secret(secret) if secret is not None else None
            now = self._clock()
            if there is not None and not there.is_due(now, self._hosts):
                return there
            made = make_certificate(self._hosts, now, there)
            try:
                if secret is None:
                    self._api.create(collection, self._secret(made, {}))
                else:
                    self._api.replace(f"{collection}/{self._name}", self._secret(made, secret["metadata"]))
            except ObjectChanged:
                # Another replica was faster: its certificate is ours.
                continue
            _log.info("a certificate was made")
            return made
        raise OrchestratorError("The certificate's Secret changes all the time.", remedy="See who else writes it.")

    def _secret(self, made: KeptCertificate, metadata: Mapping[str, Any]) -> dict[str, Any]:
        data = {"tls.crt": made.cert, "tls.key": made.key, "ca.crt": made.trusted}
        described = {"name": self._name, "namespace": self._namespace}
        kept = {key: metadata[key] for key in ("resourceVersion", "labels", "annotations") if key in metadata}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {**described, **kept},
            "type": "kubernetes.io/tls",
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        }

    def _tell(self, kept: KeptCertificate) -> None:
        found = self._api.get(self._configuration)
        if found is None:
            _log.warning("nobody calls the webhook", extra={"missing": self._configuration})
            return
        bundle = base64.b64encode(kept.trusted).decode()
        stale = [
            {"name": hook["name"], "clientConfig": {"caBundle": bundle}}
            for hook in found.get("webhooks") or []
            if hook.get("clientConfig", {}).get("caBundle") != bundle
        ]
        if stale:
            self._api.patch(self._configuration, {"webhooks": stale})
            _log.info("the API server was told of the certificate")


def _of_secret(secret: Mapping[str, Any]) -> KeptCertificate:
    data = secret.get("data") or {}

    def value(key: str) -> bytes:
        try:
            return base64.b64decode(data.get(key) or "", validate=True)
        except ValueError:
            return b""

    return KeptCertificate(value("tls.crt"), value("tls.key"), value("ca.crt"))


def _write(path: Path, content: bytes) -> None:
    """Write it whole, for the owner alone, unless it stands there already."""
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = path.with_name(f"{path.name}.new")
        new.touch(mode=0o600)
        new.write_bytes(content)
        os.replace(new, path)  # noqa: PTH105 - one step
    except OSError as error:
        raise OrchestratorError(
            f"{path} cannot be written: {error.strerror}.",
            why="The certificate is served from there.",
            remedy="Name a folder that can be written with --state-dir.",
        ) from error
