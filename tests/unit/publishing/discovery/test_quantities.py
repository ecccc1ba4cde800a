"""Our quantities in Home Assistant's words."""

from __future__ import annotations

import pytest

from sensor_gateway.model.channel import configured_channel
from sensor_gateway.model.quantity import QUANTITIES, other
from sensor_gateway.publishing.discovery.quantities import device_class, precision, state_class, unit


@pytest.mark.parametrize(
    ("resolution", "digits"),
    [(1.0, 0), (10.0, 0), (0.5, 1), (0.1, 1), (0.01, 2), (0.0625, 2), (0.001, 3), (1e-12, 9), (0.0078125, 3)],
)
def test_a_value_is_shown_as_finely_as_its_chip_can_tell(resolution: float, digits: int) -> None:
    assert precision(resolution) == digits


def test_what_home_assistant_has_no_name_for_has_no_device_class_and_keeps_its_unit() -> None:
    assert device_class(other("rpm")) is None
    assert unit(other("rpm")) == "rpm"
    assert unit(other(" ")) is None


def test_ph_has_no_unit_there() -> None:
    assert device_class(QUANTITIES["ph"]) == "ph"
    assert unit(QUANTITIES["ph"]) is None


def test_what_adds_up_is_a_total_and_everything_else_a_measurement() -> None:
    energy, rain = QUANTITIES["energy"], QUANTITIES["precipitation"]
    assert state_class(configured_channel("a", quantity=energy)) == "total", "a balance may fall"
    assert state_class(configured_channel("a", quantity=energy, low=0.0)) == "total_increasing"
    assert state_class(configured_channel("a", quantity=rain)) == "total_increasing"
    assert state_class(configured_channel("a", quantity=QUANTITIES["power"])) == "measurement"
    assert state_class(configured_channel("a", quantity=other("rpm"))) == "measurement"
