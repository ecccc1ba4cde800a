"""No name from a file becomes a topic that MQTT, a broker or a wildcard would misread; each fault has its place.

What a topic may be is written here anew, from MQTT 5.0, sections 1.5.4 (UTF-8 strings) and 4.7 (topic names).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.loading import Loaded, load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.values.notation import check_topic
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.sensing.catalogue import DriverCatalogue

CATALOGUE = DriverCatalogue()
BAD = [
    "a+b", "+", "#", "a#", "a/b", "/", "a/", "/a", "$SYS", "$share", "a\0b", "a\nb", "a\tb", "a\x1fb", "a\x7fb",
    "a\x85b", "a\ufeff", "a\ufdd0", "a\uffff", "a\U0001ffff", "Größe", "a b", " a", "a ", "A", "a.b", "a\u200bb",
    "x" * 65, "x" * 1000, "\N{CYRILLIC SMALL LETTER A}", "\N{FULLWIDTH PLUS SIGN}", "..", "a:b", '"', "\\",
]  # fmt: skip
"""None of these may be an id. A lone surrogate cannot stand in a file that is UTF-8."""

MODBUS = {"driver": "modbus", "bus": "wire", "unit": 1}
REGISTER = {"function": "input", "register": 1, "type": "s16", "quantity": "temperature"}
FOREIGN = {"driver": "circuitpython", "bus": "i2c1", "address": 0x44, "class": "adafruit_sht31d.SHT31D"}
LINE = {"driver": "line", "bus": "talk"}
BUSES = {"wire": {"type": "serial", "port": "/dev/a"}, "talk": {"type": "serial", "port": "/dev/b"}}


def as_yaml(value: object) -> str:
    """JSON is YAML, but for characters beyond 16 bits, which have an escape of their own there (YAML 1.2.2, 5.7)."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return "".join(one if one.isascii() and one != "\x7f" else f"\\U{ord(one):08x}" for one in text)


def load(**sections: Any) -> Loaded:
    """As if it stood in a file."""
    whole = {"mqtt": {"url": "mqtt://b"}, "buses": BUSES, **sections}
    return load_text(as_yaml(whole), catalogue=CATALOGUE, environ={}, file=Path("f.yaml"))


def of_gateway(name: str) -> Loaded:
    return load(gateway={"id": name})


def of_sensor(name: str) -> Loaded:
    return load(sensors={name: {"driver": "bme280", "bus": "i2c1"}})


def of_register(name: str) -> Loaded:
    return load(sensors={"boiler": {**MODBUS, "registers": {name: REGISTER}}})


def of_property(name: str) -> Loaded:
    channel = {"property": "temperature", "quantity": "temperature"}
    return load(sensors={"attic": {**FOREIGN, "properties": {name: channel}}})


def of_line(name: str) -> Loaded:
    return load(sensors={"talker": {**LINE, "format": "key_value", "fields": {name: {"quantity": "temperature"}}}})


def of_prefix(prefix: str) -> Loaded:
    return load(
        mqtt={"url": "mqtt://b", "topic_prefix": prefix}, sensors={"attic": {"driver": "bme280", "bus": "i2c1"}}
    )


NAMED = {
    "gateway.id": of_gateway,
    "sensors": of_sensor,
    "registers": of_register,
    "properties": of_property,
    "fields": of_line,
}


def is_topic(topic: str) -> bool:
    """MQTT 5.0: a topic name that a broker must take, and one that SHOULD NOT be sent is none either."""
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return False
    return (
        0 < size <= 65_535
        and not set(topic) & set("+#")
        and not topic.startswith("$")
        and not any(unicodedata.category(character) in ("Cc", "Cs") for character in topic)
        and not any(ord(one) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(one) <= 0xFDEF for one in topic)
        and all(topic.split("/"))
    )


def topics_of(configuration: Configuration) -> list[str]:
    """All that would be published to. A topic of 65,535 bytes at most, and as many levels as the prefix and four."""
    assert configuration.mqtt is not None
    prefix = configuration.mqtt.topic_prefix
    topics = Topics(prefix=prefix, gateway=configuration.gateway.id or "greenhouse")
    made = [topics.status, topics.events, topics.meta, topics.health]
    for sensor in configuration.sensors.values():
        made.append(topics.availability(sensor.name))
        made += [topics.state(sensor.name, channel) for channel in sensor.channels]
    assert max(topic.count("/") for topic in made) <= prefix.count("/") + 4
    return made


