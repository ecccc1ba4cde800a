from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.tsl2591 import SPEC, Options, Range, Tsl2591, convert
from sensor_drivers.tsl2591_ranges import RANGES, Setting
from sensor_gateway.driver import MeasurementError, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x29
CONTROL = {"moonlight": 0x35, "room": 0x21, "daylight": 0x10, "sun": 0x00}


def entered(name: str) -> list[Transfer]:
    control = bytes((0xA1, CONTROL[name]))
    return [
        Transfer(ADDRESS, b"\xa0\x01"),
        Transfer(ADDRESS, control),
        Transfer(ADDRESS, b"\xa0\x03"),
        Transfer(ADDRESS, b"\xa1", control[1:]),
    ]


def answer(both: int, infrared: int, status: int = 0x01) -> bytes:
    return bytes((status,)) + both.to_bytes(2, "little") + infrared.to_bytes(2, "little")


def seen(both: int, infrared: int = 0, status: int = 0x01) -> Transfer:
    return Transfer(ADDRESS, b"\xb3", answer(both, infrared, status))


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Tsl2591(Options())
    with Playback([Transfer(ADDRESS, b"\xb2", b"\x50"), *entered("daylight"), seen(1027, 513)]) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "TSL2591"
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == pytest.approx((0.12,))
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 30.3}, abs=0.01)
    assert played.waits_s == ()


def test_another_chip_is_refused() -> None:
    with Playback([Transfer(ADDRESS, b"\xb2", b"\x00")]) as bus, pytest.raises(WrongChip, match="expected 50, got 00"):
        play(Tsl2591(Options()).identify(), bus, address=ADDRESS)


def test_darkness_is_measured_again_at_the_greatest_gain_and_the_range_is_kept() -> None:
    driver = Tsl2591(Options())
    with Playback([seen(3), *entered("moonlight"), seen(14_524), seen(14_524)]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).waits_s == ()
    assert played.result == pytest.approx({"illuminance": 1.0}, abs=1e-4)
    assert played.waits_s == pytest.approx((0.72,))


@pytest.mark.parametrize("saturated", [seen(36_863, 100), seen(100, 36_863), seen(37_888, 37_888)])
def test_a_reading_saturated_in_either_channel_is_measured_again_in_the_brightest_range(saturated: Transfer) -> None:
    driver = Tsl2591(Options())
    with Playback([saturated, *entered("sun"), seen(2451)]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 10_000}, abs=1)


def test_longer_times_have_all_16_bits() -> None:
    driver = Tsl2591(Options(range="room"))
    with Playback([seen(65_534), seen(65_535)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result["illuminance"] == pytest.approx(312.4, abs=0.1)
        with pytest.raises(OverRange, match="brighter"):
            play(driver.measure(), bus, address=ADDRESS)


def test_light_that_changes_faster_than_the_ranges_gives_no_value() -> None:
    script = [seen(0)]
    for _ in range(2):
        script += [*entered("moonlight"), seen(65_535), *entered("sun"), seen(0)]
    with Playback(script) as bus, pytest.raises(OverRange, match="faster"):
        play(Tsl2591(Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("name", ["moonlight", "room", "daylight", "sun"])
def test_a_fixed_range_is_never_left(name: Range) -> None:
    driver = Tsl2591(Options(range=name))
    with Playback([*entered(name), seen(0), seen(65_535)]) as bus:
        play(driver.setup(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).result == {"illuminance": 0}
        with pytest.raises(OverRange):
            play(driver.measure(), bus, address=ADDRESS)


def test_a_chip_without_a_finished_integration_is_not_ready() -> None:
    with Playback([seen(0, 0, status=0x00)]) as bus, pytest.raises(NotReady, match="lost power"):
        play(Tsl2591(Options()).measure(), bus, address=ADDRESS)


def test_a_range_that_was_lost_while_it_was_set_is_not_ready() -> None:
    """The chip would go on with gain 1 for ever, and report a part of the light."""
    *sent, _control = entered("daylight")
    with Playback([*sent, Transfer(ADDRESS, b"\xa1", b"\x00")]) as bus, pytest.raises(NotReady, match="lost power"):
        play(Tsl2591(Options()).setup(), bus, address=ADDRESS)


def test_light_that_is_nearly_all_infrared_is_not_called_darkness() -> None:
    with pytest.raises(OverRange, match="infrared"):
        convert(answer(1000, 700), setting=RANGES["daylight"])


def test_noise_is_darkness() -> None:
    assert convert(answer(3, 5), setting=RANGES["moonlight"]) == {"illuminance": 0}


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\xb3", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Tsl2591(Options()).measure(), bus, address=ADDRESS)


@given(st.binary(max_size=6) | st.binary(min_size=5, max_size=5), st.sampled_from(list(RANGES.values())))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(frame: bytes, setting: Setting) -> None:
    (channel,) = SPEC.variants["tsl2591"].channels
    try:
        values = convert(frame, setting=setting)
    except MeasurementError:
        return
    assert channel.low <= values["illuminance"] <= channel.high
