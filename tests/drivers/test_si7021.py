from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.si7021 import ROWS, SPEC, Si7021, convert
from sensor_gateway.driver import BadFrame, Nack, OverRange, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x40
T, H = bytes.fromhex("66 4c 4f"), bytes.fromhex("a1 a6 51")
ID = bytes.fromhex("15 ff b5 ff ff cb")
"""The id of a real Si7021, from johkra/si7021_hal tests/lib.rs."""


def with_checksum(word: int) -> bytes:
    pair = word.to_bytes(2, "big")
    return pair + bytes((crc8(pair, initial=0),))


def measurement(t: bytes, h: bytes) -> list[Transfer]:
    return [
        Transfer(ADDRESS, b"\xf3"),
        Transfer(ADDRESS, b"", t),
        Transfer(ADDRESS, b"\xf5"),
        Transfer(ADDRESS, b"", h),
    ]


@pytest.mark.parametrize(
    ("variant", "waits_s"),
    [
        ("si7021", (0.0108, 0.0228)),
        ("htu21d", (0.050, 0.016)),
        ("sht20", (0.085, 0.029)),
        ("sht21", (0.085, 0.029)),
        ("sht25", (0.085, 0.029)),
    ],
)
def test_a_measurement_is_temperature_and_humidity_each_in_its_own_time(
    variant: str, waits_s: tuple[float, float]
) -> None:
    with Playback(measurement(T, H)) as bus:
        played = play(Si7021(variant).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 23.367, "humidity": 72.926}, abs=0.001)
    assert played.waits_s == waits_s


def test_setup_is_a_reset_where_the_user_register_then_holds_its_default() -> None:
    with Playback([Transfer(ADDRESS, b"\xfe"), Transfer(ADDRESS, b"\xe7", b"\x3a")]) as bus:
        assert play(Si7021("si7021").setup(), bus, address=ADDRESS).waits_s == (0.015,)


@pytest.mark.parametrize(("left", "written"), [(0x3E, 0x3A), (0x02 | 0x81, 0x02), (0xFF, 0x7A)])
def test_setup_takes_back_heater_and_resolution_and_keeps_the_reserved_bits(left: int, written: int) -> None:
    transfers = [
        Transfer(ADDRESS, b"\xfe"),
        Transfer(ADDRESS, b"\xe7", bytes((left,))),
        Transfer(ADDRESS, bytes((0xE6, written))),
    ]
    with Playback(transfers) as bus:
        play(Si7021("htu21d").setup(), bus, address=ADDRESS)


def test_an_si7021_is_told_by_its_electronic_id() -> None:
    with Playback([Transfer(ADDRESS, b"\xfc\xc9", ID)]) as bus:
        assert play(Si7021("si7021").identify(), bus, address=ADDRESS).result.part == "Si7021"


def test_another_part_of_the_makers_is_refused() -> None:
    head = b"\x14\xff"
    si7020 = head + bytes((crc8(head, initial=0),)) + b"\xff\xff" + bytes((crc8(head + b"\xff\xff", initial=0),))
    bus = Playback([Transfer(ADDRESS, b"\xfc\xc9", si7020)])
    with pytest.raises(WrongChip, match=r"expected 15 \(Si7021\), got 14"):
        play(Si7021("si7021").identify(), bus, address=ADDRESS)


def test_a_chip_without_an_electronic_id_is_refused_with_advice_and_an_absent_one_is_absent() -> None:
    refusal = Transfer(ADDRESS, b"\xfc\xc9", Nack("unknown"))
    with (
        Playback([refusal, Transfer(ADDRESS, b"\xe7", b"\x02")]) as bus,
        pytest.raises(WrongChip, match="try `driver: htu21d`"),
    ):
        play(Si7021("si7021").identify(), bus, address=ADDRESS)
    with Playback([refusal, Transfer(ADDRESS, b"\xe7", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Si7021("si7021").identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(6))
def test_a_broken_byte_in_the_id_is_a_bad_frame(place: int) -> None:
    broken = bytearray(ID)
    broken[place] ^= 0x10
    bus = Playback([Transfer(ADDRESS, b"\xfc\xc9", bytes(broken))])
    with pytest.raises(BadFrame, match="electronic id"):
        play(Si7021("si7021").identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("variant", [name for name in ROWS if name != "si7021"])
def test_of_the_others_identify_only_sees_that_somebody_answers(variant: str) -> None:
    with Playback([Transfer(ADDRESS, b"\xe7", b"\x02")]) as bus:
        assert "no identity" in play(Si7021(variant).identify(), bus, address=ADDRESS).result.part
    with Playback([Transfer(ADDRESS, b"\xe7", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Si7021(variant).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("which", ["temperature", "humidity"])
@pytest.mark.parametrize("place", range(3))
def test_a_broken_byte_in_an_answer_is_a_bad_frame(which: str, place: int) -> None:
    frames = {"temperature": bytearray(T), "humidity": bytearray(H)}
    frames[which][place] ^= 0x10
    with Playback(measurement(bytes(frames["temperature"]), bytes(frames["humidity"]))) as bus, pytest.raises(BadFrame):
        play(Si7021("si7021").measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\xf3"), Transfer(ADDRESS, b"", Nack("busy"))]) as bus, pytest.raises(Nack):
        play(Si7021("sht21").measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("word", [0x0000, 0x0002, 0xFFFC, 0xFFFE, 0xFFFF])
def test_a_broken_sensing_element_gives_no_value(word: int) -> None:
    with pytest.raises(OverRange, match="broken"):
        convert(T, with_checksum(word))


@pytest.mark.parametrize("word", [0x0000, 0xFFFC])
def test_a_temperature_beyond_the_chip_is_over_range(word: int) -> None:
    with pytest.raises(OverRange):
        convert(with_checksum(word), H)


def test_humidity_beyond_what_there_is_is_cropped() -> None:
    assert convert(T, with_checksum(0x0100))["humidity"] == 0
    assert convert(T, with_checksum(0xE000))["humidity"] == 100


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_two_words_are_values_within_limits_or_over_range(t: int, h: int) -> None:
    try:
        values = convert(with_checksum(t), with_checksum(h))
    except OverRange:
        return
    for channel in SPEC.variants["sht25"].channels:
        assert channel.low <= values[channel.name] <= channel.high


@given(st.binary(max_size=5), st.binary(max_size=5))
def test_any_bytes_are_values_or_an_error_of_ours(t: bytes, h: bytes) -> None:
    try:
        convert(t, h)
    except (BadFrame, OverRange):
        return
    assert len(t) == len(h) == 3
