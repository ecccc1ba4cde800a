from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.opt3001 import SPEC, Conversion, Opt3001, Options, convert
from sensor_gateway.driver import BadFrame, MeasurementError, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x44


def read(register: int, answer: str | MeasurementError) -> Transfer:
    return Transfer(ADDRESS, bytes((register,)), bytes.fromhex(answer) if isinstance(answer, str) else answer)


@pytest.mark.parametrize(("conversion", "configuration", "wait_s"), [("800ms", "ce 10", 1.0), ("100ms", "c6 10", 0.15)])
def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions(
    conversion: Conversion, configuration: str, wait_s: float
) -> None:
    """CE 10 is what TI's and others' examples write for continuous conversions of 800 ms."""
    driver = Opt3001(Options(conversion=conversion))
    script = [
        read(0x7E, "54 49"),
        read(0x7F, "30 01"),
        Transfer(ADDRESS, b"\x01" + bytes.fromhex(configuration)),
        read(0, "34 56"),
        read(1, configuration),
    ]
    with Playback(script) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "OPT3001"
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (wait_s,)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == {"illuminance": 88.8}
    assert played.waits_s == ()


@pytest.mark.parametrize("script", [[read(0x7E, "ff ff")], [read(0x7E, "54 49"), read(0x7F, "40 01")]])
def test_another_chip_is_refused(script: list[Transfer]) -> None:
    with Playback(script) as bus, pytest.raises(WrongChip):
        play(Opt3001(Options()).identify(), bus, address=ADDRESS)


def test_overflow_is_over_range_and_no_value() -> None:
    with Playback([read(0, "bf ff"), read(1, "cf 90")]) as bus, pytest.raises(OverRange, match="brighter"):
        play(Opt3001(Options()).measure(), bus, address=ADDRESS)


def test_full_scale_is_over_range_where_the_flag_was_read_a_moment_earlier() -> None:
    with pytest.raises(OverRange):
        convert(b"\xce\x10", b"\xbf\xff")


def test_flags_of_a_new_result_and_of_limits_do_not_matter() -> None:
    with Playback([read(0, "00 01"), read(1, "ce f0")]) as bus:
        assert play(Opt3001(Options()).measure(), bus, address=ADDRESS).result == {"illuminance": 0.01}


@pytest.mark.parametrize("configuration", ["c8 10", "ca 10", "c6 10", "be 10"])
def test_a_chip_that_lost_its_configuration_is_not_ready(configuration: str) -> None:
    with Playback([read(0, "00 00"), read(1, configuration)]) as bus, pytest.raises(NotReady, match="lost power"):
        play(Opt3001(Options()).measure(), bus, address=ADDRESS)


def test_an_exponent_that_does_not_exist_is_a_bad_frame() -> None:
    with pytest.raises(BadFrame, match="c0 01"):
        convert(b"\xce\x10", b"\xc0\x01")


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([read(0, "00 01"), read(1, Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Opt3001(Options()).measure(), bus, address=ADDRESS)


@given(st.binary(max_size=3), st.binary(max_size=3) | st.binary(min_size=2, max_size=2))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(configuration: bytes, result: bytes) -> None:
    (channel,) = SPEC.variants["opt3001"].channels
    try:
        values = convert(configuration, result)
    except (BadFrame, OverRange):
        return
    assert channel.low <= values["illuminance"] <= channel.high
