"""A certificate's bytes -> when it is valid, and of what kind its key is (X.509, RFC 5280 and 5480). Pure.

The package cryptography reads more, and takes nine megabytes of a process that has seventy. OpenSSL has held the pair
valid before: what is read here is whole.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _INTEGER, _BITS, _OBJECT, _UTC_TIME, _TIME, _VERSION = 0x30, 0x02, 0x03, 0x06, 0x17, 0x18, 0xA0
_RSA, _EC = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a8648ce3d0201")
_NAMES = {
    bytes.fromhex("2b6570"): "Ed25519",
    bytes.fromhex("2a8648ce3d030107"): "P-256",
    bytes.fromhex("2b81040022"): "P-384",
    bytes.fromhex("2b81040023"): "P-521",
}


@dataclass(frozen=True, slots=True)
class CertificateParts:
    """When it begins and ends; its key's kind (`RSA`, `P-256`, `Ed25519`, `of another kind`), and an RSA key's bits."""

    begins: datetime
    ends: datetime
    key: str
    bits: int = 0


def parts_of_pem(text: bytes) -> CertificateParts:
    """Those of the first certificate in a file. Raises ValueError where there is none that can be read."""
    found = _PEM.search(text)
    if found is None:
        raise ValueError("it holds no certificate in PEM")
    try:
        # Certificate: tbsCertificate, signatureAlgorithm, signature.
        (certificate,) = _elements(base64.b64decode(found[1]))
        _, _, *parts = _parts(_parts(certificate)[0], skipping=_VERSION)
        # version, serialNumber, signature, then issuer, validity, subject, subjectPublicKeyInfo.
        _, validity, _, key = parts[:4]
        begins, ends = (_time(one) for one in _parts(validity))
        algorithm, bits = _parts(key)
        return CertificateParts(begins, ends, *_kind(algorithm, bits))
    except (ValueError, IndexError) as error:
        raise ValueError("its certificate cannot be read") from error


_Element = tuple[int, bytes]


def _elements(data: bytes) -> Iterator[_Element]:
    """(tag, content) of each, one after the other (DER)."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            width = length & 0x7F
            length, at = int.from_bytes(data[at : at + width]), at + width
        if at + length > len(data):
            raise ValueError("cut")
        yield tag, data[at : at + length]
        at += length


def _parts(element: _Element, skipping: int = -1) -> list[_Element]:
    return [part for part in _elements(element[1]) if part[0] != skipping]


def _time(element: _Element) -> datetime:
    tag, text = element[0], element[1].decode("ascii")
    if tag == _UTC_TIME:
        # RFC 5280, 4.1.2.5.1: two digits stand for 1950 to 2049.
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _kind(algorithm: _Element, bits: _Element) -> tuple[str, int]:
    names = [content for tag, content in _parts(algorithm) if tag == _OBJECT]
    if names[0] == _RSA:
        # The bits begin with the number of those that are none: of whole bytes, 0.
        (key,) = _elements(bits[1][1:])
        return "RSA", int.from_bytes(_parts(key)[0][1]).bit_length()
    return _NAMES.get(names[-1] if names[0] == _EC else names[0], "of another kind"), 0
