from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.bh1750 import SPEC, Bh1750, Mode, Options, check, convert
from sensor_gateway.driver import BadFrame, OverRange
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x23
EXAMPLE = bytes.fromhex("83 90")


@pytest.mark.parametrize(
    ("mode", "command", "wait_s", "lux"),
    [("high", b"\x20", 0.180, 28066.67), ("high2", b"\x21", 0.180, 14033.33), ("low", b"\x23", 0.024, 28066.67)],
)
def test_a_measurement_is_one_command_a_wait_and_one_answer(
    mode: Mode, command: bytes, wait_s: float, lux: float
) -> None:
    with Playback([Transfer(ADDRESS, command), Transfer(ADDRESS, b"", EXAMPLE)]) as bus:
        played = play(Bh1750(Options(mode=mode)).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": lux}, abs=0.01)
    assert played.waits_s == pytest.approx((wait_s,))


def test_setup_wakes_the_chip_and_sets_the_default_measurement_time() -> None:
    """Bytes as in denis-koshenkov/rohm-bh1750fvi test/bh1750.cpp, call_init."""
    with Playback([Transfer(ADDRESS, b"\x01"), Transfer(ADDRESS, b"\x42"), Transfer(ADDRESS, b"\x65")]) as bus:
        play(Bh1750(Options()).setup(), bus, address=ADDRESS)


@pytest.mark.parametrize(
    ("mtreg", "high", "low", "wait_s"),
    [(138, b"\x44", b"\x6a", 0.360), (254, b"\x47", b"\x7e", 0.6627), (31, b"\x40", b"\x7f", 0.0809)],
)
def test_another_measurement_time_is_sent_before_each_measurement(
    mtreg: int, high: bytes, low: bytes, wait_s: float
) -> None:
    """A chip that lost power meanwhile would answer on another scale. Bytes as in denis-koshenkov/rohm-bh1750fvi."""
    transfers = [Transfer(ADDRESS, data) for data in (high, low, b"\x20")]
    with Playback([*transfers, Transfer(ADDRESS, b"", EXAMPLE)]) as bus:
        played = play(Bh1750(Options(mtreg=mtreg)).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 0x8390 / 1.2 * 69 / mtreg})
    assert played.waits_s == pytest.approx((wait_s,), abs=1e-4)


TO_254, TO_69, TO_31 = (
    [Transfer(ADDRESS, bytes((0x40 | mtreg >> 5,))), Transfer(ADDRESS, bytes((0x60 | mtreg & 31,)))]
    for mtreg in (254, 69, 31)
)


def measured(command: bytes, counts: int) -> list[Transfer]:
    return [Transfer(ADDRESS, command), Transfer(ADDRESS, b"", counts.to_bytes(2, "big"))]


def test_usual_light_costs_one_command_and_one_answer() -> None:
    driver = Bh1750(Options())
    with Playback([*measured(b"\x20", 501), *measured(b"\x20", 60_000)]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).result == {"illuminance": 50_000}
    assert played.result == pytest.approx({"illuminance": 417.5})
    assert played.waits_s == pytest.approx((0.180,))


def test_darkness_is_measured_again_for_long_and_the_range_is_kept() -> None:
    driver = Bh1750(Options())
    script = [*measured(b"\x20", 0), *TO_254, *measured(b"\x21", 2), *TO_254, *measured(b"\x21", 3)]
    with Playback(script) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
        again = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 0.226}, abs=0.001)
    assert played.waits_s == pytest.approx((0.180, 0.6626), abs=1e-4)
    assert again.result == pytest.approx({"illuminance": 0.3396}, abs=0.001)


def test_the_sun_is_measured_again_for_a_short_time() -> None:
    driver = Bh1750(Options())
    with Playback([*measured(b"\x20", 0xFFFF), *TO_31, *measured(b"\x20", 53_913)]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 100_000}, abs=1)
    assert played.waits_s == pytest.approx((0.180, 0.0809), abs=1e-4)


