"""The unit under the real systemd of each release."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

FILE = "etc/sensor-gateway/gateway.yaml"
CONFIG = """
gateway: {id: box}
mqtt: {url: 'mqtt://127.0.0.1'}
clock: {hold: 0s}
defaults: {interval: 1s}
buses: {wire: {type: simulated, kind: i2c}}
sensors:
  attic: {driver: bme280, bus: wire}
"""

pytestmark = pytest.mark.system

WELL = re.compile(r"1/1 sensors ok; mqtt up; \d+ buffered; clock synced")
START = ("systemctl", "start", "sensor-gateway")


def test_it_is_ready_once_it_measures_and_says_how_it_is_in_one_line(house: Any) -> None:
    house.boot(CONFIG)
    house.machine.run("systemctl", "start", "mosquitto")
    house.machine.run(*START)
    assert house.machine.unit()["ActiveState"] == "active"
    house.machine.wait_until(lambda: WELL.fullmatch(house.status) is not None)
    house.machine.run("systemctl", "stop", "mosquitto")
    house.machine.wait_until(lambda: "; mqtt down; " in house.status)


def test_without_a_broker_it_is_ready_all_the_same(house: Any) -> None:
    house.boot(CONFIG)
    began_s = time.monotonic()
    house.machine.run(*START)
    assert time.monotonic() - began_s < 15
    house.machine.wait_until(lambda: house.status.startswith("1/1 sensors ok; mqtt down; "))


def test_the_journal_can_be_asked_for_a_sensor_and_for_an_event(house: Any) -> None:
    house.boot(CONFIG)
    house.machine.run(*START)
    house.machine.wait_until(lambda: house.machine.journal("SENSOR=attic", "EVENT=sensor_first_reading") != [])
    (started,) = house.machine.journal("EVENT=gateway_started", "_SYSTEMD_UNIT=sensor-gateway.service")
    assert (started["PRIORITY"], started["SYSLOG_IDENTIFIER"]) == ("6", "sensor-gateway")
    assert started["GATEWAY"] == "box"
    assert started["MESSAGE"].startswith("gateway_started version=")


def test_the_running_service_is_exposed_no_more_than_its_file_says(house: Any) -> None:
    house.boot(CONFIG)
    house.machine.run(*START)
    house.machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", "sensor-gateway.service")
    control = house.machine.run("systemd-analyze", "security", "--threshold=5", "sensor-gateway.service", check=False)
    assert control.returncode != 0


def test_a_process_that_stands_still_is_ended_and_started_anew(house: Any) -> None:
    house.boot(CONFIG, service="WatchdogSec=4\nRestartSec=1")
    house.machine.run(*START)
    time.sleep(6)
    before = house.machine.unit()
    assert before["NRestarts"] == "0", "the control: while it goes on, it is left alone"
    house.machine.run("kill", "-STOP", before["MainPID"])
    house.machine.wait_until(lambda: house.machine.unit()["NRestarts"] != "0", 60)
    house.machine.wait_until(lambda: house.machine.unit()["ActiveState"] == "active")
    assert house.machine.unit()["MainPID"] != before["MainPID"]


def test_a_wrong_configuration_is_not_tried_again(house: Any) -> None:
    house.boot("sensors: {attic: {driver: bme290, bus: i2c1}}\n", service="RestartSec=100ms")
    assert house.machine.run(*START, check=False).returncode != 0
    time.sleep(2)
    unit = house.machine.unit()
    assert (unit["ActiveState"], unit["ExecMainStatus"], unit["NRestarts"]) == ("failed", "78", "0")
    assert any("bme290" in entry["MESSAGE"] for entry in house.machine.journal("_SYSTEMD_UNIT=sensor-gateway.service"))


def test_a_reload_is_heeded_and_a_wrong_file_changes_nothing(house: Any) -> None:
    house.boot(CONFIG)
    house.machine.run(*START)
    pid = house.machine.unit()["MainPID"]
    second = "  cellar: {driver: bh1750, bus: wire}\n"
    house.machine.write(FILE, house.machine.read(FILE) + second)
    house.machine.run("systemctl", "reload", "sensor-gateway")
    house.machine.wait_until(lambda: house.status.startswith("2/2 sensors ok; "), 90)
    house.machine.write(FILE, house.machine.read(FILE) + "  loft: {driver: bme290, bus: wire}\n")
    assert house.machine.run("systemctl", "reload", "sensor-gateway", check=False).returncode != 0
    told = house.machine.journal("_SYSTEMD_UNIT=sensor-gateway.service", "PRIORITY=6")
    assert any("gateway.yaml:10:" in entry["MESSAGE"] and "bme290" in entry["MESSAGE"] for entry in told)
    unit = house.machine.unit()
    assert (unit["ActiveState"], unit["SubState"], unit["MainPID"]) == ("active", "running", pid)
    assert house.status.startswith("2/2 sensors ok; ")


def test_a_signal_that_comes_with_a_wrong_file_is_told_in_the_status(house: Any) -> None:
    house.boot(CONFIG)
    house.machine.run(*START)
    house.machine.write(FILE, "sensors: 1\n")
    house.machine.run("systemctl", "kill", "--kill-whom=main", "--signal=HUP", "sensor-gateway")
    house.machine.wait_until(lambda: "the configuration file has" in house.status)
    assert house.machine.unit()["ActiveState"] == "active"


def test_the_rules_for_devices_are_rules(house: Any) -> None:
    """systemd 254 and later can tell."""
    house.boot(CONFIG)
    version = int(house.machine.run("systemctl", "--version").stdout.split()[1])
    if version < 254:
        pytest.skip(f"udevadm of systemd {version} has no verify")
    house.machine.run("udevadm", "verify", "/usr/lib/udev/rules.d/60-sensor-gateway.rules")


def test_a_password_reaches_the_broker_and_nobody_else(house: Any) -> None:
    house.boot(CONFIG.replace("127.0.0.1'", "127.0.0.1', username: box, password_file: mqtt-password"))
    machine = house.machine
    machine.run("sensor-gateway", "secret", "set", "mqtt-password", input_text="sesame\n")
    assert machine.run("sensor-gateway", "secret", "list").stdout == "mqtt-password\n"
    machine.run("mosquitto_passwd", "-b", "-c", "/etc/mosquitto/passwords", "box", "sesame")
    machine.run("chown", "mosquitto", "/etc/mosquitto/passwords")
    machine.write("etc/mosquitto/conf.d/test.conf", "listener 1883 127.0.0.1\npassword_file /etc/mosquitto/passwords\n")
    machine.run("systemctl", "start", "mosquitto")
    machine.run(*START)
    machine.wait_until(lambda: "; mqtt up; " in house.status)
    for user in ("sensor-gateway", "nobody"):
        peeped = machine.run(
            "runuser", "-u", user, "--", "cat", "/etc/sensor-gateway/credentials/mqtt-password", check=False
        )
        assert peeped.returncode != 0
    machine.run("sensor-gateway", "secret", "set", "mqtt-password", input_text="wrong")
    machine.run("systemctl", "restart", "sensor-gateway")
    machine.wait_until(lambda: "; mqtt refused; " in house.status)


def test_a_credential_that_is_imported_has_its_whole_name(house: Any) -> None:
    """systemd 254 and later."""
    name = "sensor-gateway.mqtt-password"
    house.boot(CONFIG.replace("127.0.0.1'", f"127.0.0.1', username: box, password_file: {name}"))
    house.machine.write(f"etc/credstore/{name}", "sesame", mode=0o600)
    started = house.machine.run(*START, check=False)
    version = int(house.machine.run("systemctl", "--version").stdout.split()[1])
    assert (started.returncode == 0) == (version >= 254)


def test_what_is_not_delivered_is_kept_over_a_restart_and_over_a_stop(house: Any) -> None:
    house.boot(CONFIG)
    house.machine.run(*START)
    house.machine.wait_until(lambda: house.machine.journal("EVENT=sensor_first_reading") != [])
    house.machine.run("systemctl", "restart", "sensor-gateway")
    house.machine.run("systemctl", "stop", "sensor-gateway")
    house.machine.run(*START)
    lives = house.machine.journal("EVENT=gateway_started")
    waiting = [int(life["WAITING"]) for life in lives]
    assert len({life["EPOCH"] for life in lives}) == 1
    assert waiting == sorted(waiting)
    assert waiting[1] > 1, "the epoch's own event, and the first values"


@pytest.mark.parametrize("ending", ["power_off", "cut"])
def test_what_had_reached_the_disk_is_there_after_the_machine_was_off(house: Any, ending: str) -> None:
    house.boot(CONFIG)
    house.machine.run("systemctl", "enable", "--now", "sensor-gateway")
    house.machine.wait_until(lambda: house.machine.journal("EVENT=sensor_first_reading") != [])
    time.sleep(12)  # spill_after and flush_every, and a sync
    getattr(house.machine, ending)()
    house.machine.boot()
    house.machine.wait_until(lambda: house.machine.journal("EVENT=gateway_started") != [])
    (started,) = house.machine.journal("EVENT=gateway_started")
    assert int(started["WAITING"]) > 3
