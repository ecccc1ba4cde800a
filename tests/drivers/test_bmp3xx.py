from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.bmp3xx import SPEC, Bmp3xx, Options, convert
from sensor_drivers.bmp3xx_formulas import checked, trimming
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x77
BLOCK = bytes.fromhex("23 6b 58 49 f6 5c ff ce f4 23 00 ea 63 6e 79 f3 f6 aa 43 12 c4")
# By Bosch's self-test code (bmp3_selftest.c, cal_crc and validate_trimming_param) over this block.
CHECKSUM = 0x93
DATA = bytes.fromhex("97 9f 6d 73 d8 85")


def read(register: int, answer: bytes | MeasurementError) -> Transfer:
    return Transfer(ADDRESS, bytes((register,)), answer)


TRIMMING = read(0x30, bytes((CHECKSUM,)) + BLOCK)
SETUP = [Transfer(ADDRESS, b"\x7e\xb6"), TRIMMING, Transfer(ADDRESS, b"\x1c\x03"), Transfer(ADDRESS, b"\x1f\x00")]
FORCE = Transfer(ADDRESS, b"\x1b\x13")


def ready() -> Bmp3xx:
    """A driver that has read its chip's trimming data."""
    driver = Bmp3xx("bmp388", Options())
    with Playback(SETUP) as bus:
        play(driver.setup(), bus, address=ADDRESS)
    return driver


def test_a_bmp388_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Bmp3xx("bmp388", Options())
    script = [read(0x00, b"\x50"), TRIMMING, *SETUP, FORCE, read(0x03, b"\x70"), read(0x04, DATA)]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (0.002,)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.channels) == ("BMP388", ("temperature", "pressure"))
    assert played.result == pytest.approx({"temperature": 30.4993, "pressure": 1008.76006}, abs=1e-4)
    assert played.waits_s == pytest.approx((0.0222,), abs=1e-4)


def test_options_become_register_values_and_time() -> None:
    driver = Bmp3xx("bmp390", Options(temperature_oversampling=32, pressure_oversampling=2, filter=127))
    setup = [*SETUP[:2], Transfer(ADDRESS, b"\x1c\x29"), Transfer(ADDRESS, b"\x1f\x0e")]
    with Playback([*setup, FORCE, read(0x03, b"\x60"), read(0x04, DATA)]) as bus:
        play(driver.setup(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).waits_s == pytest.approx((0.0813,), abs=1e-4)


@pytest.mark.parametrize(("variant", "chip_id"), [("bmp384", 0x60), ("bmp388", 0x60), ("bmp390", 0x50)])
def test_another_part_is_refused(variant: str, chip_id: int) -> None:
    with Playback([read(0x00, bytes((chip_id,)))]) as bus, pytest.raises(WrongChip, match=f"got {chip_id:02x}"):
        play(Bmp3xx(variant, Options()).identify(), bus, address=ADDRESS)


def test_a_stranger_with_the_same_byte_in_register_0_is_refused() -> None:
    """A DPS310 has its pressure there, which may well be 50."""
    with Playback([read(0x00, b"\x50"), read(0x30, bytes(22))]) as bus, pytest.raises(BadFrame, match="checksum"):
        play(Bmp3xx("bmp388", Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(22))
def test_a_checksum_that_is_broken_at_any_byte_is_a_bad_frame(place: int) -> None:
    block = bytearray((CHECKSUM, *BLOCK))
    block[place] ^= 0x10
    with pytest.raises(BadFrame):
        checked(bytes(block))


def test_a_chip_that_still_measures_is_asked_again() -> None:
    script = [FORCE, read(0x03, b"\x10"), read(0x03, b"\x50"), read(0x03, b"\x70"), read(0x04, DATA)]
    with Playback(script) as bus:
        assert play(ready().measure(), bus, address=ADDRESS).waits_s[1:] == (0.005, 0.005)


def test_a_chip_that_measures_for_ever_is_given_up() -> None:
    with Playback([FORCE, *[read(0x03, b"\x10")] * 10]) as bus, pytest.raises(NoAnswer, match="50 ms"):
        play(ready().measure(), bus, address=ADDRESS)


def test_a_measurement_before_setup_is_not_ready() -> None:
    with pytest.raises(NotReady):
        play(Bmp3xx("bmp388", Options()).measure(), Playback([]), address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([FORCE, read(0x03, Nack("gone"))]) as bus, pytest.raises(Nack):
        play(ready().measure(), bus, address=ADDRESS)


def test_registers_that_nobody_has_written_are_not_ready() -> None:
    with pytest.raises(NotReady):
        convert(trimming(BLOCK), bytes.fromhex("00 00 80 00 00 80"))


def test_one_count_that_is_the_reset_value_is_a_value() -> None:
    assert 14 < convert(trimming(BLOCK), DATA[:3] + bytes.fromhex("00 00 80"))["temperature"] < 30


@pytest.mark.parametrize("data", [b"\x00" * 6, b"\xff" * 6, DATA[:3] + b"\xff\xff\xff"])
def test_a_value_beyond_the_chip_is_over_range(data: bytes) -> None:
    with pytest.raises(OverRange):
        convert(trimming(BLOCK), data)


@given(st.binary(max_size=23) | st.binary(min_size=21, max_size=21), st.binary(min_size=6, max_size=6))
def test_a_chip_with_any_trimming_data_gives_values_within_limits_or_an_error_of_ours(
    block: bytes, data: bytes
) -> None:
    try:
        values = convert(trimming(block), data)
    except MeasurementError:
        return
    for channel in SPEC.variants["bmp388"].channels:
        assert channel.low <= values[channel.name] <= channel.high


@given(st.binary(max_size=8) | st.binary(min_size=6, max_size=6))
def test_any_bytes_of_a_known_chip_are_values_within_limits_or_an_error_of_ours(data: bytes) -> None:
    try:
        values = convert(trimming(BLOCK), data)
    except MeasurementError:
        return
    for channel in SPEC.variants["bmp388"].channels:
        assert channel.low <= values[channel.name] <= channel.high
