"""TLS as the files say it now: made anew for each connection, so that renewed files are used by the next one.

Authorities and host name are always checked, and TLS 1.2 is the least.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from sensor_gateway.publishing.settings import TlsSettings
from sensor_gateway.publishing.tls.certificate import Validity, validity_of

_MOST_BYTES: Final = 1 << 20


class TlsFilesUnusable(ValueError):
    """A file of ``mqtt.tls`` is not what it should be. The message names it and says what is wrong."""


class TellingSocket(ssl.SSLSocket):
    """A TLS socket that remembers why the peer broke off, since whoever reads from it may keep that to itself."""

    failure: ssl.SSLError | None = None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As of any socket."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.failure = error
            raise


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """What a connection is encrypted with. TlsFilesUnusable, and OSError where a file cannot be read."""
    try:
        context = ssl.create_default_context(cafile=None if tls.ca_file is None else str(tls.ca_file))
    except ssl.SSLError as error:
        raise TlsFilesUnusable(f"mqtt.tls.ca_file {tls.ca_file} holds no whole certificate in PEM") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TellingSocket
    if tls.certificate_file is not None:
        own_validity(tls.certificate_file)
        _load_pair(context, tls.certificate_file, tls.key_file)
    return context


def own_validity(certificate: Path) -> Validity:
    """How long the client certificate in a file is valid. TlsFilesUnusable, and OSError where it cannot be read."""
    with certificate.open("rb") as source:
        content = source.read(_MOST_BYTES)
    try:
        return validity_of(content)
    except ValueError as error:
        raise TlsFilesUnusable(f"mqtt.tls.cert_file {certificate}: {error}; expected a certificate in PEM") from error


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    key_file = certificate if key is None else key
    named = f"mqtt.tls.cert_file {certificate}" if key is None else f"mqtt.tls.key_file {key}"

    def refuse_passphrase() -> str:  # without this, OpenSSL asks on the terminal, and waits
        raise TlsFilesUnusable(
            f"the key in {named} is locked with a passphrase, which nobody can type here; "
            "expected one without: openssl pkey -in LOCKED -out KEY"
        )

    try:
        context.load_cert_chain(str(certificate), str(key_file), refuse_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"the certificate in {certificate} and the key in {key_file} do not belong together"
        else:
            what = f"{named} holds no whole private key in PEM"
        raise TlsFilesUnusable(what) from error
