from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sensor_gateway.sensing.catalogue import DriverCatalogue


def test_every_driver_is_listed_with_its_bus_its_channels_and_its_origin(cli: Callable[..., Any]) -> None:
    ended = cli("drivers")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines] == list(DriverCatalogue().names())
    bme280 = next(line for line in lines if line.startswith("bme280 "))
    assert "i2c     temperature, pressure, humidity" in bme280
    assert "(sensor_drivers.bme280)" in bme280


def test_a_driver_is_shown_with_its_options_as_users_write_them(cli: Callable[..., Any]) -> None:
    text = cli("drivers", "modbus").out
    assert "registers (must be given): " in text
    assert "timeout (default 500ms): " in text
    assert "echo (default false): " in text


def test_what_is_shown_of_a_chip_can_be_pasted_into_a_file(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    _, _, snippet = cli("drivers", "sht40").out.partition("\n\n")
    ended = cli("check-config", file(f"mqtt: {{url: mqtt://b}}\n{snippet[2:]}".replace("\n  ", "\n")))
    assert ended.code == 0, ended.err


def test_as_json_each_driver_is_an_object(cli: Callable[..., Any]) -> None:
    facts = {fact["name"]: fact for fact in map(json.loads, cli("drivers", "--json").out.splitlines())}
    assert set(facts) == set(DriverCatalogue().names())
    assert facts["bme280"]["addresses"] == ["0x76", "0x77"]
    assert facts["bme280"]["channels"][0]["unit"] == "°C"
    assert [json.loads(cli("drivers", "bme280", "--json").out)] == [facts["bme280"]]


def test_an_unknown_driver_is_wrong_usage_with_the_one_that_was_meant(cli: Callable[..., Any]) -> None:
    ended = cli("drivers", "bme281")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith("no such driver: bme281; did you mean bme280?")
