from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.scd4x import POLLS, SPEC, Options, Scd4x, check, convert
from sensor_gateway.driver import BadFrame, Nack, NotReady, OverRange, crc8
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x62
EXAMPLE = bytes.fromhex("01 f4 33 66 67 a2 5e b9 3c")
SERIAL_NUMBER = bytes.fromhex("f8 96 31 9f 07 c2 3b be 89")
NO_DATA, DATA = bytes.fromhex("80 00 a2"), bytes.fromhex("80 06 04")

WAKE_UP = Transfer(ADDRESS, b"\x36\xf6", Nack("never acknowledged"))
STOP = Transfer(ADDRESS, b"\x3f\x86")
REINIT = Transfer(ADDRESS, b"\x36\x46")
GET_SERIAL_NUMBER = Transfer(ADDRESS, b"\x36\x82")
GET_VARIANT = Transfer(ADDRESS, b"\x20\x2f")
START = Transfer(ADDRESS, b"\x21\xb1")
GET_STATUS = Transfer(ADDRESS, b"\xe4\xb8")
READ = Transfer(ADDRESS, b"\xec\x05")


def answered(data: bytes) -> Transfer:
    return Transfer(ADDRESS, b"", data)


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_a_measurement_that_is_there_is_read_at_once() -> None:
    with Playback([GET_STATUS, answered(DATA), READ, answered(EXAMPLE)]) as bus:
        played = play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)
    assert played.result == pytest.approx({"carbon_dioxide": 500, "temperature": 25, "humidity": 37}, abs=0.003)
    assert played.waits_s == (0.001, 0.001)


def test_a_measurement_that_is_not_there_yet_is_waited_for() -> None:
    """The status bytes are those that periph/devices recorded (scd4x_test.go, sensePlayback)."""
    transfers = [GET_STATUS, answered(NO_DATA)] * 2
    with Playback([*transfers, GET_STATUS, answered(DATA), READ, answered(EXAMPLE)]) as bus:
        played = play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)
    assert played.result["carbon_dioxide"] == 500
    assert sum(played.waits_s) == pytest.approx(0.504)


@pytest.mark.parametrize("status", [0x0001, 0x0400, 0x8006, 0xF7FF])
def test_any_of_the_low_eleven_bits_says_that_there_is_data(status: int) -> None:
    """As in hauju/scd4x-rs and janhavelka/SCD41."""
    with Playback([GET_STATUS, answered(with_checksums(status)), READ, answered(EXAMPLE)]) as bus:
        play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("status", [0x0000, 0x0800, 0x8000, 0xF800])
def test_a_chip_that_measures_no_more_is_set_up_anew_after_a_bounded_wait(status: int) -> None:
    transfers = [GET_STATUS, answered(with_checksums(status))] * POLLS
    with Playback(transfers) as bus, pytest.raises(NotReady, match="has not measured"):
        play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)


def test_identify_stops_what_a_restart_left_running_and_reads_the_serial_number() -> None:
    transfers = [
        WAKE_UP,
        STOP,
        GET_SERIAL_NUMBER,
        answered(SERIAL_NUMBER),
        GET_VARIANT,
        answered(bytes.fromhex("14 40 51")),
    ]
    with Playback(transfers) as bus:
        played = play(Scd4x("scd4x", Options()).identify(), bus, address=ADDRESS)
    assert played.result.part == "SCD41, serial number f8969f073bbe"
    assert played.result.channels == ("carbon_dioxide", "temperature", "humidity")
    assert not played.result.note
    assert played.waits_s == (0.03, 0.5, 0.001, 0.001, 0.001)


@pytest.mark.parametrize(
    ("variant", "word", "part", "note"),
    [
        ("scd40", 0x0440, "SCD40", ""),
        ("scd41", 0x1440, "SCD41", ""),
        ("scd41", 0x0440, "SCD40", "this SCD41 is an SCD40"),
        ("scd40", 0x1440, "SCD41", "this SCD40 is an SCD41"),
        ("scd4x", 0x5441, "SCD43", ""),
        ("scd41", 0x9000, "SCD4x", ""),
    ],
)
def test_what_the_seller_said_is_compared_with_what_the_chip_says(
    variant: str, word: int, part: str, note: str
) -> None:
    transfers = [WAKE_UP, STOP, GET_SERIAL_NUMBER, answered(SERIAL_NUMBER), GET_VARIANT, answered(with_checksums(word))]
    with Playback(transfers) as bus:
        identity = play(Scd4x(variant, Options()).identify(), bus, address=ADDRESS).result
    assert identity.part.startswith(f"{part}, ")
    assert identity.note == note


