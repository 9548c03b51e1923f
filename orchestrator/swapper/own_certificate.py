"""The webhook's own certificate: made, shared by its replicas through a Secret, renewed, told to the API server.

It is signed by itself, and so its own authority: no key exists that could sign another. At a renewal the API server
hears of the new one first. It trusts both until the old one ends.
"""

from __future__ import annotations

import base64
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.errors import OrchestratorError
from orchestrator.swapper.cluster_api import ApiSilent, ClusterApi, ObjectChanged

_log = logging.getLogger("orchestrator.swapper")
LIFETIME = timedelta(days=90)
# Clocks of other machines may be behind.
SKEW = timedelta(hours=1)
CHECK_SECONDS = 60.0
# The same while there is none that the API server trusts.
RETRY_SECONDS = 5.0
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    """A certificate, its key, and all that the API server trusts meanwhile; PEM."""

    cert: bytes
    key: bytes
    trusted: bytes

    def is_due(self, now: datetime, hosts: Sequence[str]) -> bool:
        """Is it of no use: two thirds gone, not begun, for other hosts, without its key, trusted by nobody?

        An unreadable one is due.
        """
        try:
            cert = x509.load_pem_x509_certificate(self.cert)
            key = load_pem_private_key(self.key, None)
            names = _dns_names(cert)
            trusted = any(_signed(authority, cert) for authority in x509.load_pem_x509_certificates(self.trusted))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return True
        begins, ends = cert.not_valid_before_utc, cert.not_valid_after_utc
        used = begins <= now < begins + (ends - begins) * 2 / 3
        return not (used and names == list(hosts) and key.public_key() == cert.public_key() and trusted)


def _dns_names(cert: x509.Certificate) -> list[str]:
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)


def _signed(authority: x509.Certificate, cert: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


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
    """Keeps the files `cert` and `key`, the Secret, and the caBundle of the webhook's configuration in step.

    `problem` says why the API server trusts nothing that is served here, "" when it does.
    """

    def __init__(
        self,
        api: ClusterApi,
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
        self.cert, self.key = _memory_file("tls.crt"), _memory_file("tls.key")
        self.problem = ""

    def begin(self) -> None:
        """The first time. Raises OrchestratorError where the API server refuses.

        Where it gives no answer, a certificate stands there that nobody trusts, until `watch` gets the right one. A
        Pod that ended instead would be started again later and later.
        """
        try:
            self.keep()
        except ApiSilent as error:
            self.problem = f"{error.headline} {error.why}"
            _log.warning("the API server gave no certificate; it is asked again", extra={"why": self.problem})
            self._write(make_certificate(self._hosts, self._clock()))

    def keep(self) -> None:
        """Once through: read or make the Secret, tell the API server, then write the files. Raises OrchestratorError."""
        kept = self._kept()
        self._tell(kept)
        self._write(kept)
        self.problem = ""

    def _write(self, kept: KeptCertificate) -> None:
        for path, content in ((self.key, kept.key), (self.cert, kept.cert)):
            # A file that is written is taken for a new one.
            if path.read_bytes() != content:
                path.write_bytes(content)

    def watch(
        self, stopped: threading.Event, seconds: float = CHECK_SECONDS, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        """Keep it again and again until `stopped`; what fails is logged and tried again."""
        while not stopped.wait(retry_seconds if self.problem else seconds):
            try:
                self.keep()
            except OrchestratorError as error:
                _log.warning("the certificate was not kept", extra={"why": f"{error.headline} {error.why}"})
            except Exception:
                # Whatever it was: without this thread the certificate would end, weeks later.
                _log.exception("the certificate was not kept")

    def _kept(self) -> KeptCertificate:
        collection = f"/api/v1/namespaces/{self._namespace}/secrets"
        for _ in range(5):
            secret = self._api.get(f"{collection}/{self._name}")
            there = self._of_secret(secret) if secret is not None else None
            now = self._clock()
            if there is not None and not there.is_due(now, self._hosts):
                return there
            made = make_certificate(self._hosts, now, there)
            try:
                if secret is None:
                    self._api.create(collection, self._secret(made, {}))
                else:
                    self._api.replace(f"{collection}/{self._name}", self._secret(made, secret))
            except ObjectChanged:
                # Another replica was faster: its certificate is ours.
                continue
            _log.info("a certificate was made")
            return made
        raise OrchestratorError("The certificate's Secret changes all the time.", remedy="See who else writes it.")

    def _of_secret(self, secret: Mapping[str, Any]) -> KeptCertificate:
        """What it holds. Raises OrchestratorError where that is somebody else's: a key is gone once it is written over."""
        data = secret.get("data") or {}
        kept = KeptCertificate(*(_decoded(data.get(key)) for key in ("tls.crt", "tls.key", "ca.crt")))
        holds = ""
        try:
            names = _dns_names(x509.load_pem_x509_certificate(kept.cert))
            if self._hosts[0] not in names:
                holds = f"a certificate for {', '.join(names[:3]) or 'no host'}"
        except ValueError:
            if data and not kept.cert:
                holds = f"the keys {', '.join(sorted(data)[:3])}"
        if holds:
            raise OrchestratorError(
                f"The Secret {self._namespace}/{self._name} is not the webhook's: it holds {holds}.",
                why=f"The certificate for {self._hosts[0]} is kept under that name, and would take its place.",
                remedy="Give the webhook another name. Or, where nobody needs the Secret: kubectl delete secret "
                f"--namespace {self._namespace} {self._name}",
            )
        return kept

    def _secret(self, made: KeptCertificate, before: Mapping[str, Any]) -> dict[str, Any]:
        """The Secret with `made`, and with all else that it held `before`; its type can never change."""
        data = {"tls.crt": made.cert, "tls.key": made.key, "ca.crt": made.trusted}
        written = {key: base64.b64encode(value).decode() for key, value in data.items()}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            **before,
            "metadata": {**before.get("metadata", {}), "name": self._name, "namespace": self._namespace},
            "data": {**(before.get("data") or {}), **written},
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
        if not stale:
            return
        try:
            self._api.patch(self._configuration, {"webhooks": stale})
        except ObjectChanged:
            _log.info("somebody else changes the webhook's configuration; the next look tells it")
            return
        _log.info("the API server was told of the certificate")


def _decoded(value: str | None) -> bytes:
    try:
        return base64.b64decode(value or "", validate=True)
    except ValueError:
        return b""


def _memory_file(name: str) -> Path:
    """An empty file in this process' memory. Where the system has no such, one that the user alone can read."""
    if hasattr(os, "memfd_create"):
        return Path(f"/proc/self/fd/{os.memfd_create(name, os.MFD_CLOEXEC)}")
    file, path = tempfile.mkstemp(suffix=name)
    os.close(file)
    return Path(path)
