from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.sht4x import SPEC, Options, Repeatability, Sht4x, convert
from sensor_gateway.driver import BadFrame, OverRange, crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x44
RECORDED = bytes.fromhex("63 36 9a 5a 7c 0d")


def with_checksums(t: int, h: int) -> bytes:
    pairs = t.to_bytes(2, "big"), h.to_bytes(2, "big")
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_a_measurement_is_a_command_a_wait_and_one_answer() -> None:
    with Playback([Transfer(ADDRESS, b"\xfd"), Transfer(ADDRESS, b"", RECORDED)]) as bus:
        played = play(Sht4x(Options()).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 22.8210, "humidity": 38.1825}, abs=1e-4)
    assert played.waits_s == (0.0083,)


@pytest.mark.parametrize(
    ("repeatability", "command", "wait_s"),
    [("high", b"\xfd", 0.0083), ("medium", b"\xf6", 0.0045), ("low", b"\xe0", 0.0016)],
)
def test_less_repeatability_is_another_command_and_a_shorter_wait(
    repeatability: Repeatability, command: bytes, wait_s: float
) -> None:
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", RECORDED)]) as bus:
        played = play(Sht4x(Options(repeatability=repeatability)).measure(), bus, address=ADDRESS)
    assert played.waits_s == (wait_s,)


def test_setup_resets_the_chip_and_lets_it_wake() -> None:
    with Playback([Transfer(ADDRESS, b"\x94")]) as bus:
        assert play(Sht4x(Options()).setup(), bus, address=ADDRESS).waits_s == (0.001,)


def test_identify_reads_the_serial_number() -> None:
    """As periph recorded it from a real chip (TestBasic)."""
    with Playback([Transfer(ADDRESS, b"\x89"), Transfer(ADDRESS, b"", bytes.fromhex("0d 20 47 61 01 11"))]) as bus:
        identity = play(Sht4x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SHT4x, serial number 0d206101"
    assert identity.channels == ("temperature", "humidity")


@pytest.mark.parametrize("step", ["identify", "measure"])
@pytest.mark.parametrize("place", range(6))
def test_a_broken_byte_in_an_answer_is_a_bad_frame(step: str, place: int) -> None:
    broken = bytearray(RECORDED)
    broken[place] ^= 0x10
    driver = Sht4x(Options())
    command = b"\x89" if step == "identify" else b"\xfd"
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", bytes(broken))]) as bus, pytest.raises(BadFrame):
        play(getattr(driver, step)(), bus, address=ADDRESS)


def test_a_broken_checksum_says_what_was_expected_and_what_came() -> None:
    with pytest.raises(BadFrame, match="checksum of word 2: expected 0d, got 0c"):
        convert(RECORDED[:5] + b"\x0c")


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\xfd"), Transfer(ADDRESS, b"", Nack("busy"))]) as bus, pytest.raises(Nack):
        play(Sht4x(Options()).measure(), bus, address=ADDRESS)


def test_a_temperature_beyond_the_chip_is_over_range() -> None:
    with pytest.raises(OverRange):
        convert(with_checksums(0xFFFF, 0x8000))


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_two_words_are_values_within_limits_or_over_range(t: int, h: int) -> None:
    temperature, humidity = SPEC.variants["sht40"].channels
    try:
        values = convert(with_checksums(t, h))
    except OverRange:
        assert not temperature.low <= -45 + 175 * t / 65535 <= temperature.high
        return
    assert temperature.low <= values["temperature"] <= temperature.high
    assert humidity.low <= values["humidity"] <= humidity.high


@given(st.binary(max_size=12))
def test_any_bytes_are_values_or_an_error_of_ours(frame: bytes) -> None:
    try:
        convert(frame)
    except (BadFrame, OverRange):
        return
    assert with_checksums(int.from_bytes(frame[:2], "big"), int.from_bytes(frame[3:5], "big")) == frame
