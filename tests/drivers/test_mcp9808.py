from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.mcp9808 import Mcp9808, Options, convert
from sensor_gateway.driver import BadFrame, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x18
IDENTITY = [Transfer(ADDRESS, b"\x06", b"\x00\x54"), Transfer(ADDRESS, b"\x07", b"\x04\x00")]


@pytest.mark.parametrize(
    ("resolution", "bits", "wait_s"), [("fine", b"\x08\x03", 0.333), ("coarse", b"\x08\x00", 0.04)]
)
def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions(
    resolution: str, bits: bytes, wait_s: float
) -> None:
    driver = Mcp9808(Options(resolution=resolution))  # type: ignore[arg-type]
    setup = [Transfer(ADDRESS, b"\x01\x00\x00"), Transfer(ADDRESS, bits)]
    with Playback([*IDENTITY, *setup, Transfer(ADDRESS, b"\x05", b"\xc1\x92")]) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (wait_s,)
        assert play(driver.measure(), bus, address=ADDRESS).result == {"temperature": 25.125}
    assert (identity.part, identity.channels) == ("MCP9808, revision 0", ("temperature",))


def test_another_maker_is_refused() -> None:
    with (
        Playback([Transfer(ADDRESS, b"\x06", b"\x1c\x68")]) as bus,
        pytest.raises(WrongChip, match="expected 00 54, got 1c 68"),
    ):
        play(Mcp9808(Options()).identify(), bus, address=ADDRESS)


def test_another_thermometer_of_the_same_maker_is_refused() -> None:
    """An MCP98244 on a memory module: device id 22."""
    with (
        Playback([IDENTITY[0], Transfer(ADDRESS, b"\x07", b"\x22\x01")]) as bus,
        pytest.raises(WrongChip, match="got 22 01"),
    ):
        play(Mcp9808(Options()).identify(), bus, address=ADDRESS)


def test_a_zero_is_believed_when_it_is_there_after_another_conversion() -> None:
    """A chip that just lost power reads 0 °C too, until it has converted at its finest resolution."""
    driver = Mcp9808(Options(resolution="coarse"))
    with Playback([Transfer(ADDRESS, b"\x05", b"\x00\x00"), Transfer(ADDRESS, b"\x05", b"\xc1\x58")]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (played.result, played.waits_s) == ({"temperature": 21.5}, (0.333,))
    with Playback([Transfer(ADDRESS, b"\x05", b"\x80\x00")] * 2) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"temperature": 0}


@pytest.mark.parametrize("frame", [b"\x07\xd1", b"\x1d\x7f", b"\x0f\xff", b"\x10\x00"])
def test_beyond_the_range_is_no_value(frame: bytes) -> None:
    with pytest.raises(OverRange):
        convert(frame)


def test_both_ends_of_the_range_are_values() -> None:
    assert convert(b"\x07\xd0") == {"temperature": 125}
    assert convert(b"\x1d\x80") == {"temperature": -40}


def test_a_wire_that_nobody_pulls_down_is_a_bad_frame() -> None:
    """Otherwise it would be -0.06 °C, above one limit and below the other."""
    with pytest.raises(BadFrame, match="ff ff"):
        convert(b"\xff\xff")


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x05", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Mcp9808(Options()).measure(), bus, address=ADDRESS)


@given(st.binary(max_size=4))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(frame: bytes) -> None:
    try:
        values = convert(frame)
    except (BadFrame, OverRange):
        return
    assert -40 <= values["temperature"] <= 125


@given(st.integers(-40 * 16, 125 * 16), st.sampled_from([0x0000, 0x2000, 0x4000, 0xC000]))
def test_every_sixteenth_of_a_degree_is_read_whatever_the_flags(sixteenths: int, flags: int) -> None:
    assert convert((sixteenths & 0x1FFF | flags).to_bytes(2, "big")) == {"temperature": sixteenths / 16}
