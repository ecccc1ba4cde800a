from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.ltr390 import SPEC, Ltr390, Options, Range, convert
from sensor_drivers.ltr390_ranges import SETTINGS, Setting
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x53
ROOM, SUN = SETTINGS
STANDBY = Transfer(ADDRESS, b"\x00\x00")
SET = {"room": (b"\x04\x00", b"\x05\x04"), "sun": (b"\x04\x20", b"\x05\x00"), "uv": (b"\x04\x00", b"\x05\x04")}


def status(value: int) -> Transfer:
    return Transfer(ADDRESS, b"\x07", bytes((value,)))


def measured(name: str, counts: int) -> list[Transfer]:
    rate, gain = SET[name]
    start, data = (b"\x00\x0a", b"\x10") if name == "uv" else (b"\x00\x02", b"\x0d")
    return [
        STANDBY,
        Transfer(ADDRESS, rate),
        Transfer(ADDRESS, gain),
        status(0x20),
        Transfer(ADDRESS, start),
        status(0x08),
        Transfer(ADDRESS, data, counts.to_bytes(3, "little")),
        Transfer(ADDRESS, b"\x04", rate[1:] + gain[1:]),
        STANDBY,
    ]


def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Ltr390(Options())
    script = [Transfer(ADDRESS, b"\x06", b"\xb2"), STANDBY, *measured("sun", 50_000), *measured("uv", 13_478)]
    with Playback(script) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "LTR-390UV revision 2"
        play(driver.setup(), bus, address=ADDRESS)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"illuminance": 30_000, "uv_index": 5.86})
    assert played.waits_s == pytest.approx((0.11, 0.41))


def test_another_chip_is_refused() -> None:
    with Playback([Transfer(ADDRESS, b"\x06", b"\xe5")]) as bus, pytest.raises(WrongChip, match="e5"):
        play(Ltr390(Options()).identify(), bus, address=ADDRESS)


def test_dim_light_is_measured_again_in_the_finer_range_which_is_kept() -> None:
    driver = Ltr390(Options())
    script = [*measured("sun", 200), *measured("room", 12_000), *measured("uv", 0)]
    with Playback([*script, *measured("room", 12_000), *measured("uv", 0)]) as bus:
        played = play(driver.measure(), bus, address=ADDRESS)
        assert play(driver.measure(), bus, address=ADDRESS).result == pytest.approx(played.result)
    assert played.result == pytest.approx({"illuminance": 100, "uv_index": 0})
    assert played.waits_s == pytest.approx((0.11, 0.41, 0.41))


def test_saturated_light_is_measured_again_in_the_brighter_range() -> None:
    driver = Ltr390(Options())
    driver._at = 0
    with Playback([*measured("room", 0xFFFFF), *measured("sun", 100_000), *measured("uv", 0)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result["illuminance"] == pytest.approx(60_000)


def test_light_that_changes_faster_than_the_ranges_gives_no_value() -> None:
    driver = Ltr390(Options())
    script = [*measured("sun", 0), *measured("room", 0xFFFFF)] * 2
    with Playback([*script, *measured("sun", 0)]) as bus, pytest.raises(OverRange, match="faster"):
        play(driver.measure(), bus, address=ADDRESS)


@pytest.mark.parametrize(("name", "most"), [("room", 0xFFFFF), ("sun", 0x3FFFF)])
def test_a_fixed_range_is_never_left(name: Range, most: int) -> None:
    driver = Ltr390(Options(range=name))
    with Playback([*measured(name, 0), *measured("uv", 0), *measured(name, most), *measured("uv", 0)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"illuminance": 0, "uv_index": 0}
        with pytest.raises(OverRange, match="the light is brighter"):
            play(driver.measure(), bus, address=ADDRESS)


def test_a_slow_chip_is_asked_again_and_given_up_in_the_end() -> None:
    *script, _done, _data, _settings, _standby = measured("sun", 0)
    with Playback([*script, *[status(0x00)] * 10]) as bus, pytest.raises(NoAnswer, match="no new data"):
        play(Ltr390(Options()).measure(), bus, address=ADDRESS)
    slow = [*script, status(0x00), status(0x00), _done, _data, _settings, _standby]
    with Playback([*slow, *measured("room", 0), *measured("uv", 0)]) as bus:
        assert play(Ltr390(Options()).measure(), bus, address=ADDRESS).waits_s[:3] == pytest.approx(
            (0.11, 0.005, 0.005)
        )


def test_a_chip_that_lost_power_while_it_measured_is_not_ready() -> None:
    """It would show no light, or another scale."""
    *script, _settings, _standby = measured("sun", 0)
    with (
        Playback([*script, Transfer(ADDRESS, b"\x04", b"\x22\x01")]) as bus,
        pytest.raises(NotReady, match="lost power"),
    ):
        play(Ltr390(Options()).measure(), bus, address=ADDRESS)


def test_a_status_that_no_chip_has_is_a_bad_frame() -> None:
    *script, _done, _data, _settings, _standby = measured("sun", 0)
    with Playback([*script, status(0xFF)]) as bus, pytest.raises(BadFrame, match="reserved"):
        play(Ltr390(Options()).measure(), bus, address=ADDRESS)


def test_saturated_ultraviolet_is_no_value() -> None:
    with pytest.raises(OverRange, match="ultraviolet"):
        convert(b"\x00\x00\x00", b"\xff\xff\x0f", light=SUN)


def test_more_counts_than_the_resolution_has_are_a_bad_frame() -> None:
    with pytest.raises(BadFrame, match="18 bits"):
        convert(b"\x00\x00\x04", b"\x00\x00\x00", light=SUN)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\x00\x00", Nack("gone"))]) as bus, pytest.raises(Nack):
        play(Ltr390(Options()).measure(), bus, address=ADDRESS)


@given(
    st.binary(max_size=4) | st.binary(min_size=3, max_size=3),
    st.binary(min_size=3, max_size=3),
    st.sampled_from([ROOM, SUN]),
)
def test_any_bytes_are_values_within_limits_or_an_error_of_ours(als: bytes, uvs: bytes, light: Setting) -> None:
    try:
        values = convert(als, uvs, light=light)
    except (BadFrame, OverRange):
        return
    for channel in SPEC.variants["ltr390"].channels:
        assert channel.low <= values[channel.name] <= channel.high
