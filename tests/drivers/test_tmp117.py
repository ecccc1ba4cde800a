from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.tmp117 import SPEC, Options, Tmp117, convert
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x48
READY = Transfer(ADDRESS, b"\x01", b"\x26\x20")
BUSY = Transfer(ADDRESS, b"\x01", b"\x0e\x20")
ONE_SHOT = Transfer(ADDRESS, b"\x01\x0c\x20")


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Tmp117("tmp117", Options())
    script = [
        Transfer(ADDRESS, b"\x0f", b"\x01\x17"),
        Transfer(ADDRESS, b"\x01\x04\x20"),
        ONE_SHOT,
        READY,
        Transfer(ADDRESS, b"\x00", b"\x0c\x80"),
    ]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == ()
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.channels) == ("TMP117", ("temperature",))
    assert (played.result, played.waits_s) == ({"temperature": 25}, (0.14,))


@pytest.mark.parametrize(
    ("averages", "bits", "wait_s"), [(1, 0x00, 0.0175), (8, 0x20, 0.14), (32, 0x40, 0.56), (64, 0x60, 1.12)]
)
def test_averaging_takes_its_time(averages: int, bits: int, wait_s: float) -> None:
    driver = Tmp117("tmp117", Options(averages=averages))  # type: ignore[arg-type]
    script = [Transfer(ADDRESS, bytes((1, 0x0C, bits))), READY, Transfer(ADDRESS, b"\x00", b"\x00\x80")]
    with Playback(script) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).waits_s == pytest.approx((wait_s,))


@pytest.mark.parametrize(
    ("variant", "answer"),
    [("tmp116", b"\x11\x16"), ("tmp117", b"\x01\x17"), ("tmp117", b"\x11\x17"), ("tmp119", b"\x21\x17")],
)
def test_each_part_has_its_id_and_is_told_from_the_others(variant: str, answer: bytes) -> None:
    for name in SPEC.variants:
        steps = Tmp117(name, Options()).identify()
        with Playback([Transfer(ADDRESS, b"\x0f", answer)]) as bus:
            if name == variant:
                assert play(steps, bus, address=ADDRESS).result.part == variant.upper()
            else:
                with pytest.raises(WrongChip, match=f"expected .*{name.upper()}.*got {answer.hex(' ')}"):
                    play(steps, bus, address=ADDRESS)


def test_a_stranger_is_refused() -> None:
    """A TMP1075, which shares the addresses."""
    with Playback([Transfer(ADDRESS, b"\x0f", b"\x75\x00")]) as bus, pytest.raises(WrongChip):
        play(Tmp117("tmp117", Options()).identify(), bus, address=ADDRESS)


def test_a_conversion_that_is_late_is_awaited() -> None:
    with Playback([ONE_SHOT, BUSY, BUSY, READY, Transfer(ADDRESS, b"\x00", b"\xf3\x80")]) as bus:
        played = play(Tmp117("tmp117", Options()).measure(), bus, address=ADDRESS)
    assert (played.result, played.waits_s) == ({"temperature": -25}, (0.14, 0.005, 0.005))


def test_a_conversion_that_never_ends_is_given_up() -> None:
    with Playback([ONE_SHOT, *[BUSY] * 10]) as bus, pytest.raises(NoAnswer, match="50 ms"):
        play(Tmp117("tmp117", Options()).measure(), bus, address=ADDRESS)


def test_a_wire_that_nobody_pulls_down_is_a_bad_frame() -> None:
    """FF FF as a temperature is -0.0078 °C, as a configuration it is impossible."""
    script = [ONE_SHOT, Transfer(ADDRESS, b"\x01", b"\xff\xff")]
    with Playback(script) as bus, pytest.raises(BadFrame, match="ff ff"):
        play(Tmp117("tmp117", Options()).measure(), bus, address=ADDRESS)


def test_the_value_of_power_on_is_not_ready() -> None:
    with pytest.raises(NotReady):
        convert(b"\x80\x00")


@pytest.mark.parametrize(
    ("variant", "frame"), [("tmp117", "4b01"), ("tmp119", "4b01"), ("tmp116", "3e81"), ("tmp117", "e47f")]
)
def test_beyond_the_range_is_no_value(variant: str, frame: str) -> None:
    with pytest.raises(OverRange):
        convert(bytes.fromhex(frame), variant=variant)


def test_both_ends_of_the_range_are_values() -> None:
    assert convert(b"\x4b\x00") == {"temperature": 150}
    assert convert(b"\x3e\x80", variant="tmp116") == {"temperature": 125}
    assert convert(b"\xe4\x80") == {"temperature": -55}


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([ONE_SHOT, Transfer(ADDRESS, b"\x01", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Tmp117("tmp117", Options()).measure(), bus, address=ADDRESS)


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
