"""From a host name to a connected socket, with TLS where it is wanted, and what failures on the way mean.

TLS is always checked against authorities and host name.
"""

from __future__ import annotations

import socket
import ssl
from typing import Final

from sensor_gateway.publishing.settings import BrokerSettings, TlsSettings

_TIMEOUT_S: Final = 10.0
"""For each address of the host, and for the TLS handshake. Name resolution has no bound but the system's."""

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


def dial(broker: BrokerSettings) -> socket.socket:
    """Connect to the broker's port, and shake hands where TLS is wanted. Blocks; OSError and ValueError."""
    context = None if broker.tls is None else _context(broker.tls)
    sock = socket.create_connection((broker.host, broker.port), timeout=_TIMEOUT_S)
    try:
        # A message of events right behind one of states must not wait for the first one's TCP acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock if context is None else context.wrap_socket(sock, server_hostname=broker.host)
    except BaseException:
        sock.close()
        raise


def meaning(error: Exception) -> str:
    """Why dialling failed, as a sentence for the operator."""
    match error:
        case ssl.SSLCertVerificationError():
            sentence = _CERTIFICATES.get(error.verify_code, f"the broker's certificate: {error.verify_message}")
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST"):
            sentence = "what answers does not speak TLS: mqtts:// is for encrypted ports only, usually 8883"
        case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError():  # only TLS talks while we dial
            sentence = "what answers hung up on TLS: mqtts:// is for encrypted ports only, usually 8883"
        case ssl.SSLError():
            sentence = f"TLS failed: {error.reason or error}"
        case socket.gaierror():
            sentence = f"the broker's name cannot be resolved: {error.strerror}"
        case ConnectionRefusedError():
            sentence = "nobody listens on the broker's port"
        case TimeoutError():
            sentence = f"the broker's host did not answer within {_TIMEOUT_S:g} s"
        case FileNotFoundError() | PermissionError():
            sentence = f"a file of mqtt.tls cannot be read: {error}"
        case _:
            sentence = f"the broker cannot be reached: {error}"
    return sentence


def _context(tls: TlsSettings) -> ssl.SSLContext:
    """Made anew for each connection, so that renewed files are picked up."""
    context = ssl.create_default_context(cafile=None if tls.ca_file is None else str(tls.ca_file))
    if tls.certificate_file is not None:
        context.load_cert_chain(str(tls.certificate_file), None if tls.key_file is None else str(tls.key_file))
    return context