def test_the_usual_time_is_set_once_when_the_light_comes_back() -> None:
    driver = Bh1750(Options())
    script = [*measured(b"\x20", 0), *TO_254, *measured(b"\x21", 40)]
    back = [*TO_254, *measured(b"\x21", 4000), *TO_69, *measured(b"\x20", 543), *measured(b"\x20", 543)]
    with Playback([*script, *back]) as bus:
        for _ in range(3):
            found = play(driver.measure(), bus, address=ADDRESS).result
    assert found == pytest.approx({"illuminance": 452.5})


def test_light_that_changes_faster_than_the_ranges_gives_no_value() -> None:
    script = measured(b"\x20", 0)
    for _ in range(2):
        script += [*TO_254, *measured(b"\x21", 0xFFFF), *TO_31, *measured(b"\x20", 0)]
    with Playback(script) as bus, pytest.raises(OverRange, match="faster"):
        play(Bh1750(Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize(
    ("options", "command"),
    [(Options(mode="high"), b"\x20"), (Options(mode="low"), b"\x23"), (Options(mode="high2"), b"\x21")],
)
def test_a_fixed_mode_is_never_left(options: Options, command: bytes) -> None:
    driver = Bh1750(options)
    with Playback([*measured(command, 0), *measured(command, 0), *measured(command, 0xFFFF)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"illuminance": 0}
        with pytest.raises(OverRange, match="brighter"):
            play(driver.measure(), bus, address=ADDRESS)


def test_darkness_that_comes_all_at_once_is_measured_twice_and_then_believed() -> None:
    """A chip that lost power while it measured holds 0."""
    driver = Bh1750(Options(mode="high"))
    script = [*measured(b"\x20", 0), *measured(b"\x20", 501), *measured(b"\x20", 0), *measured(b"\x20", 0)]
    with Playback([*script, *measured(b"\x20", 0)]) as bus:
        found = [play(driver.measure(), bus, address=ADDRESS).result["illuminance"] for _ in range(3)]
    assert found == pytest.approx([417.5, 0, 0])


def test_saturation_is_over_range_and_no_value() -> None:
    with pytest.raises(OverRange, match="brighter"):
        convert(b"\xff\xff")


def test_darkness_is_a_value() -> None:
    assert convert(b"\x00\x00") == {"illuminance": 0}


def test_identify_only_sees_that_somebody_answers() -> None:
    with Playback([Transfer(ADDRESS, b"\x01")]) as bus:
        assert play(Bh1750(Options()).identify(), bus, address=ADDRESS).result.channels == ("illuminance",)
    with Playback([Transfer(ADDRESS, b"\x01", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Bh1750(Options()).identify(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x20", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Bh1750(Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("mtreg", [30, 255, -1])
def test_a_measurement_time_that_the_chip_does_not_have_is_refused(mtreg: int) -> None:
    assert check(Options(mtreg=mtreg)) == (f"mtreg is 31 to 254, got {mtreg}",)


@pytest.mark.parametrize("mtreg", [31, 69, 254])
def test_each_measurement_time_of_the_chip_is_accepted(mtreg: int) -> None:
    assert check(Options(mtreg=mtreg)) == ()


@given(st.binary(max_size=3), st.integers(31, 254), st.sampled_from(["high", "high2", "low"]))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(frame: bytes, mtreg: int, mode: Mode) -> None:
    (channel,) = SPEC.variants["bh1750"].channels
    bus = Playback([*[Transfer(ADDRESS, data) for data in _commands(mtreg, mode)], Transfer(ADDRESS, b"", frame)])
    try:
        if len(frame) == 2:
            values = play(Bh1750(Options(mode=mode, mtreg=mtreg)).measure(), bus, address=ADDRESS).result
        else:
            values = convert(frame)
    except (BadFrame, OverRange):
        assert len(frame) != 2 or frame == b"\xff\xff"
        return
    assert channel.low <= values["illuminance"] <= channel.high


def _commands(mtreg: int, mode: str) -> list[bytes]:
    start = {"high": b"\x20", "high2": b"\x21", "low": b"\x23"}[mode]
    return [start] if mtreg == 69 else [bytes((0x40 | mtreg >> 5,)), bytes((0x60 | mtreg & 31,)), start]
