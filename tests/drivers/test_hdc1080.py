from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.hdc1080 import Hdc1080, convert
from sensor_gateway.driver import BadFrame, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x40


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Hdc1080("hdc1080")
    script = [
        Transfer(ADDRESS, b"\xff", b"\x10\x50"),
        Transfer(ADDRESS, b"\x02\x10\x00"),
        Transfer(ADDRESS, b"\x00"),
        Transfer(ADDRESS, b"", bytes.fromhex("66 64 80 00")),
    ]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == ()
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.channels) == ("HDC1080", ("temperature", "humidity"))
    assert played.result == pytest.approx({"temperature": 25.99, "humidity": 50}, abs=0.01)
    assert played.waits_s == (0.02,)


@pytest.mark.parametrize(
    ("variant", "device"),
    [
        ("hdc1000", b"\x10\x00"),
        ("hdc1008", b"\x10\x00"),
        ("hdc1010", b"\x10\x00"),
        ("hdc1050", b"\x10\x50"),
        ("hdc1080", b"\x10\x50"),
    ],
)
def test_each_part_has_its_device_id(variant: str, device: bytes) -> None:
    other = b"\x10\x50" if device == b"\x10\x00" else b"\x10\x00"
    with Playback([Transfer(ADDRESS, b"\xff", device), Transfer(ADDRESS, b"\xff", other)]) as bus:
        assert play(Hdc1080(variant).identify(), bus, address=ADDRESS).result.part == variant.upper()
        with pytest.raises(WrongChip, match=f"expected {device.hex(' ')}, got {other.hex(' ')}"):
            play(Hdc1080(variant).identify(), bus, address=ADDRESS)


def test_the_manufacturer_id_is_not_asked_for() -> None:
    """Its number is the reset of an HTU21D, at the same address (HTU21D, soft reset: FE)."""
    with Playback([Transfer(ADDRESS, b"\xff", b"\xff\xff")]) as bus, pytest.raises(WrongChip, match="device id"):
        play(Hdc1080("hdc1080").identify(), bus, address=ADDRESS)


def test_a_chip_that_still_converts_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x00"), Transfer(ADDRESS, b"", Nack("busy"))]) as bus, pytest.raises(Nack):
        play(Hdc1080("hdc1080").measure(), bus, address=ADDRESS)


def test_registers_that_nobody_has_written_are_not_ready() -> None:
    """Taken for real they would be -40 °C and 0 %, within limits and never true."""
    with pytest.raises(NotReady):
        convert(b"\x00\x00\x00\x00")


@pytest.mark.parametrize("frame", ["ff ff ff ff", "66 64 ff ff", "ff ff 80 00"])
def test_a_wire_that_nobody_pulls_down_is_a_bad_frame(frame: str) -> None:
    with pytest.raises(BadFrame):
        convert(bytes.fromhex(frame))


@pytest.mark.parametrize("frame", ["00 00 80 00", "ff fc 80 00", "ff fd 80 00"])
def test_the_ends_of_the_temperature_are_no_values(frame: str) -> None:
    with pytest.raises(OverRange):
        convert(bytes.fromhex(frame))


@pytest.mark.parametrize("length", [0, 2, 3, 5])
def test_an_answer_of_another_length_is_a_bad_frame(length: int) -> None:
    with pytest.raises(BadFrame):
        convert(b"\x66" * length)


@given(st.binary(max_size=6) | st.binary(min_size=4, max_size=4))
def test_any_bytes_are_values_within_limits_or_an_error_of_ours(frame: bytes) -> None:
    try:
        values = convert(frame)
    except MeasurementError:
        return
    assert -40 < values["temperature"] < 125
    assert 0 <= values["humidity"] < 100
