from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.aht20 import LOADS, POLLS, ROWS, SPEC, Aht20, convert
from sensor_gateway.driver import BadFrame, Nack, NoAnswer, NotReady, OverRange, crc8
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x38
RECORDED = bytes.fromhex("1c 65 b4 25 cd 26 c6")
TRIGGER = Transfer(ADDRESS, b"\xac\x33\x00")
RESET = Transfer(ADDRESS, b"\xba")
NEW, OLD = Transfer(ADDRESS, b"\xbe\x08\x00"), Transfer(ADDRESS, b"\xe1\x08\x00")


def answered(data: bytes) -> Transfer:
    return Transfer(ADDRESS, b"", data)


def with_checksum(frame: bytes) -> bytes:
    return frame + bytes((crc8(frame),))


def test_a_measurement_is_a_trigger_a_wait_and_one_answer_with_a_checksum() -> None:
    with Playback([TRIGGER, answered(RECORDED)]) as bus:
        played = play(Aht20("aht20").measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 22.52, "humidity": 39.73}, abs=0.01)
    assert played.waits_s == (0.08,)


@pytest.mark.parametrize("variant", ["aht10", "aht15"])
def test_the_older_parts_answer_without_a_checksum(variant: str) -> None:
    with Playback([TRIGGER, answered(RECORDED[:6])]) as bus:
        played = play(Aht20(variant).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"temperature": 22.52, "humidity": 39.73}, abs=0.01)


def test_a_chip_that_is_still_busy_is_asked_again() -> None:
    busy = with_checksum(b"\x9c" + RECORDED[1:6])
    with Playback([TRIGGER, answered(busy), answered(busy), answered(RECORDED)]) as bus:
        played = play(Aht20("aht20").measure(), bus, address=ADDRESS)
    assert played.result["humidity"] == pytest.approx(39.73, abs=0.01)
    assert played.waits_s == (0.08, 0.02, 0.02)


@pytest.mark.parametrize("variant", ROWS)
def test_a_chip_that_stays_busy_gives_no_value(variant: str) -> None:
    frame = b"\xff" * ROWS[variant].answer.count
    with Playback([TRIGGER, *[answered(frame)] * POLLS]) as bus, pytest.raises(NoAnswer, match="still busy"):
        play(Aht20(variant).measure(), bus, address=ADDRESS)


def test_a_calibrated_chip_is_only_reset() -> None:
    with Playback([RESET, answered(b"\x18")]) as bus:
        assert play(Aht20("aht20").setup(), bus, address=ADDRESS).waits_s == (0.04,)


@pytest.mark.parametrize(("variant", "first"), [("aht20", NEW), ("aht21", NEW), ("aht10", OLD), ("aht15", OLD)])
def test_a_chip_that_is_not_calibrated_is_initialized_in_its_own_way(variant: str, first: Transfer) -> None:
    with Playback([RESET, answered(b"\x10"), first, answered(b"\x18")]) as bus:
        assert play(Aht20(variant).setup(), bus, address=ADDRESS).waits_s == (0.04, 0.01)


def test_a_chip_that_is_slow_to_load_its_calibration_is_waited_for_and_not_initialized_again() -> None:
    """ESPHome's aht10.cpp looks whether it is busy, and Linux (hwmon/aht10.c) gives an AHT10 350 ms."""
    slow = [answered(b"\x90")] * 15
    with Playback([RESET, answered(b"\x10"), OLD, *slow, answered(b"\x18")]) as bus:
        waits_s = play(Aht20("aht10").setup(), bus, address=ADDRESS).waits_s
    assert sum(waits_s[1:]) == pytest.approx(0.31)


def test_a_chip_that_never_ends_to_load_is_given_up() -> None:
    with Playback([RESET, *[answered(b"\x90")] * LOADS]) as bus, pytest.raises(NoAnswer, match="still loads"):
        play(Aht20("aht10").setup(), bus, address=ADDRESS)


