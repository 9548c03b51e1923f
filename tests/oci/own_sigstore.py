"""A Sigstore of the tests' own: an authority for certificates of minutes, its log of certificates, a transparency log.

It makes what Fulcio, its CT log and Rekor make, by RFC 6962 (log of certificates), Rekor's entries and the protobuf specifications'
bundle. Nobody listens anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.oci.corpus import EMPTY, Maker

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNED = "https://sigstore.dev/cosign/sign/v1"
_SCTS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_START = datetime(2026, 1, 1, tzinfo=UTC)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


class Key:
    """An ECDSA key, and the identity that logs have by it."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.der = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.id = hashlib.sha256(self.der).digest()

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message, ec.ECDSA(SHA256()))


class OwnSigstore:
    """One instance; `trusted_root` is what its users trust."""

    def __init__(self) -> None:
        self.authority, self.certificates_log, self.rekor = Key(), Key(), Key()
        name = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "own"), x509.NameAttribute(NameOID.COMMON_NAME, "own-root")]
        )
        self.name = name
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.authority.private.public_key())
        self.root = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.authority.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_START)
            .not_valid_after(_START + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(self.authority.private, SHA256())
        )

    def trusted_root(self) -> dict[str, Any]:
        def log(key: Key, url: str) -> dict[str, Any]:
            public = {"rawBytes": b64(key.der), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
            public["validFor"] = {"start": "2026-01-01T00:00:00Z"}  # type: ignore[assignment]
            return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": b64(key.id)}}

        authority = {
            "subject": {"organization": "own", "commonName": "own-root"},
            "uri": "https://fulcio.example.com",
            "certChain": {"certificates": [{"rawBytes": b64(self.root.public_bytes(serialization.Encoding.DER))}]},
            "validFor": {"start": "2026-01-01T00:00:00Z"},
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.rekor, "https://rekor.example.com")],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self.certificates_log, "https://ct.example.com")],
        }

    def write_root(self, folder: Path) -> Path:
        path = folder / "trusted_root.json"
        path.write_text(json.dumps(self.trusted_root()), encoding="utf-8")
        return path

    def certificate(
        self, key: Key, identity: str, issuer: str, moment: datetime, authority: Key | None = None
    ) -> x509.Certificate:
        """What Fulcio gives to who has proved his identity: ten minutes, and the CT log's word in it."""
        san: x509.GeneralName = (
            x509.UniformResourceIdentifier(identity) if "://" in identity else x509.RFC822Name(identity)
        )
        issuer_key = self.authority.private.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.name)
            .public_key(key.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment)
            .not_valid_after(moment + timedelta(minutes=10))
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([san]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.private.public_key()), critical=False)
            .add_extension(_fulcio(1, issuer.encode()), critical=False)
            .add_extension(_fulcio(8, b"\x0c" + bytes([len(issuer)]) + issuer.encode()), critical=False)
        )
        signing = (authority or self.authority).private
        # What the CT log signs is the certificate without its own word: RFC 6962, 3.2.
        tbs = builder.sign(signing, SHA256()).tbs_certificate_bytes
        timestamp = int(moment.timestamp() * 1000)
        entry = self.authority.id + len(tbs).to_bytes(3, "big") + tbs
        signature = self.certificates_log.sign(struct.pack("!BBQH", 0, 0, timestamp, 1) + entry + b"\0\0")
        sct = b"\0" + self.certificates_log.id + struct.pack("!QH", timestamp, 0)
        sct += b"\x04\x03" + struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        octets = b"\x04" + (bytes([len(listed)]) if len(listed) < 128 else b"\x81" + bytes([len(listed)])) + listed
        return builder.add_extension(x509.UnrecognizedExtension(_SCTS, octets), critical=False).sign(signing, SHA256())

    def log_entry(self, body: bytes, moment: datetime, kind: str = "dsse") -> dict[str, Any]:
        """What Rekor answers: the entry, its promise, and the proof that it is in a log of this one entry."""
        leaf = hashlib.sha256(b"\0" + body).digest()
        note = f"rekor.example.com - 1\n1\n{b64(leaf)}\n".encode()
        signed = b64(self.rekor.id[:4] + self.rekor.sign(note))
        when = int(moment.timestamp())
        promise = {"body": b64(body), "integratedTime": when, "logID": self.rekor.id.hex(), "logIndex": 0}
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(self.rekor.id)},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(when),
            "inclusionPromise": {"signedEntryTimestamp": b64(self.rekor.sign(canonical(promise)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note.decode()}\n— rekor.example.com {signed}\n"},
            },
            "canonicalizedBody": b64(body),
        }

    def bundle(
        self,
        digest: str,
        identity: str,
        issuer: str,
        *,
        predicate: str = SIGNED,
        late: timedelta = timedelta(),
        authority: Key | None = None,
    ) -> dict[str, Any]:
        """The bundle of one signature; `late`: so long after the certificate's beginning it came to the log."""
        moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        key = Key()
        certificate = self.certificate(key, identity, issuer, moment, authority)
        algorithm, _, encoded = digest.partition(":")
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "", "digest": {algorithm: encoded}}],
            "predicateType": predicate,
            "predicate": {},
        }
        payload, kind = json.dumps(statement).encode(), "application/vnd.in-toto+json"
        signature = b64(key.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)))
        envelope = {"payload": b64(payload), "payloadType": kind, "signatures": [{"sig": signature}]}
        pem = certificate.public_bytes(serialization.Encoding.PEM)

        def hash_of(content: bytes) -> dict[str, str]:
            return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}

        spec = {"envelopeHash": hash_of(canonical(envelope)), "payloadHash": hash_of(payload)}
        spec |= {"signatures": [{"signature": signature, "verifier": b64(pem)}]}  # type: ignore[dict-item]
        body = canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        der = certificate.public_bytes(serialization.Encoding.DER)
        return {
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(der)},
                "tlogEntries": [self.log_entry(body, moment + timedelta(minutes=1) + late)],
            },
            "dsseEnvelope": envelope,
        }


def put_bundle(maker: Maker, image: dict[str, Any], bundle: dict[str, Any]) -> dict[str, Any]:
    """cosign 3's referrer of an image."""
    return maker.put(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": BUNDLE,
            "config": maker.blob(b"{}", EMPTY),
            "layers": [maker.blob(json.dumps(bundle).encode(), BUNDLE)],
            "subject": {key: image[key] for key in ("mediaType", "digest", "size")},
        }
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _fulcio(number: int, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}"), value)
