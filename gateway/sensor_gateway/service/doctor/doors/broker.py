"""Goes the way to the broker step by step, and says where it ends. Nothing is published, and no name is taken."""

from __future__ import annotations

import socket
import ssl
import stat
from pathlib import Path
from typing import Final

from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.subscriber import BrokerUnreachable, Subscriber
from sensor_gateway.publishing.tls.certificate import Validity, validity_of
from sensor_gateway.publishing.tls.context import own_validity
from sensor_gateway.publishing.wire.dialing import dial, meaning
from sensor_gateway.service.doctor.judges.broker import BrokerFacts, Step

_TIMEOUT_S: Final = 10.0


def look_at_broker(broker: BrokerSettings, topic: str) -> BrokerFacts:
    """Resolve, connect, shake hands, log in, and listen to ``topic`` for a moment. Blocks for half a minute at most."""
    ours = _ours(broker)
    shown: list[Validity | None] = []

    def dialled(settings: BrokerSettings) -> socket.socket:
        sock = dial(settings)
        shown.append(_theirs(sock))
        return sock

    try:
        socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        return _facts(broker, Step.NAME, meaning(error), None, ours)
    subscriber = Subscriber(broker, [topic], lambda _topic, _payload: None, dial=dialled)
    try:
        subscriber.connect(_TIMEOUT_S)
    except BrokerUnreachable as error:
        if not shown:
            return _facts(broker, Step.PORT, error.why, None, ours)
        return _facts(broker, Step.SUBSCRIPTION if error.is_let_in else Step.GREETING, error.why, shown[0], ours)
    finally:
        subscriber.close()
    return _facts(broker, Step.ALL, "", shown[0], ours)


def _facts(
    broker: BrokerSettings, failed: Step, why: str, brokers: Validity | None, ours: Validity | None
) -> BrokerFacts:
    return BrokerFacts(
        host=broker.host,
        port=broker.port,
        tls=broker.tls,
        failed=failed,
        why=why,
        brokers=brokers,
        ours=ours,
        exposed_key=_exposed_key(broker),
    )


def _exposed_key(broker: BrokerSettings) -> Path | None:
    """The file of our private key, which may be that of the certificate, where others can read it."""
    file = None if broker.tls is None else broker.tls.key_file or broker.tls.certificate_file
    try:
        return file if file is not None and file.stat().st_mode & stat.S_IROTH else None
    except OSError:
        return None  # dialling says what is wrong with it


def _theirs(sock: socket.socket) -> Validity | None:
    der = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    return None if der is None else validity_of(ssl.DER_cert_to_PEM_cert(der).encode())


def _ours(broker: BrokerSettings) -> Validity | None:
    if broker.tls is None or broker.tls.certificate_file is None:
        return None
    try:
        return own_validity(broker.tls.certificate_file)
    except (OSError, ValueError):
        return None  # dialling says what is wrong with it
