"""Writes down Home Assistant's own rules for discovery, as it enforces them, for a check that runs without it.

HOME_ASSISTANT_PYTHON tests/home_assistant/extract_rules.py > tests/data/home_assistant_rules.json
"""

import json
import sys
from typing import Any

import voluptuous as vol
from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.mqtt import abbreviations, binary_sensor, schemas, sensor
from homeassistant.components.sensor import const
from homeassistant.const import __version__


def keys(schema: Any) -> dict[str, list[str]]:
    """The keys that a schema knows, and those that it wants."""
    known = schema
    while not isinstance(known, dict):
        parts = known.validators if isinstance(known, vol.All) else [known]
        known = next(part.schema for part in parts if isinstance(part, vol.Schema))
    required = [str(key) for key in known if type(key).__name__ == "Required"]
    return {"known": sorted(map(str, known)), "required": sorted(required)}


def shortened(table: dict[str, str], known: list[str]) -> dict[str, str]:
    return {short: long for short, long in sorted(table.items()) if long in known}


def rules() -> dict[str, Any]:
    components = {"sensor": keys(sensor.DISCOVERY_SCHEMA), "binary_sensor": keys(binary_sensor.DISCOVERY_SCHEMA)}
    device = keys(schemas.DEVICE_DISCOVERY_SCHEMA)
    about = keys(schemas.MQTT_ENTITY_DEVICE_INFO_SCHEMA)
    origin = keys(schemas.MQTT_ORIGIN_INFO_SCHEMA)
    availability = {"known": ["payload_available", "payload_not_available", "topic", "value_template"]}
    all_known = {name for part in (*components.values(), device) for name in part["known"]} | {"platform"}
    return {
        "home_assistant": __version__,
        "abbreviations": shortened(abbreviations.ABBREVIATIONS, [*all_known, *availability["known"]]),
        "device_abbreviations": shortened(abbreviations.DEVICE_ABBREVIATIONS, about["known"]),
        "origin_abbreviations": shortened(abbreviations.ORIGIN_ABBREVIATIONS, origin["known"]),
        "components": components,
        "device": device,
        "about": about,
        "origin": origin,
        "availability": {**availability, "required": ["topic"]},
        "sensor_classes": {
            str(one): {
                "units": sorted(map(str, filter(None, units))) + ([None] if None in units else []),
                "state_classes": sorted(map(str, const.DEVICE_CLASS_STATE_CLASSES.get(one, const.SensorStateClass))),
            }
            for one in const.SensorDeviceClass
            for units in [const.DEVICE_CLASS_UNITS.get(one, {None})]
        },
        "binary_sensor_classes": sorted(map(str, BinarySensorDeviceClass)),
    }


sys.stdout.write(json.dumps(rules(), indent=1, ensure_ascii=False) + "\n")
