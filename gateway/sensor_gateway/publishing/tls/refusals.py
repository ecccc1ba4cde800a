"""Why TLS failed, as sentences for the operator: what we do not accept of the broker, and what it does not of us."""

from __future__ import annotations

import ssl
from typing import Final

from sensor_gateway.publishing.tls.context import TellingSocket

_AUTHORITY: Final = "the broker's certificate comes from an authority that is not trusted: name its file as tls.ca_file"
_CERTIFICATES: Final = {
    9: "the broker's certificate is not valid yet: this machine's clock is most likely not set",
    10: "the broker's certificate has expired, or this machine's clock is ahead",
    18: "the broker's certificate is signed by itself: name it, or its authority, as tls.ca_file",
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    62: "the broker's certificate is for another host name than the one in mqtt.url",
    64: "the broker's certificate is for another address than the one in mqtt.url",
}
"""OpenSSL's verification codes (x509_vfy.h) as sentences for the operator."""

_ALERTS: Final = {
    "CERTIFICATE_REQUIRED": "the broker wants a client certificate: set mqtt.tls.cert_file and mqtt.tls.key_file",
    "HANDSHAKE_FAILURE": "the broker broke off TLS: it wants a client certificate (mqtt.tls.cert_file and "
    "mqtt.tls.key_file), or no cipher of ours",
    "CERTIFICATE_EXPIRED": "the broker says that our certificate is out of its time: renew mqtt.tls.cert_file, and see "
    "the broker's clock",
    "CERTIFICATE_REVOKED": "the broker says that our certificate has been revoked: get a new mqtt.tls.cert_file",
    "UNKNOWN_CA": "the broker does not trust the authority of our certificate (mqtt.tls.cert_file): see its cafile, "
    "and whether our file holds the whole chain",
    "BAD_CERTIFICATE": "the broker does not accept our certificate (mqtt.tls.cert_file): see its log",
    "CERTIFICATE_UNKNOWN": "the broker does not accept our certificate (mqtt.tls.cert_file): see its log",
    "UNSUPPORTED_CERTIFICATE": "the broker does not accept certificates like ours (mqtt.tls.cert_file): is it one for "
    "clients?",
    "DECRYPT_ERROR": "the broker could not check our certificate (mqtt.tls.cert_file): do its authority and ours bear "
    "one name and different keys?",
    "ACCESS_DENIED": "the broker does not let the holder of our certificate in: see its access list",
    "PROTOCOL_VERSION": "the broker does not speak TLS 1.2 or later",
    "UNRECOGNIZED_NAME": "the broker has no certificate for the host name in mqtt.url",
}
"""Alerts (RFC 8446, 6.2) as OpenSSL names them behind ``_ALERT_``."""


def tls_meaning(error: ssl.SSLError) -> str:
    """Why TLS failed."""
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(error.verify_code, f"the broker's certificate: {error.verify_message}")
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return "what answers does not speak TLS: mqtts:// is for encrypted ports only, usually 8883"
    if reason == "UNSUPPORTED_PROTOCOL":
        return _ALERTS["PROTOCOL_VERSION"]
    _, is_alert, name = reason.partition("_ALERT_")
    if is_alert and name in _ALERTS:
        return _ALERTS[name]
    return f"TLS failed: {reason or error}"


def alert_of(sock: object) -> str:
    """Why the peer broke off TLS on this socket; empty if it did not."""
    return tls_meaning(sock.failure) if isinstance(sock, TellingSocket) and sock.failure is not None else ""
