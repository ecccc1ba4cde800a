"""The one line that turns Home Assistant on, and what does not go together with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.config.loading import Loaded
from sensor_gateway.config.sections.broker import HomeAssistantSection
from sensor_gateway.config.show import show

MQTT = "mqtt: {url: mqtt://h}\n"


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("", None),
        ("home_assistant: false", None),
        ("home_assistant: true", HomeAssistantSection()),
        ("home_assistant: {}", HomeAssistantSection()),
        (
            "home_assistant: {form: single, discovery_prefix: ha/x, birth_topic: ha/birth, birth_spread: 0s}",
            HomeAssistantSection(form="single", discovery_prefix="ha/x", birth_topic="ha/birth", birth_spread=0),  # type: ignore[arg-type]
        ),
    ],
)
def test_it_is_off_or_on_or_a_mapping(
    loading: Callable[..., Loaded], text: str, section: HomeAssistantSection | None
) -> None:
    loaded = loading(MQTT + text)
    assert loaded.faults == ()
    assert loaded.configuration is not None
    assert loaded.configuration.home_assistant == section
    again = loading(show(loaded.configuration))
    assert again.configuration == loaded.configuration


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("home_assistant: yes", "2:17 home_assistant: expected a mapping"),
        ("home_assistant: off", "2:17 home_assistant: expected false to turn it off, got the text 'off'"),
        ("home_assistant: {form: both}", "2:24 home_assistant.form: expected one of device, single"),
        ("home_assistant: {discovery_prefix: 'a/#'}", "2:36 home_assistant.discovery_prefix: 'a/#' holds a wildcard"),
        ("home_assistant: {birth_spread: 5}", "2:32 home_assistant.birth_spread: "),
        ("homeassistant: true", "2:1 homeassistant: unknown key `homeassistant`; did you mean `home_assistant`?"),
        ("home_assistant: {prefix: x}", "2:18 home_assistant.prefix: unknown key `prefix`"),
    ],
)
def test_what_cannot_be_is_said_where_it_stands(loading: Callable[..., Loaded], text: str, fault: str) -> None:
    (found,) = loading(MQTT + text).faults
    assert str(found).startswith(f"gateway.yaml:{fault}")


def test_without_state_topics_there_is_nothing_to_show(loading: Callable[..., Loaded]) -> None:
    (fault,) = loading("mqtt: {url: mqtt://h, states: false}\nhome_assistant: true\n").faults
    assert str(fault) == (
        "gateway.yaml:2:17 home_assistant: Home Assistant reads the state topics, and mqtt.states is false; "
        "expected mqtt.states: true, or false here"
    )
    assert loading("mqtt: {url: mqtt://h, states: false}\nhome_assistant: false\n").faults == ()


def test_numbers_alone_are_no_events_to_show(loading: Callable[..., Loaded]) -> None:
    """Its templates look for the value in an event."""
    (fault,) = loading("mqtt: {url: mqtt://h, payload: value}\nhome_assistant: true\n").faults
    assert str(fault) == (
        "gateway.yaml:2:17 home_assistant: Home Assistant reads events on the state topics, and mqtt.payload is value; "
        "expected mqtt.payload: json, or false here"
    )
    assert loading("mqtt: {url: mqtt://h, payload: value}\nhome_assistant: false\n").faults == ()
    assert loading("mqtt: {url: mqtt://h, payload: json}\nhome_assistant: true\n").faults == ()


def test_an_area_belongs_to_the_gateway_and_to_sensors(loading: Callable[..., Loaded]) -> None:
    text = (
        "gateway: {area: Garden}\nsensors: {a: {driver: chip, bus: i2c1, area: Roof}, b: {driver: chip, bus: i2c2}}\n"
    )
    configuration = loading(MQTT + text).configuration
    assert configuration is not None
    assert configuration.gateway.area == "Garden"
    assert [sensor.area for sensor in configuration.sensors.values()] == ["Roof", ""]
