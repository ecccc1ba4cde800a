"""What Home Assistant would say to a discovery message, by rules that were taken from its own schemas.

The rules lie in tests/data/home_assistant_rules.json; tests/home_assistant/extract_rules.py writes them. This
check shares no code and no table with what it judges.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

RULES = Path(__file__).resolve().parents[2] / "data" / "home_assistant_rules.json"
TOPIC = re.compile(r"(?P<component>\w+)/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config")


@cache
def rules() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(RULES.read_text("utf-8"))
    return loaded


def complaints(topic: str, payload: bytes, prefix: str = "homeassistant") -> list[str]:
    """What is wrong with one message; nothing where Home Assistant takes all of it."""
    match = TOPIC.fullmatch(topic.removeprefix(f"{prefix}/"))
    if match is None:
        return [f"{topic} is no discovery topic"]
    if not payload:
        return []
    try:
        body = json.loads(payload)
    except ValueError:
        return ["no JSON"]
    if not isinstance(body, dict):
        return ["no object"]
    if match["component"] == "device":
        return list(_of_device(body))
    return list(_of_single(match["component"], body))


def entities(topic: str, payload: bytes, prefix: str = "homeassistant") -> dict[str, dict[str, Any]]:
    """The entities that a message announces, by unique id, with all that holds for each, under long names."""
    match = TOPIC.fullmatch(topic.removeprefix(f"{prefix}/"))
    assert match is not None
    body = _long(json.loads(payload), rules()["abbreviations"])
    if match["component"] != "device":
        return {body["unique_id"]: {**body, "platform": match["component"]}}
    shared = {key: value for key, value in body.items() if key in ("availability", "availability_mode")}
    found = [{**shared, **_long(one, rules()["abbreviations"])} for one in body["components"].values()]
    return {one["unique_id"]: one for one in found if "unique_id" in one}


def _of_device(written: dict[str, Any]) -> Iterator[str]:
    known = rules()["device"]
    body = _long(written, rules()["abbreviations"])
    yield from _keys("the message", body, known)
    yield from _about(body)
    yield from _availability("the message", body)
    parts = body.get("components", {})
    if not isinstance(parts, dict):
        yield "components is no object"
        return
    for name, part in parts.items():
        if " " in name:
            yield f"{name} holds a blank, and could not be removed"
        component = _long(part, rules()["abbreviations"])
        platform = component.pop("platform", None)
        if platform not in rules()["components"]:
            yield f"{name} has the platform {platform}"
        elif component:
            shared = {key: body[key] for key in ("availability", "availability_mode") if key in body}
            yield from wrong_in(name, platform, {**shared, **component})


def _of_single(platform: str, written: dict[str, Any]) -> Iterator[str]:
    body = _long(written, rules()["abbreviations"])
    if platform not in rules()["components"]:
        yield f"platform {platform}"
        return
    yield from _about(body)
    yield from wrong_in("the message", platform, body)


def _about(body: dict[str, Any]) -> Iterator[str]:
    about = _long(body.get("device", {}), rules()["device_abbreviations"])
    yield from _keys("device", about, rules()["about"])
    if not about.get("identifiers"):
        yield "device has no identifier"
    yield from _keys("origin", _long(body.get("origin", {}), rules()["origin_abbreviations"]), rules()["origin"])


def _availability(name: str, body: dict[str, Any]) -> Iterator[str]:
    for one in body.get("availability", []):
        yield from _keys(f"availability of {name}", _long(one, rules()["abbreviations"]), rules()["availability"])
    if body.get("availability_mode", "all") not in ("all", "any", "latest"):
        yield f"{name} has the availability mode {body['availability_mode']}"


def wrong_in(name: str, platform: str, body: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one entity, under long names."""
    yield from _keys(name, body, rules()["components"][platform])
    yield from _availability(name, body)
    if "unique_id" not in body:
        yield f"{name} has no unique_id, without which it belongs to no device"
    if not isinstance(body.get("expire_after", 1), int) or body.get("expire_after", 1) < 1:
        yield f"{name} expires after {body['expire_after']}"
    if platform == "binary_sensor":
        if body.get("device_class", "connectivity") not in rules()["binary_sensor_classes"]:
            yield f"{name} has the device class {body['device_class']}"
        return
    yield from _sensor(name, body)


def _sensor(name: str, body: dict[str, Any]) -> Iterator[str]:
    device_class, unit, state_class = (body.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
    digits = body.get("suggested_display_precision", 0)
    if not isinstance(digits, int) or digits < 0:
        yield f"{name} suggests {digits} digits"
    if "options" in body and (device_class != "enum" or state_class or unit or not body["options"]):
        yield f"{name} has options, and is no plain enum"
    if device_class is None:
        return
    known = rules()["sensor_classes"].get(device_class)
    if known is None:
        yield f"{name} has the device class {device_class}"
        return
    if unit not in known["units"]:
        yield f"{name} has the unit {unit} with the device class {device_class}"
    if state_class is not None and state_class not in known["state_classes"]:
        yield f"{name} has the state class {state_class} with the device class {device_class}"


def _keys(name: str, body: dict[str, Any], known: dict[str, list[str]]) -> Iterator[str]:
    for key in body:
        if key not in known["known"]:
            yield f"{name} has the key {key}"
    for key in known["required"]:
        if key not in body:
            yield f"{name} lacks {key}"


def _long(body: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in body.items()}
