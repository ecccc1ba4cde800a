from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.ads1115 import SPEC, Ads1115, Options, channels_of, check, convert
from sensor_drivers.ads1115_ranges import RANGES
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x49
PGA = {"6.144V": 0, "4.096V": 1, "2.048V": 2, "1.024V": 3, "0.512V": 4, "0.256V": 5}
AUTO = Options()


def started(chosen: str, pin: int = 0, low: int = 0x83) -> Transfer:
    return Transfer(ADDRESS, bytes((1, 0x80 | (4 + pin) << 4 | PGA[chosen] << 1 | 1, low)))


def idle(chosen: str, pin: int = 0, low: int = 0x83) -> Transfer:
    return Transfer(ADDRESS, b"\x01", bytes((0x80 | (4 + pin) << 4 | PGA[chosen] << 1 | 1, low)))


def busy(chosen: str, pin: int = 0) -> Transfer:
    return Transfer(ADDRESS, b"\x01", bytes(((4 + pin) << 4 | PGA[chosen] << 1 | 1, 0x83)))


def converted(chosen: str, code: str, pin: int = 0) -> list[Transfer]:
    return [started(chosen, pin), idle(chosen, pin), Transfer(ADDRESS, b"\x00", bytes.fromhex(code))]


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Ads1115("ads1115", AUTO)
    script = [
        Transfer(ADDRESS, b"\x01", b"\x85\x83"),
        Transfer(ADDRESS, b"\x01\x45\x83"),
        Transfer(ADDRESS, b"\x01", b"\xc5\x83"),
        Transfer(ADDRESS, b"\x01\xc5\x83"),
        Transfer(ADDRESS, b"\x01", b"\xc5\x83"),
        Transfer(ADDRESS, b"\x00", b"\x60\x00"),
    ]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == pytest.approx((0.13889,), abs=1e-5)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.channels) == ("ADS1115 (it has no identity register)", ("a0",))
    assert played.result == {"a0": 1.536}
    assert played.waits_s == pytest.approx((0.00878,), abs=1e-5)


def test_inputs_are_converted_one_after_the_other_each_in_its_range() -> None:
    driver = Ads1115("ads1115", Options(a0="off", a1="4.096V", a2="off", a3="0.256V"))
    with Playback([*converted("4.096V", "4000", 1), *converted("0.256V", "c000", 3)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"a1": 2.048, "a3": -0.128}


@pytest.mark.parametrize(
    ("variant", "speed", "low", "wait_s"),
    [
        ("ads1115", "slow", 0x03, 0.13899),
        ("ads1115", "fast", 0xE3, 0.00139),
        ("ads1015", "slow", 0x03, 0.00878),
        ("ads1015", "normal", 0x83, 0.00079),
        ("ads1015", "fast", 0xC3, 0.00044),
    ],
)
def test_speed_is_set_and_awaited(variant: str, speed: str, low: int, wait_s: float) -> None:
    driver = Ads1115(variant, Options(speed=speed))  # type: ignore[arg-type]
    script = [started("2.048V", 0, low), idle("2.048V", 0, low), Transfer(ADDRESS, b"\x00", b"\x40\x00")]
    with Playback(script) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).waits_s == pytest.approx((wait_s,), abs=1e-5)


@pytest.mark.parametrize("clipped", ["7fff", "8000"])
def test_a_saturated_input_is_measured_again_in_the_widest_range_and_then_in_the_one_that_suits(clipped: str) -> None:
    driver = Ads1115("ads1115", AUTO)
    script = [*converted("2.048V", clipped), *converted("6.144V", "3e80"), *converted("4.096V", "5dc0")]
    with Playback(script) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"a0": 3.0}
    with Playback(converted("4.096V", "5dc0")) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"a0": 3.0}


def test_a_saturated_12_bit_input_is_noticed() -> None:
    driver = Ads1115("ads1015", AUTO)
    script = [*converted("2.048V", "7ff0"), *converted("6.144V", "7530")]
    with Playback(script) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"a0": pytest.approx(5.625)}


def test_a_small_voltage_is_measured_again_in_the_narrowest_range_that_holds_it() -> None:
    driver = Ads1115("ads1115", AUTO)
    with Playback([*converted("2.048V", "0640"), *converted("0.256V", "3200")]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"a0": 0.1}


