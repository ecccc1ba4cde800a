from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.schema import json_schema
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import plain
from sensor_gateway.config.text.yaml_nodes import parse


@pytest.fixture(scope="module")
def schema(drivers: Catalogue) -> dict[str, Any]:
    made = json_schema(drivers)
    jsonschema.Draft202012Validator.check_schema(made)
    return made


def errors(schema: dict[str, Any], text: str) -> int:
    node = parse(text, Path("f.yaml"), Report())
    assert node is not None
    return len(list(jsonschema.Draft202012Validator(schema).iter_errors(plain(node))))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "mqtt: {url: mqtt://h, version: 5, tls: false}",
        "mqtt: {url: '${URL}', keepalive: '${K}s'}",
        "buses: {i2c1: {frequency: 100kHz}, p: {type: serial, port: /dev/x}, g: {type: simulated, kind: i2c}}",
        "sensors: {a: {driver: chip, bus: i2c1, address: 0x44, oversampling: 4, heartbeat: false}}",
        "sensors: {a: {driver: chip, bus: i2c1, channels: {humidity: {deadband: {relative: 2%, at_least: 1}}}}}",
        "sensors: {a: {driver: chip, bus: i2c1, channels: {humidity: {filters: [median: 5, round: 1]}}}}",
        "sensors: {a: {driver: meter, bus: p, unit: 7, registers: {x: {register: 1, type: s16}}}}",
        "sensors: {a: {driver: talker, bus: p, window: [1, 2], silence: null, either: 5, names: {a: 1}}}",
    ],
)
def test_what_the_loader_takes_the_schema_takes(schema: dict[str, Any], text: str) -> None:
    assert errors(schema, text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "unknown: 1",
        "home_assistant: yes",
        "home_assistant: {form: both}",
        "home_assistant: {discovery_topic: x}",
        "mqtt: {}",
        "mqtt: {url: tcp://h}",
        "mqtt: {url: mqtt://h, keepalive: 60}",
        "mqtt: {url: mqtt://h, server: h}",
        "mqtt: {url: mqtt://h, states: yes}",
        "outbox: {max_size: 64}",
        "outbox: {when_full: drop}",
        "outbox: {drain_rate: -1}",
        "buses: {p: {type: serial}}",
        "buses: {p: {type: uart, port: x}}",
        "sensors: {Attic North: {driver: chip, bus: i2c1}}",
        "sensors: {a: {driver: chip}}",
        "sensors: {a: {driver: nothing, bus: i2c1}}",
        "sensors: {a: {driver: broken, bus: i2c1}}",
        "sensors: {a: {driver: chip, bus: i2c1, oversampling: 3}}",
        "sensors: {a: {driver: chip, bus: i2c1, unit: 3}}",
        "sensors: {a: {driver: chip, bus: i2c1, platform: x}}",
        "sensors: {a: {driver: chip, bus: i2c1, channels: {pressure: {}}}}",
        "sensors: {a: {driver: chip, bus: i2c1, channels: {humidity: {deadband: 2%}}}}",
        "sensors: {a: {driver: chip, bus: i2c1, channels: {humidity: {filters: [{medain: 5}]}}}}",
        "sensors: {a: {driver: meter, bus: p, registers: {x: {register: 1}}}}",
        "sensors: {a: {driver: meter, bus: p, unit: 1, registers: {x: {}}}}",
    ],
)
def test_what_the_loader_refuses_for_its_form_the_schema_refuses(schema: dict[str, Any], text: str) -> None:
    assert errors(schema, text) > 0


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    mqtt = schema["properties"]["mqtt"]["properties"]
    assert all(key["description"] for key in mqtt.values())
    assert all(key["description"] for key in schema["$defs"]["channel"]["properties"].values())


def test_a_pattern_of_the_schema_takes_what_the_units_take(schema: dict[str, Any]) -> None:
    for text in ("500ms", "1.5 s", "5min", "30d", "'${T}'", "'${T}s'"):
        assert errors(schema, f"defaults: {{interval: {text}}}") == 0
    for text in ("5", "5m", "s", "-5s", "5 parsecs"):
        assert errors(schema, f"defaults: {{interval: {text}}}") == 1
