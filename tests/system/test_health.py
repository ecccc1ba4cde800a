"""The health of real gateways at a real broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from proving.ear import UNPLUGGED, Ear, small_config
from proving.kills.gateway import GatewayProcess

pytestmark = pytest.mark.system


def test_a_running_gateway_keeps_its_health_at_the_broker(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateways("barn", small_config("barn", ear.port))
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    found = ear.health("barn")
    assert (found["gateway"], found["link"]["state"], found["link"]["protocol"]) == ("barn", "connected", "5")
    assert (found["lost_total"], found["alarms"], found["left_out"]) == (0, [], [])
    assert found["buses"]["wire"]["state"] == "alive"
    assert found["sensors"]["s0"]["last_good"] is not None
    wait_until(lambda: ear.health("barn")["uptime_s"] > found["uptime_s"])
    assert ear.health("barn")["acknowledged"] >= found["acknowledged"]
    wait_until(lambda: ear.health("barn")["buses"]["wire"]["load"] is not None)


def test_a_sensor_that_is_pulled_is_in_the_health_within_seconds_although_the_interval_is_long(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "pulled.yaml").write_text(UNPLUGGED)
    bus = f", scenario: {tmp_path / 'pulled.yaml'}"
    gateways("barn", small_config("barn", ear.port, health_interval="1h", bus=bus))
    wait_until(lambda: ear.health("barn").get("sensors", {}).get("s0", {}).get("state") == "offline")
    wait_until(lambda: ear.health("barn")["sensors"]["s1"]["state"] == "online")
    found = ear.health("barn")["sensors"]
    assert found["s0"]["code"] == "nack"
    assert found["s0"]["failures"] >= 2
    assert found["s1"]["state"] == "online"
    assert len(ear.said) <= 5, "changes are told together, and no reading is"


def test_a_broker_that_takes_small_messages_gets_a_small_one(
    tmp_path: Path, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    (tmp_path / "small").mkdir()
    ear = Ear(tmp_path / "small", "max_packet_size 4000")
    try:
        gateways("barn", small_config("barn", ear.port, sensors=60))
        wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 60)
        found = ear.health("barn")
        assert "online_sensors" in found["left_out"]
        assert found["sensors"] == {}
        assert len(ear.retained["sensors/v1/barn/health"]) < 4000
    finally:
        ear.close()


def test_without_an_interval_nothing_is_said_of_health(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None]
) -> None:
    gateways("barn", small_config("barn", ear.port, health_interval="false"))
    wait_until(lambda: "sensors/v1/barn/state/s0/temperature" in ear.retained)
    assert ear.said == []
