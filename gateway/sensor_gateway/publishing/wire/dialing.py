"""From a host name to a connected socket, with TLS where it is wanted, and what failures on the way mean.

TLS is always checked against authorities and host name.
"""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress
from typing import Final

from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.tls.context import TlsFilesUnusable, tls_context
from sensor_gateway.publishing.tls.refusals import tls_meaning

_TIMEOUT_S: Final = 10.0
"""For each address of the host, and for the TLS handshake. Name resolution has no bound but the system's."""


_VERDICT_S: Final = 1.0
"""So long the broker is given to say that it does not accept our certificate, where it says nothing else."""


def dial(broker: BrokerSettings) -> socket.socket:
    """Connect to the broker's port, and shake hands where TLS is wanted. Blocks; OSError and ValueError."""
    context = None if broker.tls is None else tls_context(broker.tls)
    sock = socket.create_connection((broker.host, broker.port), timeout=_TIMEOUT_S)
    try:
        # A message of events right behind one of states must not wait for the first one's TCP acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return sock
        sock = _encrypted(sock, context, broker.host)
    except BaseException:
        sock.close()
        raise
    return sock


def meaning(error: Exception) -> str:
    """Why dialling failed, as a sentence for the operator."""
    match error:
        case TlsFilesUnusable():
            sentence = str(error)
        case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError():  # only TLS talks while we dial
            sentence = "what answers hung up on TLS: mqtts:// is for encrypted ports only, usually 8883"
        case ssl.SSLError():
            sentence = tls_meaning(error)
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


def _encrypted(sock: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """After the handshake, and after the broker's verdict on us. Closed where either fails."""
    encrypted = context.wrap_socket(sock, server_hostname=host)
    try:
        _await_verdict(encrypted)
    except BaseException:
        encrypted.close()
        raise
    return encrypted


def _await_verdict(sock: ssl.SSLSocket) -> None:
    """SSLError where the broker does not accept our certificate, or that we have none.

    In TLS 1.3 it judges after our side of the handshake is done (RFC 8446, 4.4), and says why if it hangs up. What it
    says is lost if we write meanwhile. A broker that is content sends tickets, and that ends the wait.
    """
    if sock.version() != "TLSv1.3":
        return
    ready, _, _ = select.select([sock], [], [], _VERDICT_S)
    if not ready:
        return
    timeout_s = sock.gettimeout()
    sock.settimeout(0.0)
    with suppress(ssl.SSLWantReadError):
        said = sock.recv(1)
        what = "says something else than MQTT" if said else "hung up after the handshake of TLS: see its log"
        raise ConnectionAbortedError(f"it {what}")
    sock.settimeout(timeout_s)
