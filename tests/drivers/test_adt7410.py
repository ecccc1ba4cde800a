from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.adt7410 import SPEC, Adt7410, convert
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x48
ONE_SHOT = Transfer(ADDRESS, b"\x03\xa0")
BUSY = Transfer(ADDRESS, b"\x02", b"\x80")
READY = Transfer(ADDRESS, b"\x02", b"\x00")
BITS_16 = Transfer(ADDRESS, b"\x03", b"\xa0")


@pytest.mark.parametrize("variant", SPEC.variants)
def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions(variant: str) -> None:
    driver = Adt7410(variant)
    script = [
        Transfer(ADDRESS, b"\x0b", b"\xcb"),
        Transfer(ADDRESS, b"\x03\xe0"),
        ONE_SHOT,
        READY,
        Transfer(ADDRESS, b"\x00", b"\xf3\x80"),
        BITS_16,
    ]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        play(driver.setup(), bus, address=ADDRESS)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.channels) == (variant.upper(), ("temperature",))
    assert (played.result, played.waits_s) == ({"temperature": -25}, (0.24,))


@pytest.mark.parametrize("answer", [b"\x00", b"\xff", b"\xc3", b"\x75"])
def test_another_chip_is_refused(answer: bytes) -> None:
    with Playback([Transfer(ADDRESS, b"\x0b", answer)]) as bus, pytest.raises(WrongChip, match="register 0B"):
        play(Adt7410("adt7410").identify(), bus, address=ADDRESS)


def test_a_conversion_that_is_late_is_awaited() -> None:
    with Playback([ONE_SHOT, BUSY, BUSY, READY, Transfer(ADDRESS, b"\x00", b"\x0c\x80"), BITS_16]) as bus:
        assert play(Adt7410("adt7410").measure(), bus, address=ADDRESS).waits_s == (0.24, 0.02, 0.02)


@pytest.mark.parametrize("status", [b"\x80", b"\xff"], ids=["busy", "a wire that nobody pulls down"])
def test_a_conversion_that_never_ends_is_given_up(status: bytes) -> None:
    script = [ONE_SHOT, *[Transfer(ADDRESS, b"\x02", status)] * 10]
    with Playback(script) as bus, pytest.raises(NoAnswer, match="200 ms"):
        play(Adt7410("adt7410").measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("configuration", [b"\x00", b"\xff"])
def test_a_chip_that_lost_power_is_not_ready(configuration: bytes) -> None:
    """It is in 13-bit mode then, its last bits are flags, and its first value may be 5 °C off, or 0."""
    value = Transfer(ADDRESS, b"\x00", b"\x00\x00")
    with (
        Playback([ONE_SHOT, READY, value, Transfer(ADDRESS, b"\x03", configuration)]) as bus,
        pytest.raises(NotReady, match="lost power"),
    ):
        play(Adt7410("adt7410").measure(), bus, address=ADDRESS)


@pytest.mark.parametrize(("variant", "frame"), [("adt7410", "4b01"), ("adt7410", "e47f"), ("adt7420", "ebff")])
def test_beyond_the_range_is_no_value(variant: str, frame: str) -> None:
    with pytest.raises(OverRange):
        convert(bytes.fromhex(frame), variant=variant)


@pytest.mark.parametrize("frame", [b"", b"\x0c", b"\x0c\x80\x00"])
def test_an_answer_of_another_length_is_a_bad_frame(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        convert(frame)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x03\xa0", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Adt7410("adt7410").measure(), bus, address=ADDRESS)


@given(st.binary(max_size=4), st.sampled_from(sorted(SPEC.variants)))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(frame: bytes, variant: str) -> None:
    try:
        values = convert(frame, variant=variant)
    except MeasurementError:
        return
    (channel,) = SPEC.variants[variant].channels
    assert channel.low <= values["temperature"] <= channel.high


@given(st.integers(-55 * 128, 150 * 128))
def test_every_step_is_read(steps: int) -> None:
    assert convert((steps & 0xFFFF).to_bytes(2, "big")) == {"temperature": steps / 128}
