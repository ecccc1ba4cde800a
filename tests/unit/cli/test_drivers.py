from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.cli.driver_page import example
from sensor_gateway.config.loading import load
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


def test_the_keys_inside_an_option_are_shown_too(cli: Callable[..., Any]) -> None:
    """A newcomer saw `registers (must be given)`, and nothing of what to write there."""
    text = cli("drivers", "modbus").out
    assert "channel name. Each has:\n    key        register (must be given): Address on the wire" in text
    assert "type (must be given): " in text
    assert "[s16, u16, s32, u32, f32]" in " ".join(text.split())
    assert "    key        quantity (must be given): " in cli("drivers", "line").out
    (registers, *_) = json.loads(cli("drivers", "modbus", "--json").out)["options"]
    assert (
        {"name", "required", "default", "choices", "about", "keys"} == registers.keys() == registers["keys"][0].keys()
    )
    assert [key["name"] for key in registers["keys"] if key["required"]] == ["register", "type", "quantity"]


@pytest.mark.parametrize("name", DriverCatalogue().names())
def test_the_example_of_every_driver_can_be_pasted_into_a_file(
    cli: Callable[..., Any], file: Callable[..., Path], name: str
) -> None:
    _, _, snippet = cli("drivers", name).out.partition("\n\n")
    example = textwrap.dedent(snippet)
    assert example.rstrip() == json.loads(cli("drivers", name, "--json").out)["example"]
    path = file(f"mqtt: {{url: mqtt://b}}\n{example}")
    ended = cli("check-config", path)
    if name == "circuitpython" and find_spec("adafruit_sht31d") is None:
        assert "`pip install adafruit-circuitpython-sht31d`" in ended.err
        return
    assert (ended.code, ended.err) == (0, ""), ended.err
    assert cli("simulate", path, "--for", "2min").code == 0


def test_an_example_says_any_text_as_yaml_takes_it(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    spec = DriverCatalogue().spec("line")
    pattern = r"(?P<t>-?\d+)[\"'${HOME}: #]"
    options = {"format": "regex", "pattern": pattern, "fields": {"true": {"quantity": "temperature", "key": "t"}}}
    vector = replace(spec.vectors[0], options=options)
    lines = "\n".join(example("line", replace(spec, vectors=(vector,))))
    path = file(lines)
    ended = cli("config", "show", path)
    assert (ended.code, ended.err) == (0, ""), lines
    loaded = load(path, catalogue=DriverCatalogue(), environ={}, needs_broker=False).configuration
    assert loaded is not None
    assert loaded.sensors["my-sensor"].options.pattern == pattern  # type: ignore[attr-defined]


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


def test_digits_in_another_order_and_a_device_for_a_driver_are_told(cli: Callable[..., Any]) -> None:
    assert "did you mean bme680?" in cli("drivers", "bme860").err
    assert "xy-md02 is a device file: " in cli("drivers", "xy-md02").err
    assert "bme680 is a driver: " in cli("devices", "bme680").err