def test_an_old_chip_that_cannot_tell_its_variant_is_identified_all_the_same() -> None:
    refusals = Transfer(ADDRESS, b"\x3f\x86", Nack("idle")), Transfer(ADDRESS, b"\x20\x2f", Nack("unknown"))
    with Playback([WAKE_UP, refusals[0], GET_SERIAL_NUMBER, answered(SERIAL_NUMBER), refusals[1]]) as bus:
        identity = play(Scd4x("scd41", Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SCD4x, serial number f8969f073bbe"
    assert not identity.note


def test_nobody_at_the_address_is_told_as_the_wire_tells_it() -> None:
    absent = [Transfer(ADDRESS, data, Nack("absent")) for data in (b"\x36\xf6", b"\x3f\x86", b"\x36\x82")]
    with Playback(absent) as bus, pytest.raises(Nack):
        play(Scd4x("scd4x", Options()).identify(), bus, address=ADDRESS)


def test_setup_forgets_what_was_set_before_and_starts_the_measurements() -> None:
    with Playback([REINIT, START]) as bus:
        played = play(Scd4x("scd4x", Options()).setup(), bus, address=ADDRESS)
    assert played.waits_s == (0.001, 0.03, 0.001)


def test_setup_sets_what_is_configured_before_it_starts() -> None:
    """Offset and altitude as in the datasheet's examples (5.4 °C is 07E6 and 1950 m are 079E there)."""
    settings = [
        Transfer(ADDRESS, bytes.fromhex("24 1d") + with_checksums(0x07E6)),
        Transfer(ADDRESS, bytes.fromhex("24 27") + with_checksums(0x079E)),
        Transfer(ADDRESS, bytes.fromhex("24 16 00 00 81")),
    ]
    options = Options(temperature_offset=5.4, altitude=1950, self_calibration=False)
    with Playback([REINIT, *settings, START]) as bus:
        play(Scd4x("scd4x", options).setup(), bus, address=ADDRESS)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (Options(altitude=-1), "altitude is 0 to 3000, got -1"),
        (Options(altitude=3001), "altitude is 0 to 3000, got 3001"),
        (Options(temperature_offset=20.5), "temperature_offset is 0 to 20, got 20.5"),
        (Options(temperature_offset=float("nan")), "temperature_offset is 0 to 20, got nan"),
    ],
)
def test_a_number_that_the_chip_does_not_take_is_refused(options: Options, complaint: str) -> None:
    assert check(options) == (complaint,)
    assert check(Options(altitude=3000, temperature_offset=0.0)) == ()


@pytest.mark.parametrize("place", range(9))
def test_a_broken_byte_in_a_measurement_is_a_bad_frame(place: int) -> None:
    broken = bytearray(EXAMPLE)
    broken[place] ^= 0x10
    transfers = [GET_STATUS, answered(DATA), READ, answered(bytes(broken))]
    with Playback(transfers) as bus, pytest.raises(BadFrame):
        play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(9))
def test_a_broken_byte_in_the_serial_number_is_a_bad_frame(place: int) -> None:
    broken = bytearray(SERIAL_NUMBER)
    broken[place] ^= 0x10
    with Playback([WAKE_UP, STOP, GET_SERIAL_NUMBER, answered(bytes(broken))]) as bus, pytest.raises(BadFrame):
        play(Scd4x("scd4x", Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("place", range(3))
def test_a_broken_byte_in_the_status_is_a_bad_frame(place: int) -> None:
    broken = bytearray(DATA)
    broken[place] ^= 0x10
    with Playback([GET_STATUS, answered(bytes(broken))]) as bus, pytest.raises(BadFrame):
        play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([Transfer(ADDRESS, b"\xe4\xb8", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Scd4x("scd4x", Options()).measure(), bus, address=ADDRESS)


def test_no_co2_at_all_was_not_measured() -> None:
    with pytest.raises(NotReady, match="no CO2"):
        convert(with_checksums(0, 0x6667, 0x5EB9))


@pytest.mark.parametrize(("co2", "t"), [(40_001, 0x6667), (500, 0x0000), (500, 0xFFFF)])
def test_what_is_beyond_the_chip_is_over_range(co2: int, t: int) -> None:
    with pytest.raises(OverRange):
        convert(with_checksums(co2, t, 0x5EB9))


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_three_words_are_values_within_limits_or_an_error_of_ours(co2: int, t: int, h: int) -> None:
    try:
        values = convert(with_checksums(co2, t, h))
    except (NotReady, OverRange):
        return
    for channel in SPEC.variants["scd41"].channels:
        assert channel.low <= values[channel.name] <= channel.high


@given(st.binary(max_size=12))
def test_any_bytes_are_values_or_an_error_of_ours(frame: bytes) -> None:
    try:
        convert(frame)
    except (BadFrame, NotReady, OverRange):
        return
    assert len(frame) == 9
