"""The doctor beside a gateway that runs, and at brokers with and without encryption."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.certificates import Authority
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess
from proving.shipped_broker import ShippedBroker, with_passwords

from sensor_gateway.service.doctor.doors.configuration import read_configuration
from sensor_gateway.service.doctor.doors.system import SystemDoor
from sensor_gateway.service.doctor.examination import Asked, Examination
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.testing.fake_broker import FakeBroker

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]


def doctor(file: Path, state: Path) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the findings by what they are about."""
    command = [sys.executable, "-m", "sensor_gateway", "doctor", str(file), "--state-dir", str(state), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in ended.stdout.splitlines():
        finding = json.loads(line)
        found.setdefault(finding["subject"], []).append(finding)
    return ended.returncode, found


def told(found: dict[str, list[dict[str, Any]]], subject: str) -> list[tuple[str, str]]:
    return [(one["grade"], one["sentence"]) for one in found[subject]]


def test_beside_a_running_gateway_no_bus_is_opened_and_all_is_well(
    gateway: GatewayProcess, broker: Broker, wait_until: Wait
) -> None:
    broker.start()
    gateway.start()
    wait_until(lambda: any(entry["event"] == "broker_connected" for entry in gateway.entries()))
    said = len(gateway.entries())
    _, found = doctor(gateway.config, gateway.state)
    assert told(found, "gateway") == [("ok", "a gateway runs on this state directory")]
    assert found["sensors"][0]["grade"] == "unseen"
    assert "owns the buses" in found["sensors"][0]["sentence"]
    assert found["broker"][0]["grade"] == "ok"
    assert "wrong" not in [
        one["grade"] for one in found["outbox"]
    ]  # its hot journal lies on a disk here, and it says so
    assert gateway.is_running
    disturbed = [entry for entry in gateway.entries()[said:] if entry["level"] not in ("debug", "info")]
    assert disturbed == []


def test_after_a_kill_it_says_that_no_gateway_runs_and_asks_the_sensors_itself(
    gateway: GatewayProcess, broker: Broker, wait_until: Wait
) -> None:
    broker.start()
    gateway.start()
    wait_until(lambda: any(entry["event"] == "broker_connected" for entry in gateway.entries()))
    gateway.kill()
    code, found = doctor(gateway.config, gateway.state)
    assert code == 2
    assert told(found, "gateway") == [("wrong", "no gateway runs on this state directory")]
    assert found["sensors"][0]["grade"] == "ok"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def shipped(tmp_path: Path, authority: Authority) -> Iterator[ShippedBroker]:
    broker = ShippedBroker(tmp_path / "broker", authority).start()
    yield broker
    broker.kill()


def written(tmp_path: Path, mqtt: str) -> Path:
    file = tmp_path / "my.yaml"
    file.write_text(f"gateway: {{id: greenhouse}}\nmqtt: {mqtt}\n", "utf-8")
    return file


def test_certificates_are_judged_at_the_broker_itself(
    tmp_path: Path, shipped: ShippedBroker, authority: Authority
) -> None:
    """The broker shows its own only to whom it lets in."""
    for days, grades in ((30, ["ok", "ok"]), (-1, ["wrong"])):
        pair = authority.sign("greenhouse", days=days)
        tls = f"{{ca_file: {authority.file}, cert_file: {pair.certificate}, key_file: {pair.key}}}"
        file = written(tmp_path, f"{{url: 'mqtts://127.0.0.1:{shipped.port}', tls: {tls}}}")
        _, found = doctor(file, tmp_path / "state")
        assert [one["grade"] for one in found["certificates"]] == grades
        assert found["broker"][0]["grade"] == ("ok" if days > 0 else "wrong")


def test_a_broker_of_an_authority_that_is_not_trusted_is_told(tmp_path: Path, shipped: ShippedBroker) -> None:
    other = Authority(tmp_path / "other", "other")
    file = written(tmp_path, f"{{url: 'mqtts://127.0.0.1:{shipped.port}', tls: {{ca_file: {other.file}}}}}")
    code, found = doctor(file, tmp_path / "state")
    assert code == 2
    assert found["broker"][0]["grade"] == "wrong"
    assert "authority" in found["broker"][0]["sentence"]


def test_a_wrong_password_is_told(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "broker"
    broker = ShippedBroker(folder, authority, change=with_passwords)
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(folder / "passwords"), "greenhouse", "right"], check=True)
    broker.start()
    try:
        for password, grade in (("right", "ok"), ("wrong", "wrong")):
            (tmp_path / "login").write_text(password)
            (tmp_path / "login").chmod(0o600)
            mqtt = f"{{url: 'mqtt://127.0.0.1:{broker.port}', username: greenhouse, password_file: login}}"
            _, found = doctor(written(tmp_path, mqtt), tmp_path / "state")
            assert found["broker"][0]["grade"] == grade
    finally:
        broker.kill()


def test_a_name_that_nobody_knows_is_told(tmp_path: Path) -> None:
    _, found = doctor(written(tmp_path, "{url: 'mqtt://no-such-host.invalid'}"), tmp_path / "state")
    assert found["broker"][0]["grade"] == "wrong"
    assert found["broker"][0]["remedy"] == "getent hosts no-such-host.invalid"


def test_a_gateway_that_runs_is_seen_where_its_state_may_not_be_looked_into(
    gateway: GatewayProcess, broker: Broker, wait_until: Wait
) -> None:
    """Root may look into everything, so what is known of the outbox is withheld here."""
    broker.start()
    gateway.start()
    wait_until(lambda: any(entry["event"] == "broker_connected" for entry in gateway.entries()))
    reading, unread = read_configuration(gateway.config, {})
    asked = Asked(
        file=gateway.config,
        reading=reading,
        unread=unread,
        state_directory=gateway.state,
        inspected=None,
        barred="no permission",
        gateway="house",
    )
    found = {finding.subject: finding for finding in Examination(asked, SystemClock()).findings()}
    assert "owns the buses" in found["sensors"].sentence
    assert found["outbox"].grade == "unseen"


def test_the_broker_is_dialled_once_and_systemd_asked_once(tmp_path: Path) -> None:
    """A dial with TLS waits for the broker's verdict, and ``systemctl show`` takes a process: neither is made twice."""

    class Counting(SystemDoor):
        asked = 0

        def unit(self) -> None:
            self.asked += 1

    with FakeBroker() as broker:
        file = tmp_path / "gateway.yaml"
        file.write_text(
            f"mqtt: {{url: 'mqtt://127.0.0.1:{broker.port}'}}\n"
            "buses: {wire: {type: simulated, kind: i2c}}\nsensors: {attic: {driver: bme280, bus: wire}}\n"
        )
        reading, unread = read_configuration(file, {})
        asked = Asked(
            file=file,
            reading=reading,
            unread=unread,
            state_directory=tmp_path,
            inspected=None,
            barred="",
            gateway="greenhouse",
        )
        system = Counting()
        found = {
            finding.subject: finding.grade for finding in Examination(asked, SystemClock(), system=system).findings()
        }
    assert (found["broker"], broker.connections, system.asked) == ("ok", 1, 1)
