"""Judges the way to the broker: its name, its port, encryption, and whether it lets us in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from sensor_gateway.publishing.settings import TlsSettings
from sensor_gateway.publishing.tls.certificate import Validity
from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong

_MONTH_MS: Final = 30 * 86_400_000
_NOTICE_PART: Final = 6


class Step(StrEnum):
    """How far we came."""

    NAME = "name"
    PORT = "port"
    GREETING = "greeting"
    SUBSCRIPTION = "subscription"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """``failed`` is the step that failed, for the reason in ``why``. Validities are None without TLS, or unknown.

    ``tls``: how the connection is encrypted; None for not at all. ``exposed_key``: our private key, where everybody on
    this machine can read it.
    """

    host: str
    port: int
    tls: TlsSettings | None
    failed: Step
    why: str
    brokers: Validity | None = None
    ours: Validity | None = None
    exposed_key: Path | None = None


def judge_broker(broker: BrokerFacts, now_ms: int, *, file: Path, is_clock_set: bool) -> Iterator[Finding]:
    """``now_ms``: wall clock time, by which certificates are judged where ``is_clock_set``; ``file`` tells our login.

    What is offered shows no secret: a command line can be read by everybody on a machine.
    """
    place, login = f"{broker.host}:{broker.port}", f"sensor-gateway tail --config {shlex.quote(str(file))}"
    match broker.failed:
        case Step.NAME:
            yield wrong("broker", f"{broker.host}: {broker.why}", f"getent hosts {broker.host}")
        case Step.PORT:
            yield wrong("broker", f"{place}: {broker.why}", _of_the_port(broker))
        case Step.GREETING:
            yield wrong("broker", f"{place}: {broker.why}", f"{login}   # logs in as the gateway does")
        case Step.SUBSCRIPTION:
            yield advice("broker", f"{place}: {broker.why}", f"{login}   # only what listens needs it")
        case Step.ALL:
            how = "encrypted" if broker.tls is not None else "not encrypted"
            yield ok("broker", f"{place} lets us in, {how}")
    if broker.exposed_key is not None:
        yield advice(
            "certificates", exposed(broker.exposed_key), f"sudo chmod o-rwx {shlex.quote(str(broker.exposed_key))}"
        )
    if is_clock_set:
        yield from _of_certificate("the broker's certificate", broker.brokers, now_ms, _renewed(broker))
        own = "ls -l /etc/sensor-gateway   # put a new mqtt.tls.cert_file and key_file in place: no restart is needed"
        yield from _of_certificate("our certificate (mqtt.tls.cert_file)", broker.ours, now_ms, own)


def exposed(key: Path) -> str:
    """What is to be said of a key that is not private."""
    return f"the mode of our private key lets everybody on this machine read it: {key}"


def _of_the_port(broker: BrokerFacts) -> str:
    if broker.tls is not None:
        return f"openssl s_client -connect {broker.host}:{broker.port} </dev/null"
    return f"nc -vz {broker.host} {broker.port}   # on the broker: systemctl status mosquitto"


def _renewed(broker: BrokerFacts) -> str:
    return f"openssl s_client -connect {broker.host}:{broker.port} </dev/null | openssl x509 -noout -dates"


def _of_certificate(what: str, validity: Validity | None, now_ms: int, remedy: str) -> Iterator[Finding]:
    if validity is None:
        return
    until = datetime.fromtimestamp(validity.until_ms / 1000, UTC).date().isoformat()
    notice_ms = min((validity.until_ms - validity.from_ms) // _NOTICE_PART, _MONTH_MS)
    if now_ms < validity.from_ms:
        yield wrong("certificates", f"{what} is not valid yet", "timedatectl")
    elif now_ms >= validity.until_ms:
        yield wrong("certificates", f"{what} expired on {until}", remedy)
    elif now_ms >= validity.until_ms - notice_ms:
        yield advice("certificates", f"{what} expires on {until}", remedy)
    else:
        yield ok("certificates", f"{what} is valid until {until}")
