from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.tsl2561 import SPEC, Options, Range, Tsl2561, convert
from sensor_drivers.tsl2561_ranges import RANGES, Setting
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x39
TIMING = {"room": 0x12, "daylight": 0x11, "sun": 0x01}


def word(counts: int) -> bytes:
    return counts.to_bytes(2, "little")


def entered(name: str) -> list[Transfer]:
    timing = bytes((0x81, TIMING[name]))
    return [
        Transfer(ADDRESS, b"\x80\x00"),
        Transfer(ADDRESS, timing),
        Transfer(ADDRESS, b"\x80\x03"),
        Transfer(ADDRESS, b"\x81", timing[1:]),
    ]


def seen(both: int, infrared: int = 0) -> list[Transfer]:
    channels = [
        Transfer(ADDRESS, b"\xac", word(both)),
        Transfer(ADDRESS, b"\xae", word(infrared)),
        Transfer(ADDRESS, b"\xac", word(both)),
    ]
    return channels if both else [*channels, Transfer(ADDRESS, b"\x80", b"\x03")]


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Tsl2561(Options())
    script = [*[Transfer(ADDRESS, b"\x8a", b"\x50")] * 2, *entered("daylight"), *seen(10_000, 2000)]
    with Playback(script) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "TSL2561 revision 0"
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == pytest.approx((0.10777,), abs=1e-5)
        played = play(driver.measure(), bus, address=ADDRESS)
    per_count = 0.0304 - 0.062 * 0.2**1.4
    assert played.result == pytest.approx({"illuminance": 10_000 * 322 / 81 * per_count})
    assert played.waits_s == ()


@pytest.mark.parametrize("identity", [0x00, 0x40, 0xFF])
def test_another_chip_is_refused(identity: int) -> None:
    with Playback([Transfer(ADDRESS, b"\x8a", bytes((identity,)))] * 2) as bus, pytest.raises(WrongChip):
        play(Tsl2561(Options()).identify(), bus, address=ADDRESS)


def test_an_id_with_a_bit_that_fell_over_decides_no_package() -> None:
    script = [Transfer(ADDRESS, b"\x8a", b"\x50"), Transfer(ADDRESS, b"\x8a", b"\x10")]
    with Playback(script) as bus, pytest.raises(BadFrame, match="differ"):
        play(Tsl2561(Options()).identify(), bus, address=ADDRESS)


def test_a_range_that_was_lost_while_it_was_set_is_not_ready() -> None:
    """The chip would go on with gain 1 for ever, and report a part of the light."""
    *sent, _timing = entered("daylight")
    with Playback([*sent, Transfer(ADDRESS, b"\x81", b"\x02")]) as bus, pytest.raises(NotReady, match="lost power"):
        play(Tsl2561(Options()).setup(), bus, address=ADDRESS)


@pytest.mark.parametrize(
    ("identity", "options", "per_count"),
    [
        (0x50, Options(), 0.0304 - 0.062 * 0.1**1.4),
        (0x14, Options(), 0.0315 - 0.0593 * 0.1**1.4),
        (0x14, Options(package="t_fn_cl"), 0.0304 - 0.062 * 0.1**1.4),
        (0x50, Options(package="cs"), 0.0315 - 0.0593 * 0.1**1.4),
    ],
)
def test_the_package_decides_the_formula(identity: int, options: Options, per_count: float) -> None:
    driver = Tsl2561(options)
    script = [*[Transfer(ADDRESS, b"\x8a", bytes((identity,)))] * 2, *entered("daylight"), *seen(10_000, 1000)]
    with Playback(script) as bus:
        play(driver.identify(), bus, address=ADDRESS)
        play(driver.setup(), bus, address=ADDRESS)
        found = play(driver.measure(), bus, address=ADDRESS).result["illuminance"]
    assert found == pytest.approx(10_000 * 322 / 81 * per_count)


def test_darkness_is_measured_again_at_the_longest_time_and_the_range_is_kept() -> None:
    driver = Tsl2561(Options())
    with Playback([*seen(0), *entered("room"), *seen(100), *seen(100)]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).result == pytest.approx({"illuminance": 3.04})
    assert played.result == pytest.approx({"illuminance": 3.04})
    assert played.waits_s == pytest.approx((0.42840,), abs=1e-5)


