from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.simulation.models import MODELS

MIXED = """\
mqtt: {url: mqtts://broker.lan, username: u, password_file: nowhere}
buses: {rs485: {type: serial, port: /dev/no-such-port}}
sensors:
  attic: {driver: bme280, bus: i2c1, channels: {pressure: {publish: false}}}
  boiler:
    driver: modbus
    bus: rs485
    unit: 9
    registers: {flow: {function: input, register: 1, type: s16, scale: 0.1, quantity: temperature}}
"""


def test_real_buses_are_played_and_no_broker_secret_or_device_is_needed(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    ended = cli("simulate", file(MIXED))
    assert (ended.code, ended.err) == (0, "")
    events = [json.loads(line) for line in ended.out.splitlines()]
    channels = {f"{event['sensor']}.{event['channel']}" for event in events}
    assert channels == {"attic.temperature", "attic.humidity", "boiler.flow"}
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_the_same_simulation_gives_the_same_events(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    path = file(MIXED)
    assert cli("simulate", path).out == cli("simulate", path).out


def test_a_driver_without_a_model_is_told_once_since_its_vectors_are_played(
    cli: Callable[..., Any], file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(MODELS, "bme280")  # type: ignore[arg-type]  # a dictionary, which nobody else may change
    ended = cli("simulate", file(MIXED.replace("  boiler:", "  shed: {driver: bme280, bus: i2c2}\n  boiler:")))
    assert [line for line in ended.err.splitlines() if "gave no value" not in line] == [
        "bme280 has no model: its vectors are played, one after the other, whatever values a scenario gives"
    ]


def test_a_channel_that_gives_nothing_fails_it_and_says_why(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    scenario = file("faults: [{sensor: attic, kind: nack}]\n", "dead.yaml")
    ended = cli("simulate", file(MIXED), "--scenario", scenario, "--for", "1min")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "attic.temperature gave no value in 1min: nobody acknowledges address 0x76 on i2c1",
        "attic.humidity gave no value in 1min: nobody acknowledges address 0x76 on i2c1",
    ]


def test_a_sensor_that_had_no_time_says_to_simulate_for_longer(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    ended = cli("simulate", file(), "--for", "5ms", "--expect", "attic.humidity")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("attic.humidity gave no value in 5ms: no measurement of it came to its end")
    assert ended.err.endswith("simulate for longer\n")


def test_a_filter_that_holds_the_value_back_is_named_as_the_reason(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    sensor = "{driver: lm75, bus: i2c1, channels: {temperature: {filters: [{skip_initial: 100}]}}}"
    ended = cli("simulate", file(f"mqtt: {{url: mqtt://b}}\nsensors: {{a: {sensor}}}\n"))
    assert ended.code == 1
    assert "its filters held the value back: simulate for longer" in ended.err


def test_only_what_is_expected_counts_where_something_is(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    scenario = file("faults: [{sensor: attic, kind: nack}]\n", "dead.yaml")
    arguments = ("simulate", file(MIXED), "--scenario", scenario, "--expect", "boiler.flow")
    assert cli(*arguments).code == 0
    assert cli(*arguments, "--expect", "attic.humidity").code == 1


@pytest.mark.parametrize("name", ["attic", "attic.pressure", "attic.temprature", "attik.temperature", ""])
def test_an_expected_channel_that_is_not_published_is_wrong_usage(
    cli: Callable[..., Any], file: Callable[..., Path], name: str
) -> None:
    ended = cli("simulate", file(MIXED), "--expect", name)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"--expect: no such published channel: {name}")
    assert "attic.temperature, attic.humidity, boiler.flow" in ended.err


@pytest.mark.parametrize("duration", ["5m", "5", "", "0s", "soon", "1e3s", "s", "-5s"])
def test_a_duration_that_is_none_is_wrong_usage(
    cli: Callable[..., Any], file: Callable[..., Path], duration: str
) -> None:
    ended = cli("simulate", file(), f"--for={duration}")
    assert (ended.code, ended.out) == (64, "")
    assert "argument --for: " in ended.err


SCENARIOS = {
    "values: {attic.temprature: 20}": "1:10 values.attic.temprature: no such channel is configured",
    "faults:\n- {sensor: attik, kind: nack}": "1:1 faults: no sensor attik is configured",
    "faults:\n- {bus: i2c7, kind: stuck}": "1:1 faults: no bus i2c7 is configured",
    "faults:\n- {sensor: attic, kind: nak}": "2:19 faults[0].kind: 'nak' is not known here",
    "faults:\n- {sensor: attic, kind: nack}\n- {kind: nack}": "3:3 faults[1]: expected either sensor or bus",
    "faults:\n- {sensor: attic, kind: nack, from: 5}": "2:31 faults[0].from: 5 has no unit",
    "values:\n  attic.temperature: [[0s, 1], [0s, 2]]": "2:3 values.attic.temperature: expected moments that rise",
    "values:\n  attic.temperature: [[0s, 1], [1s, x]]": "2:37 values.attic.temperature[1][1]: expected a number",
    "value: {}": "1:1 scenario.value: 'value' is not known here",
    "[]": "1:1 scenario: expected a mapping",
    "a: b: c": "1:5 a colon where none can stand",
}


@pytest.mark.parametrize("text", SCENARIOS, ids=range(len(SCENARIOS)))
def test_a_broken_scenario_is_78_with_every_fault_at_its_place(
    cli: Callable[..., Any], file: Callable[..., Path], text: str
) -> None:
    scenario = file(text, "storm.yaml")
    ended = cli("simulate", file(), "--scenario", scenario)
    assert (ended.code, ended.out) == (78, "")
    assert ended.err.startswith(f"{scenario}:{SCENARIOS[text]}")


def test_a_scenario_that_is_not_there_is_78(cli: Callable[..., Any], file: Callable[..., Path], tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        ended = cli("simulate", file(), "--scenario", path)
        assert ended.code == 78
        assert ended.err.startswith(f"{path}:1:1 the file cannot be read")


def test_a_scenario_drives_the_values(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    scenario = file("values: {attic.temperature: 33}\n", "warm.yaml")
    events = [json.loads(line) for line in cli("simulate", file(), "--scenario", scenario).out.splitlines()]
    temperatures = [event["value"] for event in events if event["channel"] == "temperature"]
    assert temperatures == pytest.approx([33] * len(temperatures), abs=0.02)


def test_a_configuration_without_sensors_is_no_failure_and_says_so(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    ended = cli("simulate", file("mqtt: {url: mqtt://b}\n"))
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("no sensors yet")
