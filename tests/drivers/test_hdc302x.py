from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.hdc302x import SPEC, Hdc302x, LowPowerMode, Options, convert
from sensor_gateway.driver import BadFrame, Nack, OverRange, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, check_driver, play

ADDRESS = 0x44
RECORDED = bytes.fromhex("68 c5 51 3b 82 31")
IDENTITY = [
    Transfer(ADDRESS, b"\x37\x81", bytes.fromhex("30 00 33")),
    Transfer(ADDRESS, b"\x36\x83", bytes.fromhex("c2 95 3e")),
    Transfer(ADDRESS, b"\x36\x84", bytes.fromhex("b1 49 51")),
    Transfer(ADDRESS, b"\x36\x85", bytes.fromhex("15 21 2f")),
]
"""As periph/devices recorded it from a real chip (hdc302x_test.go, pbConfiguration)."""


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_the_driver_conforms() -> None:
    check_driver(SPEC)


@pytest.mark.parametrize(
    ("mode", "command", "wait_s"),
    [(0, b"\x24\x00", 0.0141), (1, b"\x24\x0b", 0.0084), (2, b"\x24\x16", 0.0057), (3, b"\x24\xff", 0.0042)],
)
def test_a_measurement_is_a_command_a_wait_and_one_answer(mode: LowPowerMode, command: bytes, wait_s: float) -> None:
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", RECORDED)]) as bus:
        played = play(Hdc302x(Options(low_power_mode=mode)).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 26.6208896, "humidity": 23.24559}, abs=1e-5)
    assert played.waits_s == (wait_s,)


def test_setup_leaves_auto_measurement_before_and_after_the_reset() -> None:
    with Playback([Transfer(ADDRESS, data) for data in (b"\x30\x93", b"\x30\xa2", b"\x30\x93")]) as bus:
        assert play(Hdc302x(Options()).setup(), bus, address=ADDRESS).waits_s == (0.001, 0.005, 0.001)


def test_identify_checks_the_manufacturer_and_reads_the_serial_number() -> None:
    with Playback(IDENTITY) as bus:
        identity = play(Hdc302x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "HDC302x, serial number c295b1491521"
    assert identity.channels == ("temperature", "humidity")


def test_another_makers_chip_is_refused() -> None:
    bus = Playback([Transfer(ADDRESS, b"\x37\x81", with_checksums(0x5959))])
    with pytest.raises(WrongChip, match="expected 3000, got 5959"):
        play(Hdc302x(Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("place", range(3))
def test_a_broken_byte_in_the_identity_is_a_bad_frame(which: int, place: int) -> None:
    step = IDENTITY[which]
    assert isinstance(step.answer, bytes)
    broken = bytearray(step.answer)
    broken[place] ^= 0x10
    transfers = [*IDENTITY[:which], Transfer(ADDRESS, step.written, bytes(broken))]
    with Playback(transfers) as bus, pytest.raises(BadFrame):
        play(Hdc302x(Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(6))
def test_a_broken_byte_in_an_answer_is_a_bad_frame(place: int) -> None:
    broken = bytearray(RECORDED)
    broken[place] ^= 0x10
    transfers = [Transfer(ADDRESS, b"\x24\x00"), Transfer(ADDRESS, b"", bytes(broken))]
    with Playback(transfers) as bus, pytest.raises(BadFrame):
        play(Hdc302x(Options()).measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x24\x00"), Transfer(ADDRESS, b"", Nack("busy"))]) as bus, pytest.raises(Nack):
        play(Hdc302x(Options()).measure(), bus, address=ADDRESS)
    with Playback([Transfer(ADDRESS, b"\x37\x81", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Hdc302x(Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("t", [0x0000, 0xFFFF])
def test_a_temperature_beyond_the_chip_is_over_range(t: int) -> None:
    """FFFF is also what a readout of auto measurement leaves behind."""
    with pytest.raises(OverRange):
        convert(with_checksums(t, 0xFFFF))


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_two_words_are_values_within_limits_or_over_range(t: int, h: int) -> None:
    temperature, humidity = SPEC.variants["hdc3022"].channels
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
