from __future__ import annotations

import math
from typing import get_args

import pytest

from sensor_gateway.model.channel import configured_channel
from sensor_gateway.model.quantity import (
    QUANTITIES,
    TEMPERATURE,
    USUAL,
    Quantity,
    QuantityName,
    configured_quantity,
    other,
)

NAMES: tuple[QuantityName, ...] = get_args(QuantityName)


def test_a_configuration_may_write_every_quantity_there_is_and_other() -> None:
    assert list(NAMES) == [*QUANTITIES, "other"]
    assert list(USUAL) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_quantity_makes_a_channel_without_more_being_said(name: QuantityName) -> None:
    unit = "rpm" if name == "other" else ""
    quantity = configured_quantity(name, unit)
    channel = configured_channel("x", quantity=quantity)
    assert channel.quantity == (other("rpm") if name == "other" else QUANTITIES[name])
    assert (channel.low, channel.high, channel.resolution, channel.deadband) == USUAL[name]


def test_what_is_given_counts() -> None:
    channel = configured_channel("flow-1", quantity=TEMPERATURE, low=-10, high=90, resolution=0.5, deadband=0)
    assert (channel.name, channel.low, channel.high, channel.resolution, channel.deadband) == (
        "flow-1",
        -10,
        90,
        0.5,
        0,
    )


def test_the_unit_of_a_quantity_may_be_written_and_no_other() -> None:
    assert configured_quantity("temperature", "°C") is TEMPERATURE
    with pytest.raises(ValueError, match=r"^unit of temperature is °C, got °F: .*`scale`.*`quantity: other`"):
        configured_quantity("temperature", "°F")
    with pytest.raises(ValueError, match=r"^unit is needed"):
        configured_quantity("other", " ")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"low": 5.0, "high": 5.0}, "low of 5 °C has to be below `high`"),
        ({"low": math.nan}, "low has to be a finite number"),
        ({"high": math.inf}, "high has to be a finite number"),
        ({"resolution": 0.0}, "resolution has to be above 0"),
        ({"deadband": -0.1}, "deadband has to be 0 or more"),
    ],
)
def test_what_no_channel_can_be_is_refused_by_its_key(changes: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        configured_channel("x", quantity=TEMPERATURE, **changes)


@pytest.mark.parametrize("name", ["", "Flow", "flow temperature", "flow/1", "a+", "#"])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="has a name that is not made of"):
        configured_channel(name, quantity=TEMPERATURE)


def test_a_quantity_of_ones_own_has_the_limits_of_other() -> None:
    mine = Quantity(name="other", unit="rpm", ucum="rpm")
    assert configured_channel("x", quantity=mine).high == USUAL["other"][1]
