"""A real Home Assistant is the judge: what it shows of us, when, and what it complains of.

Runs where HOME_ASSISTANT_PYTHON names a Python that has Home Assistant; tests/README.md says how to get one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.home_assistant, pytest.mark.timeout(180)]

FIELDS = "{wind: {quantity: wind_speed}, gusts: {quantity: other, unit: 1/h}}"
REGISTERS = (
    "{flow_temperature: {function: input, register: 1, type: s16, scale: 0.1, quantity: temperature}, "
    "ph: {function: input, register: 2, type: u16, scale: 0.1, quantity: ph}}"
)
SENSORS = {
    "attic": "{driver: bme280, bus: wire, label: Attic, area: Roof}",
    "bench": "{driver: bh1750, bus: wire}",
    "mast": f"{{driver: line, bus: port, format: json, fields: {FIELDS}}}",
    "boiler": f"{{driver: modbus, bus: rs485, unit: 1, registers: {REGISTERS}}}",
}


def config(port: int, *sensors: str, home_assistant: str = "true", scenario: str = "", attic: str = "") -> str:
    told = f", scenario: {scenario}" if scenario else ""
    lines = [
        "gateway: {id: house, label: The house, area: Ground floor}",
        f"mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}",
        f"home_assistant: {home_assistant}",
        "clock: {hold: 0s}",
        "outbox: {keep_free: 0MB}",
        "buses:",
        f"  wire: {{type: simulated, kind: i2c{told}}}",
        f"  port: {{type: simulated, kind: serial{told}}}",
        f"  rs485: {{type: simulated, kind: serial{told}}}",
        "defaults: {interval: 1s, heartbeat: 5s}",
        "sensors:",
    ]
    lines += [f"  {name}: {SENSORS[name].replace('label: Attic', f'label: Attic{attic}')}" for name in sensors]
    return "\n".join(lines) + "\n"


def until(condition: Callable[[], bool], seconds: float = 25.0) -> None:
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass in time"
        time.sleep(0.1)


def is_number(text: str | None) -> bool:
    try:
        return text is not None and float(text) == float(text)
    except ValueError:
        return False


@pytest.mark.parametrize("form", ["device", "single"])
def test_one_line_shows_every_sensor_with_its_unit(
    gateway: Any, broker: Any, start_home_assistant: Any, form: str
) -> None:
    hass = start_home_assistant()
    gateway.config.write_text(config(broker.port, *SENSORS, home_assistant=f"{{form: {form}}}"))
    gateway.start()
    values = {
        "house.attic.state.temperature": ("temperature", "°C"),
        "house.attic.state.humidity": ("humidity", "%"),
        "house.attic.state.pressure": ("pressure", "hPa"),
        "house.bench.state.illuminance": ("illuminance", "lx"),
        "house.mast.state.wind": ("wind_speed", "km/h"),  # its own choice, out of our m/s
        "house.mast.state.gusts": (None, "1/h"),
        "house.boiler.state.flow_temperature": ("temperature", "°C"),
        "house.boiler.state.ph": ("ph", None),
    }
    until(lambda: all(is_number(hass.state(unique_id)) for unique_id in values))
    for unique_id, (device_class, unit) in values.items():
        attributes = hass.entity(unique_id)["attributes"]
        assert attributes.get("device_class") == device_class
        assert attributes.get("unit_of_measurement") == unit
        assert attributes["state_class"] == "measurement"
    assert hass.state("house.status") == "on"
    for sensor in SENSORS:
        assert hass.state(f"house.{sensor}.availability") == "online"
    seen = hass.ask()
    assert {name: (device["name"], device["area"], device["via"]) for name, device in seen["devices"].items()} == {
        "sensor-gateway.house": ("The house", "Ground floor", []),
        "sensor-gateway.house.attic": ("Attic", "Roof", ["sensor-gateway.house"]),
        "sensor-gateway.house.bench": ("Bench", "Ground floor", ["sensor-gateway.house"]),
        "sensor-gateway.house.mast": ("Mast", "Ground floor", ["sensor-gateway.house"]),
        "sensor-gateway.house.boiler": ("Boiler", "Ground floor", ["sensor-gateway.house"]),
    }
    assert seen["entities"]["sensor-gateway.house.attic.state.temperature"]["id"] == "sensor.attic_temperature"
    assert len(seen["entities"]) == 5 + len(values) + len(SENSORS)
    assert hass.complaints() == []


def test_a_wire_that_is_pulled_shows_within_two_intervals_and_why(
    gateway: Any, broker: Any, start_home_assistant: Any
) -> None:
    """A stream that falls silent: within three."""
    hass = start_home_assistant()
    scenario = gateway.directory / "scenario.yaml"
    scenario.write_text(
        "faults:\n"
        "- {sensor: attic, kind: nack, from: 6s, until: 14s}\n"
        "- {sensor: mast, kind: silence, from: 6s, until: 14s}\n"
    )
    gateway.config.write_text(config(broker.port, *SENSORS, scenario=str(scenario)))
    gateway.start()
    watched = {"house.attic.state.temperature": 2.0, "house.mast.state.wind": 3.0}
    until(lambda: all(is_number(hass.state(unique_id)) for unique_id in watched))
    alive_s: dict[str, float] = {}
    gone_s: dict[str, float] = {}

    def are_gone() -> bool:
        for unique_id in watched:
            entity = hass.entity(unique_id)
            if is_number(entity["state"]):
                alive_s[unique_id] = entity["since_s"]
            elif entity["state"] == "unavailable":
                gone_s.setdefault(unique_id, entity["since_s"])
        return gone_s.keys() == watched.keys()

    until(are_gone)
    for unique_id, most_s in watched.items():
        assert gone_s[unique_id] - alive_s[unique_id] <= most_s + 0.7, unique_id
    state = hass.entity("house.attic.availability")
    assert state["state"] == "offline"
    assert state["attributes"]["code"] == "nack"
    assert state["attributes"]["reason"]
    assert hass.state("house.boiler.availability") == "online"
    assert hass.state("house.bench.state.illuminance") != "unavailable"
    until(lambda: all(is_number(hass.state(unique_id)) for unique_id in watched))
    assert hass.state("house.attic.availability") == "online"
    assert hass.complaints() == []


def test_a_gateway_that_is_gone_is_never_shown_as_alive(gateway: Any, broker: Any, start_home_assistant: Any) -> None:
    hass = start_home_assistant()
    gateway.config.write_text(config(broker.port, *SENSORS))
    gateway.start()
    until(lambda: is_number(hass.state("house.attic.state.temperature")))
    assert gateway.terminate()[0] == 0
    until(lambda: hass.state("house.status") == "off", 5.0)
    shown = {unique_id: entity["state"] for unique_id, entity in hass.ask()["entities"].items()}
    assert {state for unique_id, state in shown.items() if unique_id != "sensor-gateway.house.status"} == {
        "unavailable"
    }
    gateway.start()
    until(lambda: is_number(hass.state("house.attic.state.temperature")))
    gateway.kill()
    until(lambda: hass.state("house.attic.state.temperature") == "unavailable", 12.0)
    assert hass.state("house.status") == "off"
    assert hass.complaints() == []


def test_what_left_the_configuration_leaves_home_assistant_over_a_restart(
    gateway: Any, broker: Any, start_home_assistant: Any
) -> None:
    hass = start_home_assistant()
    gateway.config.write_text(config(broker.port, *SENSORS))
    gateway.start()
    until(
        lambda: is_number(hass.state("house.attic.state.pressure")) and is_number(hass.state("house.mast.state.wind"))
    )
    assert gateway.terminate()[0] == 0
    without = ", channels: {pressure: {publish: false}}"
    gateway.config.write_text(config(broker.port, "attic", "bench", "boiler", attic=without))
    gateway.start()
    until(lambda: not hass.entity("house.attic.state.pressure") and not hass.entity("house.mast.state.wind"))
    until(lambda: is_number(hass.state("house.attic.state.temperature")))
    assert sorted(hass.ask()["devices"]) == [
        "sensor-gateway.house",
        "sensor-gateway.house.attic",
        "sensor-gateway.house.bench",
        "sensor-gateway.house.boiler",
    ]
    assert gateway.terminate()[0] == 0
    gateway.config.write_text(config(broker.port, "attic", "bench", "boiler", home_assistant="false"))
    gateway.start()
    until(lambda: not hass.ask()["entities"])
    assert hass.ask()["devices"] == {}
    assert hass.complaints() == []


def test_another_form_keeps_the_entities_with_what_a_user_set(
    gateway: Any, broker: Any, start_home_assistant: Any
) -> None:
    hass = start_home_assistant()
    gateway.config.write_text(config(broker.port, *SENSORS, home_assistant="{form: single}"))
    gateway.start()
    until(lambda: is_number(hass.state("house.boiler.state.ph")))
    before = {unique_id: entity["id"] for unique_id, entity in hass.ask()["entities"].items()}
    assert gateway.terminate()[0] == 0
    gateway.config.write_text(config(broker.port, *SENSORS))
    gateway.start()
    until(lambda: hass.state("house.status") == "on" and is_number(hass.state("house.boiler.state.ph")))
    assert {unique_id: entity["id"] for unique_id, entity in hass.ask()["entities"].items()} == before
    assert hass.complaints() == []


def test_a_home_assistant_that_comes_later_finds_everything(
    gateway: Any, broker: Any, start_home_assistant: Any
) -> None:
    gateway.config.write_text(config(broker.port, *SENSORS))
    gateway.start()
    until(lambda: "broker_connected" in [entry["event"] for entry in gateway.entries()])
    hass = start_home_assistant()
    until(lambda: is_number(hass.state("house.attic.state.temperature")))
    assert len(hass.ask()["devices"]) == 5
    assert hass.complaints() == []


def test_its_own_birth_brings_everything_again_without_a_complaint(
    gateway: Any, broker: Any, start_home_assistant: Any
) -> None:
    hass = start_home_assistant()
    gateway.config.write_text(config(broker.port, *SENSORS, home_assistant="{birth_spread: 100ms}"))
    gateway.start()
    until(lambda: is_number(hass.state("house.boiler.state.ph")))
    before = hass.ask()["entities"].keys()
    hass.ask("birth")
    time.sleep(2.0)
    assert hass.ask()["entities"].keys() == before
    assert is_number(hass.state("house.boiler.state.ph"))
    assert hass.complaints() == []


def test_the_lines_for_those_without_discovery_are_what_home_assistant_reads(start_home_assistant: Any) -> None:
    hass = start_home_assistant()
    page = (Path(__file__).parents[2] / "docs" / "home-assistant.md").read_text("utf-8")
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "state_topic" in block]
    assert hass.judge(text) == ""
    assert "state_class" in hass.judge(text.replace("state_class: measurement", "state_class: measured"))
    assert "topic" in hass.judge(text.replace("      state_topic:", "      topic:"))
