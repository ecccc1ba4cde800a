from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.shtc3 import SPEC, Options, Power, Shtc3, convert
from sensor_gateway.driver import BadFrame, Nack, OverRange, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, check_driver, play

ADDRESS = 0x70
FIGURE = bytes.fromhex("64 8b c7 a1 33 1c")
WAKEUP, READ_ID, MEASURE = b"\x35\x17", b"\xef\xc8", b"\x78\x66"


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_the_driver_conforms() -> None:
    check_driver(SPEC)


@pytest.mark.parametrize(("power", "command", "wait_s"), [("normal", MEASURE, 0.0144), ("low", b"\x60\x9c", 0.001)])
def test_a_measurement_is_a_command_a_wait_and_one_answer(power: Power, command: bytes, wait_s: float) -> None:
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", FIGURE)]) as bus:
        played = play(Shtc3("shtc3", Options(power=power)).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 23.730, "humidity": 62.968}, abs=0.001)
    assert played.waits_s == (wait_s,)


def test_setup_resets_the_chip() -> None:
    with Playback([Transfer(ADDRESS, b"\x80\x5d")]) as bus:
        assert play(Shtc3("shtc3", Options()).setup(), bus, address=ADDRESS).waits_s == (0.001,)


@pytest.mark.parametrize("found", [0x0807, 0x0887, 0xFFC7])
def test_an_shtc3_is_woken_and_told_by_the_fixed_bits_of_its_id(found: int) -> None:
    transfers = [Transfer(ADDRESS, WAKEUP), Transfer(ADDRESS, READ_ID), Transfer(ADDRESS, b"", with_checksums(found))]
    with Playback(transfers) as bus:
        played = play(Shtc3("shtc3", Options()).identify(), bus, address=ADDRESS)
    assert played.result.part == "SHTC3"
    assert played.waits_s == (0.001, 0.001)


def test_an_shtc1_that_knows_no_waking_is_identified_all_the_same() -> None:
    transfers = [
        Transfer(ADDRESS, WAKEUP, Nack("unknown")),
        Transfer(ADDRESS, READ_ID),
        Transfer(ADDRESS, b"", with_checksums(0x1007)),
    ]
    with Playback(transfers) as bus:
        assert play(Shtc3("shtc1", Options()).identify(), bus, address=ADDRESS).result.part == "SHTC1"


@pytest.mark.parametrize(
    ("variant", "found"), [("shtc3", 0x0007), ("shtc3", 0x0827), ("shtc1", 0x0006), ("shtc1", 0xFFFF)]
)
def test_another_chip_is_refused(variant: str, found: int) -> None:
    transfers = [Transfer(ADDRESS, WAKEUP), Transfer(ADDRESS, READ_ID), Transfer(ADDRESS, b"", with_checksums(found))]
    with Playback(transfers) as bus, pytest.raises(WrongChip, match=f"got {found:04x}"):
        play(Shtc3(variant, Options()).identify(), bus, address=ADDRESS)


def test_nobody_at_the_address_is_told_as_the_wire_tells_it() -> None:
    transfers = [Transfer(ADDRESS, WAKEUP, Nack("absent")), Transfer(ADDRESS, READ_ID, Nack("absent"))]
    with Playback(transfers) as bus, pytest.raises(Nack):
        play(Shtc3("shtc3", Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(6))
def test_a_broken_byte_in_a_measurement_is_a_bad_frame(place: int) -> None:
    broken = bytearray(FIGURE)
    broken[place] ^= 0x10
    with Playback([Transfer(ADDRESS, MEASURE), Transfer(ADDRESS, b"", bytes(broken))]) as bus, pytest.raises(BadFrame):
        play(Shtc3("shtc3", Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(3))
def test_a_broken_byte_in_the_id_is_a_bad_frame(place: int) -> None:
    broken = bytearray(with_checksums(0x0807))
    broken[place] ^= 0x10
    transfers = [Transfer(ADDRESS, WAKEUP), Transfer(ADDRESS, READ_ID), Transfer(ADDRESS, b"", bytes(broken))]
    with Playback(transfers) as bus, pytest.raises(BadFrame):
        play(Shtc3("shtc3", Options()).identify(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, MEASURE), Transfer(ADDRESS, b"", Nack("busy"))]) as bus, pytest.raises(Nack):
        play(Shtc3("shtc3", Options()).measure(), bus, address=ADDRESS)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_two_words_are_values_within_limits_or_over_range(t: int, h: int) -> None:
    temperature, humidity = SPEC.variants["shtc3"].channels
    try:
        values = convert(with_checksums(t, h))
    except OverRange:
        assert not temperature.low <= -45 + 175 * t / 65536 <= temperature.high
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
