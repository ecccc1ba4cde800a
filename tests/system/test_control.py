"""The real gateway and the commands that ask it, over its control socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from proving.breakages import HANGING_PUBLISHER
from proving.ear import Ear, small_config
from proving.kills.gateway import GatewayProcess

pytestmark = pytest.mark.system


def asked(gateway: GatewayProcess, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sensor_gateway", *words]
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(gateway.hot)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environ)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def connected(gateway: GatewayProcess, said: bytes = b"") -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(gateway.hot / "control.sock"))
    client.sendall(said)
    return client


def test_status_tells_how_the_gateway_is_and_its_exit_code_too(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateway = gateways("barn", small_config("barn", ear.port))
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    check = asked(gateway, "status", "--check")
    assert (check.returncode, check.stdout.partition(":")[0]) == (0, "well"), check.stdout
    page = asked(gateway, "status")
    assert page.stdout.startswith("barn is well: all 2 sensors online, connected for ")
    assert "\033" not in page.stdout
    published = ear.health("barn")
    told = json.loads(asked(gateway, "status", "--json").stdout)
    assert set(told) == set(published)
    assert told["time"] > published["time"]
    report = asked(gateway, "bugreport", "-", "--config", str(gateway.config))
    assert '"sensor_counts": {\n   "starting": 0,\n   "online": 2,' in report.stdout, report.stdout
    ear.close()
    wait_until(lambda: "no connection to the broker" in asked(gateway, "status").stdout)
    assert asked(gateway, "status", "--check").returncode == 1


def test_reload_tells_what_changed_or_every_fault(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateway = gateways("barn", small_config("barn", ear.port))
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    same = asked(gateway, "reload")
    assert (same.returncode, same.stdout) == (0, "nothing changed\n")
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("  s1:", "  s9:"))
    changed = asked(gateway, "reload")
    assert changed.returncode == 0
    assert "s9" in changed.stdout
    gateway.config.write_text(text.replace("driver: ", "driver: no-such-"))
    faulty = asked(gateway, "reload")
    assert (faulty.returncode, faulty.stdout) == (os.EX_CONFIG, "")
    assert faulty.stderr.count("unknown driver") == 2
    assert f"{gateway.config}:" in faulty.stderr
    check = asked(gateway, "status", "--check")
    assert check.returncode == 1
    assert check.stdout.count("configuration") == 1
    assert "the configuration file has 2 faults; the gateway goes on as it was; the first is at" in check.stdout


def test_without_a_daemon_both_say_what_to_do_and_a_killed_ones_socket_is_replaced(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateway = gateways("barn", small_config("barn", ear.port))
    file = gateway.hot / "control.sock"
    wait_until(file.exists)
    assert file.stat().st_mode & 0o777 == 0o660
    gateway.kill()
    assert file.exists()
    for words in (("status",), ("status", "--check"), ("reload",)):
        ended = asked(gateway, *words)
        assert ended.returncode == os.EX_UNAVAILABLE
        assert "no gateway runs here" in ended.stderr
        assert "systemctl start" in ended.stderr
    gateway.start()
    wait_until(lambda: asked(gateway, "status", "--check").returncode in {0, 1})
    assert gateway.terminate()[0] == 0
    assert not file.exists()


def test_idle_clients_and_half_requests_disturb_neither_readings_nor_answers(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateway = gateways("barn", small_config("barn", ear.port))
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    clients: list[socket.socket] = []
    before = json.loads(asked(gateway, "status", "--json").stdout)
    deadline_s = time.monotonic() + 4
    while time.monotonic() < deadline_s or len(clients) < 100:
        clients.append(connected(gateway, b'{"request":' if len(clients) % 2 else b""))
        time.sleep(0.03)
    after = json.loads(asked(gateway, "status", "--json").stdout)
    for client in clients:
        client.close()
    assert after["sensors"]["s0"]["state"] == "online"
    assert after["acknowledged"] > before["acknowledged"]
    assert all(bus["missed"] == before["buses"][name]["missed"] for name, bus in after["buses"].items())


def test_a_publisher_that_hangs_is_told_instead_of_waited_for(
    ear: Ear, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    gateway = GatewayProcess(tmp_path, small_config("barn", ear.port), change=HANGING_PUBLISHER)
    gateway.start()
    try:
        wait_until(lambda: "publisher does not answer" in asked(gateway, "status", "--check").stdout)
        assert asked(gateway, "status", "--check").returncode == 2
    finally:
        gateway.kill()


def test_a_bus_that_is_gone_is_one_event_and_one_sentence(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateway = gateways("barn", small_config("barn", ear.port).replace("bus: wire", "bus: i2c77"))
    wait_until(lambda: "bus i2c77: all its 2 sensors are silent" in asked(gateway, "status", "--check").stdout)
    told = json.loads(asked(gateway, "status", "--json").stdout)
    assert told["buses"]["i2c77"]["reason"].startswith("all its 2 sensors are silent: there is no /dev/i2c-77")
    said = [entry for entry in gateway.entries() if entry["event"] == "bus_silent"]
    assert [(entry["bus"], entry["sensors"]) for entry in said] == [("i2c77", ["s0", "s1"])]
