"""The one line that opens a port for Prometheus, and what is said of another address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.config.loading import Loaded
from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.config.show import show

MQTT = "mqtt: {url: mqtt://h}\n"


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("", None),
        ("metrics: false", None),
        ("metrics: true", MetricsSection()),
        ("metrics: {}", MetricsSection()),
        ("metrics: {port: 9100}", MetricsSection(port=9100)),
        ("metrics: {host: '::1'}", MetricsSection(host="::1")),
        ("metrics: {host: 127.0.0.2}", MetricsSection(host="127.0.0.2")),
    ],
)
def test_it_is_off_or_on_or_a_mapping(
    loading: Callable[..., Loaded], text: str, section: MetricsSection | None
) -> None:
    loaded = loading(MQTT + text)
    assert loaded.faults == loaded.warnings == ()
    assert loaded.configuration is not None
    assert loaded.configuration.metrics == section
    assert loading(show(loaded.configuration)).configuration == loaded.configuration


def test_this_machine_alone_may_ask_unless_something_else_is_written() -> None:
    assert MetricsSection().host == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "'::'"])  # noqa: S104 - nothing is bound
def test_an_address_that_others_reach_is_a_warning_that_says_who_may_read(
    loading: Callable[..., Loaded], host: str
) -> None:
    loaded = loading(f"{MQTT}metrics: {{host: {host}}}")
    assert loaded.configuration is not None
    (warning,) = loaded.warnings
    assert str(warning).startswith("gateway.yaml:2:17 metrics.host: every machine that reaches ")
    assert "write 127.0.0.1 where Prometheus runs here" in warning.message


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("metrics: yes", "2:10 metrics: expected a mapping"),
        ("metrics: off", "2:10 metrics: expected false to turn it off, got the text 'off'"),
        ("metrics: {port: 0}", "2:17 metrics.port: "),
        ("metrics: {port: 65536}", "2:17 metrics.port: "),
        ("metrics: {port: '9100/tcp'}", "2:17 metrics.port: "),
        ("metrics: {host: localhost}", "2:17 metrics.host: `localhost` is no address of this machine"),
        ("metrics: {host: 'barn.lan:9100'}", "2:17 metrics.host: `barn.lan:9100` is no address of this machine"),
        ("metrics: {host: ''}", "2:17 metrics.host: "),
        ("metrics: {address: 127.0.0.1}", "2:11 metrics.address: unknown key `address`"),
        ("metric: true", "2:1 metric: unknown key `metric`; did you mean `metrics`?"),
        ("prometheus: true", "2:1 prometheus: unknown key `prometheus`; did you mean `metrics`?"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_with_its_place(loading: Callable[..., Loaded], text: str, fault: str) -> None:
    loaded = loading(MQTT + text)
    assert loaded.configuration is None
    assert any(str(one).startswith(f"gateway.yaml:{fault}") for one in loaded.faults), loaded.faults