@pytest.mark.parametrize("channels", [(37_001, 100), (100, 37_001), (37_177, 37_177)])
def test_a_reading_saturated_in_either_channel_is_measured_again_in_the_brightest_range(
    channels: tuple[int, int],
) -> None:
    with Playback([*seen(*channels), *entered("sun"), *seen(10_000)]) as bus:
        found = play(Tsl2561(Options()).measure(), bus, address=ADDRESS).result["illuminance"]
    assert found == pytest.approx(10_000 * 322 / 81 * 16 * 0.0304)


def test_channels_of_two_integrations_are_never_put_together() -> None:
    script = [
        Transfer(ADDRESS, b"\xac", word(9000)),
        Transfer(ADDRESS, b"\xae", word(1000)),
        *seen(10_000, 1000),
    ]
    with Playback(script) as bus:
        found = play(Tsl2561(Options()).measure(), bus, address=ADDRESS).result["illuminance"]
    assert found == pytest.approx(10_000 * 322 / 81 * (0.0304 - 0.062 * 0.1**1.4))


def test_channels_that_never_stand_still_are_given_up() -> None:
    script = [Transfer(ADDRESS, b"\xac", word(9000))]
    for again in range(4):
        script += [Transfer(ADDRESS, b"\xae", word(1000)), Transfer(ADDRESS, b"\xac", word(again))]
    with Playback(script) as bus, pytest.raises(NoAnswer, match="4 times"):
        play(Tsl2561(Options()).measure(), bus, address=ADDRESS)


def test_light_that_changes_faster_than_the_ranges_gives_no_value() -> None:
    script = seen(0)
    for _ in range(2):
        script += [*entered("room"), *seen(65_535), *entered("sun"), *seen(0)]
    with Playback(script) as bus, pytest.raises(OverRange, match="faster"):
        play(Tsl2561(Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("name", ["room", "daylight", "sun"])
def test_a_fixed_range_is_never_left(name: Range) -> None:
    driver = Tsl2561(Options(range=name))
    with Playback([*entered(name), *seen(0), *seen(65_535)]) as bus:
        play(driver.setup(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).result == {"illuminance": 0}
        with pytest.raises(OverRange, match="brighter"):
            play(driver.measure(), bus, address=ADDRESS)


def test_a_chip_that_is_powered_down_does_not_report_darkness() -> None:
    script = [*seen(0)[:-1], Transfer(ADDRESS, b"\x80", b"\x00")]
    with Playback(script) as bus, pytest.raises(NotReady, match="lost power"):
        play(Tsl2561(Options()).measure(), bus, address=ADDRESS)


def test_infrared_alone_is_no_light_that_people_see() -> None:
    """So says the datasheet of ratios above 1.3."""
    assert convert(word(1000), word(1400), setting=RANGES["room"]) == {"illuminance": 0}


def test_the_equations_meet_where_one_takes_over_from_the_other() -> None:
    for package, ends in (("t_fn_cl", (0.50, 0.61, 0.80)), ("cs", (0.52, 0.65, 0.80))):
        for end in ends:
            below, above = (
                convert(word(30_000), word(round(30_000 * end) + more), setting=RANGES["room"], package=package)
                for more in (0, 1)
            )
            assert above["illuminance"] == pytest.approx(below["illuminance"], rel=0.05, abs=6)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    script = [Transfer(ADDRESS, b"\xac", word(1)), Transfer(ADDRESS, b"\xae", Nack("gone"))]
    with Playback(script) as bus, pytest.raises(Nack):
        play(Tsl2561(Options()).measure(), bus, address=ADDRESS)


@given(
    st.binary(max_size=3) | st.binary(min_size=2, max_size=2),
    st.binary(min_size=2, max_size=2),
    st.sampled_from(list(RANGES.values())),
    st.sampled_from(["t_fn_cl", "cs"]),
)
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(
    channel_0: bytes, channel_1: bytes, setting: Setting, package: str
) -> None:
    (channel,) = SPEC.variants["tsl2561"].channels
    try:
        values = convert(channel_0, channel_1, setting=setting, package=package)
    except (BadFrame, OverRange):
        return
    assert channel.low <= values["illuminance"] <= channel.high
