"""``mqtt.payload``: what a state topic gets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.config.loading import Loaded

Load = Callable[..., Loaded]


@pytest.mark.parametrize("payload", ["json", "value"])
def test_both_forms_are_taken(loading: Load, payload: str) -> None:
    loaded = loading(f"mqtt: {{url: mqtt://h, payload: {payload}}}")
    assert loaded.configuration is not None
    assert loaded.configuration.mqtt.payload == payload
    assert loaded.warnings == ()


@pytest.mark.parametrize("payload", ["raw", "JSON", "1", "true", "[value]", "{form: value}", "''"])
def test_another_form_is_a_fault_at_its_place(loading: Load, payload: str) -> None:
    (fault,) = loading(f"mqtt: {{url: mqtt://h, payload: {payload}}}").faults
    assert fault.path.startswith("mqtt.payload")
    assert "json" in fault.message
    assert "value" in fault.message


def test_a_form_of_states_that_are_off_is_a_warning(loading: Load) -> None:
    loaded = loading("mqtt: {url: mqtt://h, payload: value, states: false}")
    assert loaded.configuration is not None
    assert [warning.path for warning in loaded.warnings] == ["mqtt.payload"]
