"""The unit under the real systemd of each release."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.system

WELL = "1/1 sensors ok; mqtt up; 0 buffered; clock synced"
START = ("systemctl", "start", "sensor-gateway")


def test_it_is_ready_once_it_measures_and_says_how_it_is_in_one_line(house: Any) -> None:
    house.boot()
    house.machine.run("systemctl", "start", "mosquitto")
    house.machine.run(*START)
    assert house.machine.unit()["ActiveState"] == "active"
    house.machine.wait_until(lambda: house.status == WELL)
    house.machine.run("systemctl", "stop", "mosquitto")
    house.machine.wait_until(lambda: "; mqtt down; " in house.status)


def test_without_a_broker_it_is_ready_all_the_same(house: Any) -> None:
    house.boot()
    began_s = time.monotonic()
    house.machine.run(*START)
    assert time.monotonic() - began_s < 15
    house.machine.wait_until(lambda: house.status.startswith("1/1 sensors ok; mqtt down; "))


def test_the_journal_can_be_asked_for_a_sensor_and_for_an_event(house: Any) -> None:
    house.boot()
    house.machine.run(*START)
    house.machine.wait_until(lambda: house.machine.journal("SENSOR=attic", "EVENT=sensor_first_reading") != [])
    (started,) = house.machine.journal("EVENT=gateway_started", "_SYSTEMD_UNIT=sensor-gateway.service")
    assert (started["PRIORITY"], started["SYSLOG_IDENTIFIER"]) == ("6", "sensor-gateway")
    assert started["GATEWAY"] == "box"
    assert started["MESSAGE"].startswith("gateway_started version=")


def test_the_running_service_is_exposed_no_more_than_its_file_says(house: Any) -> None:
    house.boot()
    house.machine.run(*START)
    house.machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", "sensor-gateway.service")
    control = house.machine.run("systemd-analyze", "security", "--threshold=5", "sensor-gateway.service", check=False)
    assert control.returncode != 0


def test_a_process_that_stands_still_is_ended_and_started_anew(house: Any) -> None:
    house.boot(service="WatchdogSec=4\nRestartSec=1")
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


def test_what_is_not_delivered_is_kept_over_a_restart_and_over_a_stop(house: Any) -> None:
    house.boot()
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
    house.boot()
    house.machine.run("systemctl", "enable", "--now", "sensor-gateway")
    house.machine.wait_until(lambda: house.machine.journal("EVENT=sensor_first_reading") != [])
    time.sleep(12)  # spill_after and flush_every, and a sync
    getattr(house.machine, ending)()
    house.machine.boot()
    house.machine.wait_until(lambda: house.machine.journal("EVENT=gateway_started") != [])
    (started,) = house.machine.journal("EVENT=gateway_started")
    assert int(started["WAITING"]) > 3
