"""Certificates as the openssl program makes them, and bytes that are none."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proving.certificates import Authority, openssl

from sensor_gateway.publishing.tls.certificate import Validity, validity_of


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def by_openssl(file: Path) -> Validity:
    """What the openssl program says of it."""
    lines = dict(line.split("=", 1) for line in openssl("x509", "-in", file, "-noout", "-dates").splitlines())
    return Validity(
        from_ms=round(ssl.cert_time_to_seconds(lines["notBefore"]) * 1000),
        until_ms=round(ssl.cert_time_to_seconds(lines["notAfter"]) * 1000),
    )


@pytest.mark.parametrize("days", [-1, 1, 365, 20_000])
def test_a_certificate_is_valid_as_long_as_openssl_says(authority: Authority, days: int) -> None:
    """20,000 days reach beyond 2049, where the form of the time changes (RFC 5280, 4.1.2.5)."""
    file = authority.sign(f"d{days}", days=days).certificate
    assert validity_of(file.read_bytes()) == by_openssl(file)


def test_of_a_chain_the_first_certificate_counts(authority: Authority) -> None:
    own = authority.sign("own", days=3).certificate
    chain = b"some words before\n" + own.read_bytes() + authority.file.read_bytes()
    assert validity_of(chain) == by_openssl(own) != by_openssl(authority.file)


def test_the_certificate_of_an_authority_with_rsa_and_version_1_is_read(tmp_path: Path) -> None:
    """Version 1 has no field for its version; openssl writes one where a certificate has no extensions."""
    request, key, file = (tmp_path / f"old.{end}" for end in ("csr", "key", "pem"))
    openssl("req", "-new", "-newkey", "rsa:1024", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=old")
    openssl("x509", "-req", "-in", request, "-signkey", key, "-out", file, "-days", "5")
    assert "Version: 1" in openssl("x509", "-in", file, "-noout", "-text")
    assert validity_of(file.read_bytes()) == by_openssl(file)


def test_a_certificate_that_is_cut_off_is_told(authority: Authority) -> None:
    whole = authority.file.read_bytes()
    end = len(whole.rstrip())
    for length in range(end):
        with pytest.raises(ValueError, match="certificate"):
            validity_of(whole[:length])


@given(st.binary(max_size=200))
def test_any_bytes_give_a_validity_or_a_value_error(content: bytes) -> None:
    body = ssl.DER_cert_to_PEM_cert(content).encode()
    for text in (content, body):
        try:
            found = validity_of(text)
        except ValueError:
            continue
        assert datetime.fromtimestamp(found.until_ms / 1000, UTC).year <= 9999


@given(st.binary(max_size=60))
def test_damage_in_a_certificate_raises_nothing_else(damage: bytes) -> None:
    der = bytes.fromhex("3020301e020101300030003016170d3235303130313030303030305a170532") + damage
    try:
        validity_of(ssl.DER_cert_to_PEM_cert(der).encode())
    except ValueError as error:
        assert "certificate" in str(error)  # noqa: PT017
