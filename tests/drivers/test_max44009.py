from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.max44009 import SPEC, Max44009, convert
from sensor_gateway.driver import BadFrame, MeasurementError, NoAnswer, NotReady, OverRange
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x4A


def read(register: int, answer: int | MeasurementError) -> Transfer:
    return Transfer(ADDRESS, bytes((register,)), bytes((answer,)) if isinstance(answer, int) else answer)


def test_a_chip_is_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Max44009()
    script = [read(2, 0x03), Transfer(ADDRESS, b"\x02\x80"), read(3, 0x11), read(4, 0x01), read(3, 0x11)]
    with Playback(script) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.channels == ("illuminance",)
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (0.9,)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 1.53})
    assert played.waits_s == ()


def test_halves_of_two_measurements_are_never_put_together() -> None:
    """The first high byte belongs to a measurement that is gone when the low one is read."""
    script = [read(3, 0x10), read(4, 0x00), read(3, 0x11), read(4, 0x00), read(3, 0x11)]
    with Playback(script) as bus:
        assert play(Max44009().measure(), bus, address=ADDRESS).result == pytest.approx({"illuminance": 1.44})


def test_a_value_that_never_stands_still_is_given_up() -> None:
    script = [read(3, 0x10)]
    for again in (0x11, 0x12, 0x13, 0x14):
        script += [read(4, 0x00), read(3, again)]
    with Playback(script) as bus, pytest.raises(NoAnswer, match="4 times"):
        play(Max44009().measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("low", [0x0, 0x7, 0xF])
def test_overrange_is_no_value(low: int) -> None:
    with Playback([read(3, 0xF7), read(4, low), read(3, 0xF7)]) as bus, pytest.raises(OverRange, match="brighter"):
        play(Max44009().measure(), bus, address=ADDRESS)


def test_darkness_is_a_value() -> None:
    with Playback([read(3, 0), read(4, 0), read(3, 0), read(2, 0x80)]) as bus:
        assert play(Max44009().measure(), bus, address=ADDRESS).result == {"illuminance": 0}


@pytest.mark.parametrize("configuration", [0x03, 0x00, 0x43, 0xC0])
def test_darkness_of_a_chip_that_lost_its_configuration_is_not_ready(configuration: int) -> None:
    with Playback([read(3, 0), read(4, 0), read(3, 0), read(2, configuration)]) as bus, pytest.raises(NotReady):
        play(Max44009().measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([read(3, 0x11), read(4, Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Max44009().measure(), bus, address=ADDRESS)


@given(st.binary(max_size=2), st.binary(min_size=1, max_size=1))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(high: bytes, low: bytes) -> None:
    (channel,) = SPEC.variants["max44009"].channels
    try:
        values = convert(high, low)
    except (BadFrame, OverRange):
        return
    assert channel.low <= values["illuminance"] <= channel.high
