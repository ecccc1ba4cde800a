from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import Loaded, load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.show import show

SECONDS = st.sampled_from(["10ms", "50ms", "1s", "90s", "5min", "1.5h", "1d", "0.123s"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
DEADBAND = st.one_of(
    st.floats(min_value=0, max_value=1e9).map(repr),
    st.builds("{{relative: {}%, at_least: {}}}".format, st.integers(1, 100), st.floats(0.001, 10).map(repr)),
)
FILTER = st.one_of(
    st.builds("{{median: {}}}".format, st.integers(1, 99)),
    st.builds("{{offset: {}}}".format, st.floats(-10, 10).map(repr)),
    st.builds("{{exponential_average: {}}}".format, st.floats(0.01, 1).map(repr)),
    st.just("{linear: [[0, 1], [2.5, 3]]}"),
    st.just("{clamp: {min: -1, max: 1}}"),
    st.builds("{{round: {}}}".format, st.integers(-3, 5)),
)


def whole(result: Loaded) -> Configuration:
    assert [str(fault) for fault in result.faults] == []
    assert result.configuration is not None
    return result.configuration


def quoted(text: str) -> str:
    return "'" + "".join(c for c in text if c.isprintable()).replace("'", "''").replace("${", "$${") + "'"


@given(
    label=TEXT,
    interval=SECONDS,
    heartbeat=st.one_of(SECONDS.filter(lambda text: text not in ("10ms", "50ms")), st.just("false")),
    deadband=DEADBAND,
    filters=st.lists(FILTER, max_size=4),
    address=st.integers(0x08, 0x77),
)
def test_what_is_shown_loads_as_the_same_configuration(
    drivers: Catalogue, *, label: str, interval: str, heartbeat: str, deadband: str, filters: list[str], address: int
) -> None:
    text = f"""
mqtt: {{url: 'mqtts://h:1', username: u, password_file: p, tls: {{ca_file: ca.pem}}, client_id: {quoted("1" + label)}}}
gateway: {{label: {quoted(label)}}}
buses:
  rs485: {{type: serial, port: {quoted("/dev/" + label)}, stopbits: 2}}
  p: {{type: simulated, kind: serial}}
sensors:
  a:
    driver: chip
    bus: i2c1
    address: {address:#04x}
    interval: {interval}
    heartbeat: {heartbeat}
    label: {quoted(label)}
    channels: {{temperature: {{deadband: {deadband}, filters: [{", ".join(filters)}]}}}}
  b: {{driver: meter, bus: rs485, unit: 7, timeout: {interval}, registers: {{x: {{register: 1, scale: 0.1}}}}}}
  c: {{driver: talker, bus: p, pattern: {quoted(label)}, columns: [{quoted(label)}], window: [1, 2], names: {{no: 1}}}}
"""
    file = Path("/etc/sensor-gateway/gateway.yaml")
    configuration = whole(load_text(text, catalogue=drivers, environ={}, file=file))
    again = whole(load_text(show(configuration), catalogue=drivers, environ={}, file=file))
    assert again == configuration


@pytest.mark.parametrize(
    "label",
    [
        "no",
        "true",
        "~",
        "010",
        "1e3",
        "0x1",
        "- a",
        "a: b",
        "a #b",
        "",
        " x ",
        "'",
        '"',
        "\\",
        "{a}",
        "ünï",
        "°C",
        "%a",
        "@",
    ],
)
def test_text_that_could_be_taken_for_something_else_is_quoted(loading: Callable[..., Loaded], label: str) -> None:
    configuration = whole(loading(f"gateway: {{label: {quoted(label)}}}"))
    assert whole(loading(show(configuration))).gateway.label == label


def test_every_default_is_visible_and_secrets_are_not(loading: Callable[..., Loaded]) -> None:
    text = show(
        whole(
            loading(
                "mqtt: {url: mqtt://h, username: u, password: hunter2}\n"
                "sensors: {attic: {driver: chip, bus: i2c1, channels: {humidity: {heartbeat: false}}}}"
            )
        )
    )
    assert "hunter2" not in text
    assert '  password: "(hidden)"\n' in text
    assert "  url: mqtt://h:1883\n" in text
    assert "  max_age: 30d\n" in text
    assert "  max_size: 64MB\n" in text
    assert "    address: 0x44\n" in text
    assert "    oversampling: 2\n" in text
    assert "        heartbeat: false\n" in text
    assert "    path: /dev/i2c-1\n" in text


@pytest.mark.parametrize("unit", [0, 1, 255])
def test_every_unit_is_shown_and_0_is_one(loading: Callable[..., Loaded], unit: int) -> None:
    text = f"""
buses: {{plant: {{type: modbus_tcp, host: h}}}}
sensors: {{a: {{driver: meter, bus: plant, unit: {unit}, registers: {{x: {{register: 1}}}}}}}}
"""
    configuration = whole(loading(text))
    assert configuration.sensors["a"].unit == unit
    assert whole(loading(show(configuration))) == configuration


def test_without_a_broker_no_section_is_shown(loading: Callable[..., Loaded]) -> None:
    assert "mqtt" not in show(whole(loading("")))