def test_each_input_keeps_its_own_range_and_a_border_changes_nothing() -> None:
    driver = Ads1115("ads1115", Options(a1="auto"))
    with Playback(
        [*converted("2.048V", "4000"), *converted("2.048V", "0640", 1), *converted("0.256V", "3200", 1)]
    ) as bus:
        play(driver.measure(), bus, address=ADDRESS)
    # 0.9 V is kept in 2.048V, where 1.024V would do as well.
    with Playback([*converted("2.048V", "3840"), *converted("0.256V", "3200", 1)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"a0": 0.9, "a1": 0.1}


def test_a_voltage_that_no_range_holds_gives_no_value() -> None:
    driver = Ads1115("ads1115", AUTO)
    script = [*converted("2.048V", "7fff"), *converted("6.144V", "7fff")]
    with Playback(script) as bus, pytest.raises(OverRange, match=r"a0 is beyond .*6\.144V: the chip cannot"):
        play(driver.measure(), bus, address=ADDRESS)


def test_a_voltage_beyond_a_fixed_range_gives_no_value() -> None:
    driver = Ads1115("ads1115", Options(a0="1.024V"))
    with (
        Playback(converted("1.024V", "7fff")) as bus,
        pytest.raises(OverRange, match=r"1\.024V: a wider range, or auto"),
    ):
        play(driver.measure(), bus, address=ADDRESS)


def test_a_voltage_that_jumps_is_never_published_saturated() -> None:
    """It is small whenever the range is wide, and great whenever it is narrow."""
    jumping = [*converted("6.144V", "0010"), *converted("0.256V", "7fff")]
    with Playback([*converted("2.048V", "7fff"), *jumping, *jumping]) as bus, pytest.raises(OverRange):
        play(Ads1115("ads1115", AUTO).measure(), bus, address=ADDRESS)


def test_a_voltage_that_jumps_and_was_seen_is_a_value() -> None:
    script = [*converted("2.048V", "0010"), *converted("0.256V", "7fff"), *converted("6.144V", "0010")]
    script += [*converted("0.256V", "7fff"), *converted("6.144V", "0010")]
    with Playback(script) as bus:
        assert play(Ads1115("ads1115", AUTO).measure(), bus, address=ADDRESS).result == {"a0": 0.003}


def test_a_conversion_that_is_late_is_awaited() -> None:
    script = [started("2.048V"), busy("2.048V"), busy("2.048V"), *converted("2.048V", "4000")[1:]]
    with Playback(script) as bus:
        played = play(Ads1115("ads1115", AUTO).measure(), bus, address=ADDRESS)
    assert (played.result, played.waits_s[1:]) == ({"a0": 1.024}, (0.002, 0.002))


def test_a_conversion_that_never_ends_is_given_up() -> None:
    with Playback([started("2.048V"), *[busy("2.048V")] * 10]) as bus, pytest.raises(NoAnswer, match="20 ms"):
        play(Ads1115("ads1115", AUTO).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("lost", ["8583", "0583", "ffff", "0000", "d583"])
def test_a_chip_that_lost_its_configuration_gives_no_value(lost: str) -> None:
    """It was powered anew, or nobody pulls the wire down, or it shows another input."""
    script = [started("2.048V"), Transfer(ADDRESS, b"\x01", bytes.fromhex(lost))]
    with Playback(script) as bus, pytest.raises(NotReady, match=bytes.fromhex(lost).hex(" ")):
        play(Ads1115("ads1115", AUTO).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("answer", ["ffff", "0000", "40ff"])
def test_a_chip_that_keeps_no_configuration_is_refused(answer: str) -> None:
    """Others at these addresses: an LM75 has a configuration of one byte, and not these bits."""
    script = [Transfer(ADDRESS, b"\x01\x45\x83"), Transfer(ADDRESS, b"\x01", bytes.fromhex(answer))]
    with Playback(script) as bus, pytest.raises(WrongChip, match="expected c583"):
        play(Ads1115("ads1115", AUTO).setup(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([started("2.048V"), Transfer(ADDRESS, b"\x01", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Ads1115("ads1115", AUTO).measure(), bus, address=ADDRESS)


def test_sixteen_bits_are_no_ads1015() -> None:
    with pytest.raises(BadFrame, match="ADS1115"):
        convert(b"\x40\x01", chosen="2.048V", variant="ads1015")


def test_a_voltage_below_ground_is_no_value() -> None:
    with pytest.raises(OverRange, match=r"-0\.500 V, below the ground"):
        convert(b"\xe0\xc0", chosen="2.048V")


def test_channels_are_the_inputs_that_are_not_off() -> None:
    assert [channel.name for channel in channels_of(Options())] == ["a0"]
    assert [channel.name for channel in channels_of(Options(a0="off", a2="auto", a3="6.144V"))] == ["a2", "a3"]


@pytest.mark.parametrize("variant", SPEC.variants)
def test_a_configured_channel_is_the_chips_own_whichever_chip_it_is(variant: str) -> None:
    """Options do not say which chip it is, so what both claim must hold for both."""
    configured = channels_of(Options(a1="auto", a2="auto", a3="auto"))
    assert configured == SPEC.variants[variant].channels
    assert all(0.256 / 2**15 < channel.resolution < 0.256 / 2**11 for channel in configured)


def test_something_must_be_measured() -> None:
    assert check(Options()) == ()
    (complaint,) = check(Options(a0="off"))
    assert "all off" in complaint


@given(st.binary(max_size=4), st.sampled_from(sorted(RANGES)), st.sampled_from(sorted(SPEC.variants)))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(frame: bytes, chosen: str, variant: str) -> None:
    try:
        values = convert(frame, chosen=chosen, variant=variant)
    except MeasurementError:
        return
    channel = SPEC.variants[variant].channels[0]
    assert channel.low <= values["a0"] <= channel.high


@given(st.integers(-0x0640, 0x7FFE), st.sampled_from(sorted(RANGES)))
def test_every_step_is_read(steps: int, chosen: str) -> None:
    volts = convert((steps & 0xFFFF).to_bytes(2, "big"), chosen=chosen)["a0"]
    assert volts == pytest.approx(steps * RANGES[chosen] / 32768, abs=1e-12)
