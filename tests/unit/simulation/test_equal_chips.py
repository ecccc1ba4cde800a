"""Two equal chips at one address, each behind its own channel of a multiplexer: two buses, and nothing in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensor_gateway.config.loading import load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.logs import open_log
from sensor_gateway.service.rehearsal import Outcome, Rehearsal
from sensor_gateway.service.scenarios import scenario_for

TWO = """\
buses: {mux0: {type: i2c, path: /dev/i2c-mux0}, mux1: {type: i2c, path: /dev/i2c-mux1}}
sensors:
  north: {driver: sht40, bus: mux0, interval: 1s}
  south: {driver: sht40, bus: mux1, interval: 1s}
"""
SCENARIO = """\
values: {north.temperature: [[0s, 10]], south.temperature: [[0s, 30]]}
faults: [{sensor: south, kind: nack, from: 5s}]
"""


def configured(text: str) -> Configuration:
    loaded = load_text(text, catalogue=DriverCatalogue(), environ={}, needs_broker=False)
    assert loaded.configuration is not None, loaded.faults
    return loaded.configuration


@pytest.fixture
def played(tmp_path: Path) -> tuple[list[dict[str, object]], Outcome]:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    configuration = configured(TWO)
    events: list[bytes] = []
    rehearsal = Rehearsal(
        configuration,
        DriverCatalogue(),
        scenario=scenario_for(tmp_path / "scenario.yaml", configuration),
        log=open_log(level="error"),
        write=events.append,
    )
    outcome = rehearsal.play(20.0)
    return [json.loads(event) for event in events], outcome


def test_equal_chips_at_one_address_are_told_apart_by_their_buses(
    played: tuple[list[dict[str, object]], Outcome],
) -> None:
    events, _ = played
    good = [event for event in events if event["channel"] == "temperature" and event["value"] is not None]
    seen = {(event["sensor"], round(float(str(event["value"])))) for event in good}
    assert seen == {("north", 10), ("south", 30)}


def test_a_dead_chip_on_one_channel_is_no_fault_of_the_other(
    played: tuple[list[dict[str, object]], Outcome],
) -> None:
    events, outcome = played
    assert {event["sensor"] for event in events if event["value"] is None} == {"south"}
    assert set(outcome.codes) == {"south.temperature", "south.humidity"}


def test_on_one_bus_they_are_a_fault_of_the_configuration() -> None:
    text = TWO.replace("bus: mux1", "bus: mux0")
    loaded = load_text(text, catalogue=DriverCatalogue(), environ={}, needs_broker=False)
    assert [fault for fault in loaded.faults if "0x44" in fault.message]