def test_the_other_initialization_is_tried_where_the_first_is_refused() -> None:
    refused = Transfer(ADDRESS, b"\xe1\x08\x00", Nack("unknown"))
    with Playback([RESET, answered(b"\x10"), refused, answered(b"\x10"), NEW, answered(b"\x18")]) as bus:
        play(Aht20("aht10").setup(), bus, address=ADDRESS)


def test_a_chip_that_cannot_be_calibrated_is_not_ready() -> None:
    transfers = [RESET, answered(b"\x10"), NEW, answered(b"\x10"), OLD, answered(b"\x10")]
    with Playback(transfers) as bus, pytest.raises(NotReady, match="status 10"):
        play(Aht20("aht20").setup(), bus, address=ADDRESS)


def test_identify_only_reads_and_sees_that_somebody_answers() -> None:
    with Playback([answered(b"\x18")]) as bus:
        assert "AHT20" in play(Aht20("aht20").identify(), bus, address=ADDRESS).result.part
    with Playback([Transfer(ADDRESS, b"", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Aht20("aht20").identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(7))
def test_a_broken_byte_in_an_answer_is_a_bad_frame(place: int) -> None:
    broken = bytearray(RECORDED)
    broken[place] ^= 0x10
    with Playback([TRIGGER, answered(bytes(broken))]) as bus, pytest.raises(BadFrame, match="checksum"):
        play(Aht20("aht20").measure(), bus, address=ADDRESS)


def test_the_example_of_a_broken_checksum_that_another_driver_has() -> None:
    """periph/devices aht20_test.go, TestDev_Sense_error."""
    with pytest.raises(BadFrame, match="expected 7f, got 7e"):
        convert(bytes.fromhex("18 75 52 05 8e 40 7e"), row=ROWS["aht20"])


def test_a_chip_that_lost_its_calibration_gives_no_value() -> None:
    """periph/devices aht20_test.go, TestDev_Sense_error."""
    with pytest.raises(NotReady):
        convert(bytes.fromhex("00 75 52 05 8e 40 20"), row=ROWS["aht20"])


def test_what_the_registers_hold_before_the_first_measurement_is_no_value() -> None:
    with pytest.raises(NotReady, match="exactly 0"):
        convert(bytes.fromhex("18 00 00 00 00 00"), row=ROWS["aht10"])


def test_a_temperature_beyond_the_part_is_over_range() -> None:
    frame = with_checksum(bytes.fromhex("18 80 00 0c 00 00"))  # 100 °C
    with pytest.raises(OverRange):
        convert(frame, row=ROWS["aht20"])
    assert convert(frame, row=ROWS["aht21"])["temperature"] == 100


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    for variant in ROWS:
        with Playback([Transfer(ADDRESS, b"\xac\x33\x00", Nack("absent"))]) as bus, pytest.raises(Nack):
            play(Aht20(variant).measure(), bus, address=ADDRESS)


@given(st.binary(min_size=5, max_size=5), st.sampled_from([0x18, 0x08, 0x10, 0x98]), st.sampled_from(sorted(ROWS)))
def test_any_numbers_are_values_within_limits_or_an_error_of_ours(data: bytes, status: int, variant: str) -> None:
    frame = bytes((status,)) + data
    row = ROWS[variant]
    try:
        values = convert(with_checksum(frame) if row.has_checksum else frame, row=row)
    except (NotReady, OverRange):
        return
    for channel in SPEC.variants[variant].channels:
        assert channel.low <= values[channel.name] <= channel.high


@given(st.binary(max_size=9), st.sampled_from(sorted(ROWS)))
def test_any_bytes_are_values_or_an_error_of_ours(frame: bytes, variant: str) -> None:
    try:
        convert(frame, row=ROWS[variant])
    except (BadFrame, NotReady, OverRange):
        return
    assert len(frame) == ROWS[variant].answer.count
