from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.apds9960 import SPEC, Apds9960, Gain, Integration, Options, convert
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x39
ON, MEASURE = Transfer(ADDRESS, b"\x80\x01"), Transfer(ADDRESS, b"\x80\x03")
RGBC = bytes.fromhex("34 12 56 34 78 06 9a 08")


def status(value: int) -> Transfer:
    return Transfer(ADDRESS, b"\x93", bytes((value,)))


def started(atime: int = 219, gain: int = 1) -> list[Transfer]:
    return [ON, Transfer(ADDRESS, bytes((0x81, atime))), Transfer(ADDRESS, bytes((0x8F, gain))), MEASURE]


def ended(rgbc: bytes = RGBC, told: int = 0x01, atime: int = 219) -> list[Transfer]:
    return [status(told), ON, Transfer(ADDRESS, b"\x94", rgbc), Transfer(ADDRESS, b"\x81", bytes((atime,)))]


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Apds9960(Options())
    with Playback([Transfer(ADDRESS, b"\x92", b"\xab"), ON, *started(), *ended()]) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "APDS-9960, id ab"
        play(driver.setup(), bus, address=ADDRESS)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == {"clear": 0x1234, "red": 0x3456, "green": 0x0678, "blue": 0x089A}
    assert played.waits_s == pytest.approx((0.10986,))


@pytest.mark.parametrize(
    ("gain", "integration", "control", "atime", "wait_s"),
    [(1, "28ms", 0, 246, 0.0348), (16, "178ms", 2, 192, 0.18492), (64, "712ms", 3, 0, 0.71868)],
)
def test_options_become_register_values(
    gain: Gain, integration: Integration, control: int, atime: int, wait_s: float
) -> None:
    driver = Apds9960(Options(gain=gain, integration=integration))
    with Playback([*started(atime, control), *ended(bytes(8), atime=atime)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).waits_s == pytest.approx((wait_s,))


@pytest.mark.parametrize("identity", [0xAB, 0xA8, 0x9C])
def test_each_known_id_is_accepted(identity: int) -> None:
    with Playback([Transfer(ADDRESS, b"\x92", bytes((identity,)))]) as bus:
        play(Apds9960(Options()).identify(), bus, address=ADDRESS)


def test_another_chip_is_refused() -> None:
    with Playback([Transfer(ADDRESS, b"\x92", b"\x00")]) as bus, pytest.raises(WrongChip, match="expected ab"):
        play(Apds9960(Options()).identify(), bus, address=ADDRESS)


def test_a_slow_chip_is_asked_again_and_given_up_in_the_end() -> None:
    with Playback([*started(), status(0x04), status(0x04), *ended()]) as bus:
        assert len(play(Apds9960(Options()).measure(), bus, address=ADDRESS).waits_s) == 3
    with Playback([*started(), *[status(0x04)] * 10]) as bus, pytest.raises(NoAnswer, match="still measures"):
        play(Apds9960(Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("told", [0x81, 0x01])
@pytest.mark.parametrize("place", [0, 2, 4, 6])
def test_saturation_of_any_channel_is_no_value(told: int, place: int) -> None:
    rgbc = bytes(8) if told == 0x81 else bytes(place) + (37_889).to_bytes(2, "little") + bytes(6 - place)
    with Playback([*started(), *ended(rgbc, told)]) as bus, pytest.raises(OverRange, match="brighter"):
        play(Apds9960(Options()).measure(), bus, address=ADDRESS)


def test_a_chip_that_lost_power_while_it_was_read_is_not_ready() -> None:
    """It would show no light, or so much as it sees in its shortest time."""
    with Playback([*started(), *ended(bytes(8), atime=0xFF)]) as bus, pytest.raises(NotReady, match="lost power"):
        play(Apds9960(Options()).measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x80\x01", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Apds9960(Options()).measure(), bus, address=ADDRESS)


@given(
    st.binary(max_size=2) | st.binary(min_size=1, max_size=1),
    st.binary(max_size=9) | st.binary(min_size=8, max_size=8),
    st.sampled_from(["28ms", "103ms", "178ms", "712ms"]),
)
def test_any_bytes_are_values_within_limits_or_an_error_of_ours(told: bytes, rgbc: bytes, integration: str) -> None:
    try:
        values = convert(told, rgbc, integration=integration)
    except (BadFrame, OverRange):
        return
    for channel in SPEC.variants["apds9960"].channels:
        assert channel.low <= values[channel.name] <= channel.high
