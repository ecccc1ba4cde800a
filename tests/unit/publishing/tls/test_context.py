"""What is said of files that cannot be used, file by file."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from proving.certificates import Authority, Pair, openssl

from sensor_gateway.publishing.settings import TlsSettings
from sensor_gateway.publishing.tls.context import TlsFilesUnusable, tls_context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.sign("greenhouse")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.pem"


def _settings(authority: Authority, pair: Pair) -> TlsSettings:
    return TlsSettings(ca_file=authority.file, certificate_file=pair.certificate, key_file=pair.key)


def test_files_that_belong_together_make_a_context_that_checks_everything(authority: Authority, pair: Pair) -> None:
    context = tls_context(_settings(authority, pair))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_key_and_certificate_in_one_file_are_taken(pair: Pair, file: Path) -> None:
    file.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    assert tls_context(TlsSettings(certificate_file=file))


@pytest.mark.parametrize("which", ["ca", "certificate", "key"])
@pytest.mark.parametrize("kept", [0, 60, 0.9])
def test_a_half_written_file_is_named(authority: Authority, pair: Pair, file: Path, which: str, kept: float) -> None:
    source = {"ca": authority.file, "certificate": pair.certificate, "key": pair.key}[which]
    whole = source.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    settings = TlsSettings(
        ca_file=file if which == "ca" else authority.file,
        certificate_file=file if which == "certificate" else pair.certificate,
        key_file=file if which == "key" else pair.key,
    )
    with pytest.raises(TlsFilesUnusable) as caught:
        tls_context(settings)
    key = {"ca": "ca_file", "certificate": "cert_file", "key": "key_file"}[which]
    assert f"mqtt.tls.{key} {file}" in str(caught.value)


def test_a_key_of_another_certificate_is_told(authority: Authority, pair: Pair) -> None:
    other = authority.sign("other")
    with pytest.raises(TlsFilesUnusable, match="do not belong together") as caught:
        tls_context(TlsSettings(certificate_file=pair.certificate, key_file=other.key))
    assert str(other.key) in str(caught.value)


def test_a_certificate_without_a_key_is_told(pair: Pair) -> None:
    with pytest.raises(TlsFilesUnusable, match="holds no whole private key"):
        tls_context(TlsSettings(certificate_file=pair.certificate))


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(pair: Pair, file: Path) -> None:
    openssl("pkey", "-in", pair.key, "-aes128", "-passout", "pass:x", "-out", file)
    with pytest.raises(TlsFilesUnusable, match="locked with a passphrase") as caught:
        tls_context(TlsSettings(certificate_file=pair.certificate, key_file=file))
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_of_the_system(pair: Pair, file: Path) -> None:
    for settings in (
        TlsSettings(ca_file=file),
        TlsSettings(certificate_file=file),
        TlsSettings(certificate_file=pair.certificate, key_file=file),
    ):
        with pytest.raises(FileNotFoundError):
            tls_context(settings)
