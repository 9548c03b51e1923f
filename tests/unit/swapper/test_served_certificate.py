"""Certificates that granian can serve, and those that would end its worker."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from orchestrator.errors import RefusedInput
from orchestrator.swapper.certificate_parts import CertificateParts, parts_of_pem
from orchestrator.swapper.served_certificate import Certificate, _unserved_key

ENDS = datetime(2031, 5, 1, tzinfo=UTC)
BEGINS = ENDS - timedelta(days=90)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


def written(folder: Path, key: Key) -> Certificate:
    """A certificate of this key, signed by itself, in two files."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webhook")])
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
        .sign(key, digest)
    )
    pair = Certificate(folder / "tls.crt", folder / "tls.key")
    pair.cert.write_bytes(cert.public_bytes(Encoding.PEM))
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pair


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-256", "P-384", "Ed25519"],
)
def test_what_can_be_served(tmp_path: Path, key: Key) -> None:
    assert written(tmp_path, key).problem() == ""


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (ec.generate_private_key(ec.SECP521R1()), "its key is P-521, not RSA of 2048 to 4096 bits"),
        (ec.generate_private_key(ec.SECP256K1()), "its key is of another kind, not RSA"),
        (ed448.Ed448PrivateKey.generate(), "its key is of another kind, not RSA"),
        (rsa.generate_private_key(65537, 1024), "key too small"),
    ],
    ids=["P-521", "secp256k1", "Ed448", "RSA 1024"],
)
def test_what_would_end_the_worker_is_refused(tmp_path: Path, key: Key, says: str) -> None:
    pair = written(tmp_path, key)
    assert says in pair.problem()
    with pytest.raises(RefusedInput) as refused:
        pair.require()
    assert says in refused.value.headline
    assert "P-384, or Ed25519" in refused.value.remedy


def test_a_pair_that_is_held_stays_while_its_files_change(tmp_path: Path) -> None:
    pair = written(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    with pair.held() as held:
        pair.cert.write_text("no certificate")
        assert (held.problem(), held.validity()) == ("", (BEGINS, ENDS))
        assert pair.problem() != ""


def test_half_a_pair_is_a_problem(tmp_path: Path) -> None:
    pair = written(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "other").mkdir()
    other = written(tmp_path / "other", ec.generate_private_key(ec.SECP256R1()))
    assert "mismatch" in Certificate(pair.cert, other.key).problem()


@pytest.mark.parametrize("bits", [2048, 3072])
def test_an_rsa_key_is_measured(tmp_path: Path, bits: int) -> None:
    pair = written(tmp_path, rsa.generate_private_key(65537, bits))
    assert pair.problem() == ""
    assert parts_of_pem(pair.cert.read_bytes()).bits == bits


def test_an_rsa_key_that_is_too_large_is_refused() -> None:
    begins, ends = ENDS - timedelta(days=1), ENDS
    assert _unserved_key(CertificateParts(begins, ends, "RSA", 4096)) == ""
    assert _unserved_key(CertificateParts(begins, ends, "RSA", 8192)) == "its RSA key has 8192 bits, not 2048 to 4096"


@pytest.mark.parametrize("year", [1951, 1999, 2049, 2050, 9999])
def test_times_are_read_as_the_library_reads_them(tmp_path: Path, year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.unit.swapper.test_served_certificate.ENDS", datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    )
    monkeypatch.setattr("tests.unit.swapper.test_served_certificate.BEGINS", datetime(1950, 1, 1, tzinfo=UTC))
    text = written(tmp_path, ec.generate_private_key(ec.SECP256R1())).cert.read_bytes()
    read, found = x509.load_pem_x509_certificate(text), parts_of_pem(b"# a chain begins here\n" + text * 2)
    assert (found.begins, found.ends) == (read.not_valid_before_utc, read.not_valid_after_utc)
    assert found.key == "P-256"


def test_what_is_no_certificate_is_said(tmp_path: Path) -> None:
    whole = written(tmp_path, ec.generate_private_key(ec.SECP256R1())).cert.read_bytes()
    der = base64.b64decode(b"".join(whole.splitlines()[1:-1]))
    for length in range(1, len(der)):
        cut = b"-----BEGIN CERTIFICATE-----" + base64.b64encode(der[:length]) + b"-----END CERTIFICATE-----"
        with pytest.raises(ValueError, match="its certificate cannot be read"):
            parts_of_pem(cut)
    with pytest.raises(ValueError, match="no certificate in PEM"):
        parts_of_pem(b"nothing")
