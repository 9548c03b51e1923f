"""Certificates: when one is due, and that the one before stays trusted until it ends."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.swapper.own_certificate import LIFETIME, KeptCertificate, make_certificate

HOSTS = ["a.b.svc", "a.b.svc.cluster.local"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_it_is_due_after_two_thirds_of_its_time_or_for_other_hosts() -> None:
    kept = make_certificate(HOSTS, NOW)
    assert not kept.is_due(NOW + LIFETIME * 0.66, HOSTS)
    assert kept.is_due(NOW + LIFETIME * 0.67, HOSTS)
    assert kept.is_due(NOW, HOSTS[:1])


@pytest.mark.parametrize(
    "cert", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]
)
def test_what_cannot_be_read_is_made_anew_and_trusted_no_more(cert: bytes) -> None:
    broken = KeptCertificate(cert, b"", b"")
    assert broken.is_due(NOW, HOSTS)
    made = make_certificate(HOSTS, NOW, broken)
    assert made.trusted == made.cert


def test_the_one_before_is_trusted_until_it_ends() -> None:
    first = make_certificate(HOSTS, NOW)
    assert make_certificate(HOSTS, NOW + LIFETIME / 2, first).trusted.endswith(first.cert)
    after = make_certificate(HOSTS, NOW + LIFETIME + timedelta(seconds=1), first)
    assert after.trusted == after.cert


def test_openssl_takes_certificate_and_key_for_a_pair(tmp_path: Path) -> None:
    made = make_certificate(HOSTS, NOW)
    (tmp_path / "cert").write_bytes(made.cert)
    (tmp_path / "key").write_bytes(made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    # What it proves: with the key of another certificate it would be refused.
    (tmp_path / "key").write_bytes(make_certificate(HOSTS, NOW).key)
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