def judge(loaded: Loaded, where: str) -> bool:
    """Whether it was taken. Taken or not, nothing is wrong with it: topics that fit, or faults with their place."""
    if loaded.configuration is not None:
        assert all(map(is_topic, topics_of(loaded.configuration)))
        return True
    assert loaded.faults
    for fault in loaded.faults:
        assert (fault.file, fault.line > 1) == (Path("f.yaml"), True)
        assert len(str(fault)) < 1000
    assert any(where in fault.path for fault in loaded.faults)
    return False


def test_the_judge_knows_good_topics_from_bad_ones() -> None:
    assert is_topic("sensors/v1/greenhouse/state/attic/temperature")
    assert not any(map(is_topic, ["a/+/b", "a/#", "a//b", "$SYS/a", "a/\0", "a/\x07", "", "x" * 65_536, "a/\ud800"]))


@pytest.mark.parametrize("where", NAMED)
@pytest.mark.parametrize("name", BAD, ids=lambda name: ascii(name)[:24])
def test_a_name_that_no_topic_level_can_be_is_a_fault_with_its_place(where: str, name: str) -> None:
    assert not judge(NAMED[where](name), where)


@pytest.mark.parametrize("where", NAMED)
@pytest.mark.parametrize("name", ["a", "attic-2", "_", "0", "x" * 64])
def test_a_plain_name_is_taken(where: str, name: str) -> None:
    assert judge(NAMED[where](name), where)


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.sampled_from(sorted(NAMED)))
def test_no_text_whatever_becomes_a_topic_that_is_none(name: str, where: str) -> None:
    judge(NAMED[where](name), where)


@given(st.text(st.sampled_from("ab/+#$\0\n\x85é\ufffe\U0010ffff "), max_size=12))
def test_no_prefix_whatever_makes_a_topic_that_is_none(prefix: str) -> None:
    loaded = of_prefix(prefix)
    assert judge(loaded, "mqtt.topic_prefix") == is_topic(prefix)


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("home/+", "wildcard"),
        ("home/#", "wildcard"),
        ("home/\n", "no topic may have"),
        ("home\0", "no topic may have"),
        ("\ufffe", "no topic may have"),
        ("a//b", "empty level"),
        ("/a", "outer slashes"),
        ("", "empty level"),
        ("$SYS", "belongs to the broker"),
        ("é" * 101, "202 bytes"),
        ("x" * 70_000, "70000 bytes"),
    ],
)
def test_what_is_wrong_with_a_prefix_is_said(prefix: str, said: str) -> None:
    (fault,) = of_prefix(prefix).faults
    assert fault.path == "mqtt.topic_prefix"
    assert said in fault.message


def test_a_lone_surrogate_is_refused_too() -> None:
    """No file can hold one; an argument of a command line can."""
    with pytest.raises(ValueError, match="no topic may have"):
        check_topic("a\udc80")


@pytest.mark.parametrize(
    ("host", "prefix", "warns"),
    [
        ("a1-ats.iot.eu-west-1.amazonaws.com", "a/b/c/d", False),
        ("a1-ats.iot.eu-west-1.amazonaws.com", "a/b/c/d/e", True),
        ("broker.lan", "a/b/c/d/e", False),
    ],
)
def test_a_prefix_too_deep_for_aws_is_a_warning_there_alone(host: str, prefix: str, *, warns: bool) -> None:
    loaded = load(mqtt={"url": f"mqtts://{host}", "topic_prefix": prefix})
    assert loaded.configuration is not None
    assert [warning.path for warning in loaded.warnings] == ["mqtt.topic_prefix"] * warns
    deepest = max(topic.count("/") for topic in topics_of(loaded.configuration)) + 1
    assert deepest == prefix.count("/") + 3, "without a sensor; a state has one level more"


@pytest.mark.parametrize("write", [str, "${{NAME}}".format], ids=["itself", "variable"])
def test_a_variable_is_judged_like_what_it_stands_for(write: Callable[[str], str]) -> None:
    text = as_yaml({"mqtt": {"url": "mqtt://b", "topic_prefix": write("a/#")}, "gateway": {"id": "${ID}"}})
    loaded = load_text(text, catalogue=CATALOGUE, environ={"NAME": "a/#", "ID": "g/+"}, file=Path("f.yaml"))
    assert sorted(fault.path for fault in loaded.faults) == ["gateway.id", "mqtt.topic_prefix"]
