"""Certificates that granian can serve, and those that would end its worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from orchestrator.errors import RefusedInput
from orchestrator.swapper.served_certificate import Certificate

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
        (ec.generate_private_key(ec.SECP521R1()), "its key is on the curve secp521r1, not P-256 or P-384"),
        (ec.generate_private_key(ec.SECP256K1()), "its key is on the curve secp256k1"),
        (ed448.Ed448PrivateKey.generate(), "its key is no RSA of 2048 to 4096 bits"),
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
