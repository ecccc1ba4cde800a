from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.sht3x import SPEC, Options, Repeatability, Sht3x, convert
from sensor_gateway.driver import BadFrame, Nack, OverRange, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, check_driver, play

ADDRESS = 0x44
RECORDED = bytes.fromhex("62 60 b6 72 b3 8f")
SERIAL_NUMBER, STATUS, MANUFACTURER_ID = b"\x36\x82", b"\xf3\x2d", b"\x37\x81"


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_the_driver_conforms() -> None:
    check_driver(SPEC)


def test_a_measurement_is_a_command_a_wait_and_one_answer() -> None:
    with Playback([Transfer(ADDRESS, b"\x24\x00"), Transfer(ADDRESS, b"", RECORDED)]) as bus:
        played = play(Sht3x(Options()).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 22.25, "humidity": 44.80}, abs=0.01)
    assert played.waits_s == (0.0155,)


@pytest.mark.parametrize(
    ("repeatability", "command", "wait_s"),
    [("high", b"\x24\x00", 0.0155), ("medium", b"\x24\x0b", 0.0065), ("low", b"\x24\x16", 0.0045)],
)
def test_less_repeatability_is_another_command_and_a_shorter_wait(
    repeatability: Repeatability, command: bytes, wait_s: float
) -> None:
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", RECORDED)]) as bus:
        played = play(Sht3x(Options(repeatability=repeatability)).measure(), bus, address=ADDRESS)
    assert played.waits_s == (wait_s,)


def test_setup_ends_periodic_measurement_before_the_reset_that_it_would_refuse() -> None:
    with Playback([Transfer(ADDRESS, b"\x30\x93"), Transfer(ADDRESS, b"\x30\xa2")]) as bus:
        assert play(Sht3x(Options()).setup(), bus, address=ADDRESS).waits_s == (0.001, 0.0015)


def test_identify_reads_the_serial_number() -> None:
    answer = with_checksums(0x1A2B, 0x3C4D)
    with Playback([Transfer(ADDRESS, SERIAL_NUMBER), Transfer(ADDRESS, b"", answer)]) as bus:
        identity = play(Sht3x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SHT3x, serial number 1a2b3c4d"
    assert identity.channels == ("temperature", "humidity")
    assert not identity.note


def test_a_copy_without_a_serial_number_is_known_by_its_status_register_and_noted() -> None:
    transfers = [
        Transfer(ADDRESS, SERIAL_NUMBER),
        Transfer(ADDRESS, b"", Nack("nothing to say")),
        Transfer(ADDRESS, STATUS),
        Transfer(ADDRESS, b"", with_checksums(0x8010)),
        Transfer(ADDRESS, MANUFACTURER_ID, Nack("unknown")),
    ]
    with Playback(transfers) as bus:
        identity = play(Sht3x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SHT3x"
    assert "no serial number" in identity.note


@pytest.mark.parametrize("answer", [with_checksums(0x5959), b"\xff\xff\xff"])
def test_a_copy_may_answer_anything_to_another_makers_command(answer: bytes) -> None:
    transfers = [
        Transfer(ADDRESS, SERIAL_NUMBER, Nack("unknown")),
        Transfer(ADDRESS, STATUS),
        Transfer(ADDRESS, b"", with_checksums(0x8010)),
        Transfer(ADDRESS, MANUFACTURER_ID),
        Transfer(ADDRESS, b"", answer),
    ]
    with Playback(transfers) as bus:
        assert play(Sht3x(Options()).identify(), bus, address=ADDRESS).result.part == "SHT3x"


def test_an_hdc302x_is_refused() -> None:
    """It has the same addresses, commands and status register."""
    transfers = [
        Transfer(ADDRESS, SERIAL_NUMBER, Nack("unknown")),
        Transfer(ADDRESS, STATUS),
        Transfer(ADDRESS, b"", with_checksums(0x8010)),
        Transfer(ADDRESS, MANUFACTURER_ID),
        Transfer(ADDRESS, b"", bytes.fromhex("30 00 33")),
    ]
    with Playback(transfers) as bus, pytest.raises(WrongChip, match="HDC302x"):
        play(Sht3x(Options()).identify(), bus, address=ADDRESS)


def test_nobody_at_the_address_is_told_as_the_wire_tells_it() -> None:
    transfers = [Transfer(ADDRESS, SERIAL_NUMBER, Nack("absent")), Transfer(ADDRESS, STATUS, Nack("absent"))]
    with Playback(transfers) as bus, pytest.raises(Nack):
        play(Sht3x(Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("step", ["identify", "measure"])
@pytest.mark.parametrize("place", range(6))
def test_a_broken_byte_in_an_answer_is_a_bad_frame(step: str, place: int) -> None:
    broken = bytearray(RECORDED)
    broken[place] ^= 0x10
    command = SERIAL_NUMBER if step == "identify" else b"\x24\x00"
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", bytes(broken))]) as bus, pytest.raises(BadFrame):
        play(getattr(Sht3x(Options()), step)(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x24\x00"), Transfer(ADDRESS, b"", Nack("busy"))]) as bus, pytest.raises(Nack):
        play(Sht3x(Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("t", [0x0000, 0xFFFF])
def test_a_temperature_beyond_the_chip_is_over_range(t: int) -> None:
    with pytest.raises(OverRange):
        convert(with_checksums(t, 0x8000))


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_two_words_are_values_within_limits_or_over_range(t: int, h: int) -> None:
    temperature, humidity = SPEC.variants["sht31"].channels
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
