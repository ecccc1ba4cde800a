from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.veml7700 import SPEC, Correction, Options, Range, Veml7700, convert
from sensor_drivers.veml7700_ranges import SETTINGS, Setting
from sensor_gateway.driver import BadFrame, MeasurementError, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x10
_MOONLIGHT, ROOM, DAYLIGHT, SUN = SETTINGS
CONFIGURATION = {"moonlight": "c0 08", "room": "00 00", "daylight": "00 10", "sun": "00 13"}


def write(data: str) -> Transfer:
    return Transfer(ADDRESS, bytes.fromhex(data))


def read(code: int, answer: str | MeasurementError) -> Transfer:
    return Transfer(ADDRESS, bytes((code,)), bytes.fromhex(answer) if isinstance(answer, str) else answer)


def entered(name: str) -> list[Transfer]:
    low, high = CONFIGURATION[name].split()
    return [write(f"00 {int(low, 16) | 1:02x} {high}"), write(f"00 {low} {high}")]


def seen(name: str, counts: str) -> list[Transfer]:
    return [read(4, counts), read(0, CONFIGURATION[name])]


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Veml7700("veml7700", Options())
    script = [read(7, "81 c4"), write("03 00 00"), *entered("daylight"), *seen("daylight", "c8 00")]
    with Playback(script) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "VEML7700, id c481"
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == pytest.approx((0.1325,))
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 107.52 * 1.0023 + 0.942 - 0.0117}, abs=0.001)
    assert played.waits_s == ()


def test_an_early_part_has_no_id_and_is_taken_by_its_reserved_bits() -> None:
    with Playback([read(7, "00 00"), read(0, "01 00")]) as bus:
        assert "early" in play(Veml7700("veml7700", Options()).identify(), bus, address=ADDRESS).result.part


def test_another_chip_is_refused() -> None:
    with Playback([read(7, "ff ff"), read(0, "ff ff")]) as bus, pytest.raises(WrongChip, match="ff ff"):
        play(Veml7700("veml6030", Options()).identify(), bus, address=ADDRESS)


def test_darkness_is_measured_again_at_the_longest_time_and_the_range_is_kept() -> None:
    driver = Veml7700("veml7700", Options())
    script = [*seen("daylight", "02 00"), *entered("moonlight"), *seen("moonlight", "e8 03")]
    with Playback([*script, *seen("moonlight", "e9 03")]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).result == pytest.approx({"illuminance": 4.2042})
    assert played.result == pytest.approx({"illuminance": 4.2})
    assert played.waits_s == pytest.approx((1.0425,))


def test_a_saturated_reading_is_measured_again_in_the_brightest_range_and_then_where_it_belongs() -> None:
    driver = Veml7700("veml7700", Options())
    driver._at = 0
    script = [
        *seen("moonlight", "ff ff"),
        *entered("sun"),
        *seen("sun", "64 00"),
        *entered("daylight"),
        *seen("daylight", "90 01"),
    ]
    with Playback(script) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.waits_s == pytest.approx((0.035, 0.1325))
    assert played.result["illuminance"] == pytest.approx(215.04 * 1.0023 + 3.68, abs=0.01)


def test_light_that_changes_faster_than_the_ranges_gives_no_value() -> None:
    driver = Veml7700("veml7700", Options())
    script = [*seen("daylight", "00 00")]
    for _ in range(2):
        script += [*entered("moonlight"), *seen("moonlight", "ff ff"), *entered("sun"), *seen("sun", "00 00")]
    with Playback(script) as bus, pytest.raises(OverRange, match="faster"):
        play(driver.measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("name", ["moonlight", "room", "daylight", "sun"])
def test_a_fixed_range_is_never_left(name: Range) -> None:
    driver = Veml7700("veml7700", Options(range=name))
    with Playback([*seen(name, "00 00"), *seen(name, "ff ff")]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"illuminance": 0}
        with pytest.raises(OverRange, match="brighter"):
            play(driver.measure(), bus, address=ADDRESS)


def test_a_chip_that_lost_its_configuration_is_not_ready() -> None:
    with Playback([read(4, "00 00"), read(0, "01 00")]) as bus, pytest.raises(NotReady):
        play(Veml7700("veml7700", Options()).measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([read(4, Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Veml7700("veml7700", Options()).measure(), bus, address=ADDRESS)


def test_the_correction_leaves_the_fine_gains_and_what_is_below_100_lux_alone() -> None:
    assert convert(b"\xb4\x00", chosen=DAYLIGHT) == pytest.approx({"illuminance": 180 * 0.5376})
    assert convert(b"\xd0\x07", chosen=ROOM) == pytest.approx({"illuminance": 2000 * 0.0672})


def test_what_the_formula_makes_of_impossible_counts_is_over_range() -> None:
    """It rises with the fourth power, far beyond what the chip can see."""
    with pytest.raises(OverRange, match="correction"):
        convert(b"\xfe\xff", chosen=SUN)


@given(st.binary(max_size=3), st.sampled_from(SETTINGS), st.sampled_from(["vishay", "none"]))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(
    frame: bytes, setting: Setting, correction: Correction
) -> None:
    (channel,) = SPEC.variants["veml7700"].channels
    try:
        values = convert(frame, chosen=setting, correction=correction)
    except (BadFrame, OverRange):
        return
    assert channel.low <= values["illuminance"] <= channel.high


@given(st.integers(0, 65534), st.sampled_from([ROOM, DAYLIGHT, SUN]))
def test_more_counts_are_more_light(counts: int, setting: Setting) -> None:
    try:
        less = convert(counts.to_bytes(2, "little"), chosen=setting)["illuminance"]
        more = convert((counts + 1).to_bytes(2, "little"), chosen=setting)["illuminance"]
    except OverRange:
        return
    assert less < more
