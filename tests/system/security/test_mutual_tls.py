"""The daemon and mosquitto, each of which proves who it is to the other."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.certificates import Authority, Pair
from proving.kills.gateway import GatewayProcess
from proving.shipped_broker import Person, ShippedBroker

from sensor_gateway.publishing.settings import BrokerSettings, TlsSettings
from sensor_gateway.publishing.wire.dialing import dial, meaning

pytestmark = [pytest.mark.system]

LOCAL = "IP:127.0.0.1,DNS:localhost"
Gateways = Callable[..., GatewayProcess]
Persons = Callable[..., Person]
Wait = Callable[..., None]


def config(port: int, ca_file: Path, pair: Pair | None, *, host: str = "127.0.0.1", gateway: str = "greenhouse") -> str:
    own = f", cert_file: {pair.certificate}, key_file: {pair.key}" if pair else ""
    return f"""
gateway: {{id: {gateway}}}
mqtt: {{url: 'mqtts://{host}:{port}', retry_max: 1s, tls: {{ca_file: {ca_file}{own}}}}}
clock: {{hold: 0s}}
outbox: {{keep_free: 0MB}}
buses: {{wire: {{type: simulated, kind: i2c}}}}
defaults: {{interval: 200ms, heartbeat: 5s}}
sensors:
  attic: {{driver: tmp1075, bus: wire, address: 0x48, channels: {{temperature: {{deadband: 0}}}}}}
"""


def named(gateway: GatewayProcess, event: str) -> list[dict[str, Any]]:
    return [entry for entry in gateway.entries() if entry["event"] == event]


def replace(pair: Pair, new: Pair, *, halves: str = "ck") -> None:
    """Put new files in the place of those that are used, as certificate clients do."""
    for half, old, fresh in (("c", pair.certificate, new.certificate), ("k", pair.key, new.key)):
        if half in halves:
            beside = old.with_suffix(".new")
            beside.write_bytes(fresh.read_bytes())
            beside.replace(old)


def test_each_side_proves_who_it_is_and_the_name_in_the_certificate_is_the_user(
    shipped: ShippedBroker, authority: Authority, gateways: Gateways, person: Persons, wait_until: Wait
) -> None:
    reader = person(shipped.port, authority=authority, pair=authority.sign("reader"))
    assert reader.subscribe("sensors/v1/#") < 0x80
    gateway = gateways("g", config(shipped.port, authority.file, authority.sign("greenhouse")))
    gateway.start()
    wait_until(lambda: len(reader.events("greenhouse")) > 10)
    assert named(gateway, "topic_denied") == []
    assert "u'greenhouse'" in shipped.log
    assert gateway.terminate()[0] == 0


def test_renewed_files_are_used_without_a_restart_and_nothing_is_lost(
    shipped: ShippedBroker, authority: Authority, gateways: Gateways, person: Persons, wait_until: Wait
) -> None:
    """First half of a new pair, which does not fit and changes nothing; then the other half."""
    reader = person(shipped.port, authority=authority, pair=authority.sign("reader"))
    reader.subscribe("sensors/v1/#")
    pair, new = authority.sign("renewed"), authority.sign("renewed-again")
    gateway = gateways("g", config(shipped.port, authority.file, pair, gateway="renewed"))
    gateway.start()
    wait_until(lambda: len(reader.events("renewed")) > 5)
    replace(pair, new, halves="c")
    wait_until(lambda: len(named(gateway, "certificates_not_usable")) == 1)
    (told,) = named(gateway, "certificates_not_usable")
    assert "do not belong together" in told["why"]
    heard = len(reader.events("renewed"))
    wait_until(lambda: len(reader.events("renewed")) > heard + 5)
    assert len(named(gateway, "broker_connected")) == 1
    replace(pair, authority.sign("renewed"))
    wait_until(lambda: len(named(gateway, "broker_connected")) == 2)
    wait_until(lambda: len(reader.events("renewed")) > heard + 40)
    assert gateway.terminate()[0] == 0
    wait_until(lambda: any(topic.endswith("/status") and b"offline" in payload for topic, payload in [*reader.heard]))
    assert len(named(gateway, "certificates_not_usable")) == 1
    assert len(named(gateway, "connection_renewing")) == 1
    assert named(gateway, "broker_lost") == []
    seqs = [event["seq"] for event in reader.events("renewed")]
    assert seqs == list(range(1, len(seqs) + 1)), (
        "each event once: nothing was under way when the connection was closed"
    )
    statuses = [payload for topic, payload in reader.heard if topic == "sensors/v1/renewed/status"]
    assert [b"offline" in status for status in statuses] == [False, False, True], "no will was published meanwhile"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("broker's expired", "the broker's certificate has expired"),
        ("unknown authority", "authority that is not trusted"),
        ("wrong name", "the broker's certificate is for another host name"),
        ("own expired", "our certificate is out of its time"),
        ("own unknown", "the broker does not trust the authority of our certificate"),
        ("none", "the broker wants a client certificate: set mqtt.tls.cert_file"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_one_clear_sentence(
    tmp_path: Path, authority: Authority, gateways: Gateways, wait_until: Wait, case: str, words: str
) -> None:
    stranger = Authority(tmp_path / "stranger", "stranger")
    days = -1 if case == "broker's expired" else 1
    server = authority.sign("other-broker", days=days, alternatives="IP:127.0.0.9" if case == "wrong name" else LOCAL)

    def change(text: str) -> str:
        text = re.sub(r"(?m)^certfile .*$", f"certfile {server.certificate}", text)
        return re.sub(r"(?m)^keyfile .*$", f"keyfile {server.key}", text)

    broker = ShippedBroker(tmp_path / "broker", authority, change=change).start()
    try:
        pair: Pair | None = authority.sign("greenhouse")
        if case == "own expired":
            pair = authority.sign("out-of-time", days=-1)
        if case == "own unknown":
            pair = stranger.sign("greenhouse")
        if case == "none":
            pair = None
        ca_file = stranger.file if case == "unknown authority" else authority.file
        host = "localhost" if case == "wrong name" else "127.0.0.1"
        gateway = gateways("g", config(broker.port, ca_file, pair, host=host))
        gateway.start()
        wait_until(lambda: any("why" in entry for entry in gateway.entries()))
        time.sleep(2.5)
        told = [entry["why"] for entry in gateway.entries() if entry["event"].startswith("broker_")]
        assert len(told) == 1, "told once, however often it is tried"
        assert words in told[0]
        assert gateway.terminate()[0] == 0
    finally:
        broker.kill()


def test_a_broker_of_the_last_century_is_told_by_its_protocol(authority: Authority) -> None:
    pair = authority.sign("old-broker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    def serve(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(ssl.SSLError):
            context.wrap_socket(sock, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        broker = BrokerSettings(host="127.0.0.1", port=port, client_id="x", tls=TlsSettings(ca_file=authority.file))
        with pytest.raises(ssl.SSLError) as caught:
            dial(broker)
        thread.join()
    assert meaning(caught.value) == "the broker does not speak TLS 1.2 or later"
