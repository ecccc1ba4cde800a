from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.lm75 import SPEC, Lm75, Options, convert
from sensor_drivers.lm75_family import ROWS
from sensor_gateway.driver import BadFrame, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x48
EXTENDED = Options(range="extended")


@pytest.mark.parametrize("variant", [variant for variant in ROWS if variant != "tmp75"])
def test_a_measurement_is_one_transaction(variant: str) -> None:
    with Playback([Transfer(ADDRESS, b"\x00", b"\xe7\x00")]) as bus:
        played = play(Lm75(variant, Options()).measure(), bus, address=ADDRESS)
    assert played.result == {"temperature": -25}
    assert played.waits_s == ()


TMP75_LOOK = Transfer(ADDRESS, b"\x01", b"\x60")


def test_a_tmp75_whose_value_could_be_one_of_9_bits_is_looked_at() -> None:
    """After a loss of power it has 9 bits, and no other sign of it."""
    driver = Lm75("tmp75", Options())
    with Playback(
        [Transfer(ADDRESS, b"\x00", b"\xe7\x10"), Transfer(ADDRESS, b"\x00", b"\xe7\x00"), TMP75_LOOK]
    ) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result == {"temperature": -24.9375}
        assert play(driver.measure(), bus, address=ADDRESS).result == {"temperature": -25}
    lost = [Transfer(ADDRESS, b"\x00", b"\x15\x80"), Transfer(ADDRESS, b"\x01", b"\x00")]
    with Playback(lost) as bus, pytest.raises(NotReady, match="lost power"):
        play(driver.measure(), bus, address=ADDRESS)


@pytest.mark.parametrize(
    ("variant", "configuration"),
    [
        ("lm75", b"\x01\x00"),
        ("lm75a", b"\x01\x00"),
        ("lm75b", b"\x01\x00"),
        ("pct2075", b"\x01\x00"),
        ("tmp1075", b"\x01\x00"),
        ("tmp75", b"\x01\x60"),
        ("tmp102", b"\x01\x60\xa0"),
        ("tmp112", b"\x01\x60\xa0"),
    ],
)
def test_setup_starts_continuous_conversion_and_waits_for_its_first_value(variant: str, configuration: bytes) -> None:
    with Playback([Transfer(ADDRESS, configuration)]) as bus:
        played = play(Lm75(variant, Options()).setup(), bus, address=ADDRESS)
    assert played.waits_s == (ROWS[variant].first_value.seconds,)


def test_a_zero_is_believed_when_it_is_there_after_another_conversion() -> None:
    """A chip that just lost power reads 0 °C too, until it has converted."""
    with Playback(
        [Transfer(ADDRESS, b"\x00", b"\x00\x00"), Transfer(ADDRESS, b"\x00", b"\x15\x80"), TMP75_LOOK]
    ) as bus:
        played = play(Lm75("tmp75", Options()).measure(), bus, address=ADDRESS)
    assert played.result == {"temperature": 21.5}
    assert played.waits_s == (0.3,)
    with Playback([Transfer(ADDRESS, b"\x00", b"\x00\x00")] * 2) as bus:
        assert play(Lm75("lm75", Options()).measure(), bus, address=ADDRESS).result == {"temperature": 0}


def test_bits_that_a_chip_leaves_undefined_mean_nothing() -> None:
    assert convert(b"\x19\x7f", bits=9) == {"temperature": 25}
    assert convert(b"\x19\x7f", bits=11) == {"temperature": 25.375}


@pytest.mark.parametrize("bits", [11, 12, 13])
def test_a_wire_that_nobody_pulls_down_is_a_bad_frame(bits: int) -> None:
    """Their last bits are zero, so that FF FF is no -0.06 °C. Of an LM75 it may be -0.5 °C: its bits are undefined."""
    with pytest.raises(BadFrame, match="ff ff"):
        convert(b"\xff\xff", bits=bits)
    assert convert(b"\xff\xff", bits=9) == {"temperature": -0.5}


@pytest.mark.parametrize("variant", ["tmp102", "tmp112"])
def test_in_extended_mode_each_conversion_is_started_and_awaited(variant: str) -> None:
    """An old 12-bit value under the new mode's bit 0 would read twice as hot: no register value is ever an old one."""
    driver = Lm75(variant, EXTENDED)
    with Playback(
        [
            Transfer(ADDRESS, b"\x01\x61\xb0"),
            Transfer(ADDRESS, b"\x01\xe1\xb0"),
            Transfer(ADDRESS, b"\x00", b"\x4b\x01"),
        ]
    ) as bus:
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (0.035,)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert played.result == {"temperature": 150}
    assert played.waits_s == (0.035,)


def test_a_chip_that_fell_back_from_extended_mode_is_not_ready() -> None:
    with pytest.raises(NotReady, match="lost power"):
        convert(b"\x19\x00", bits=13)


def test_the_extended_range_of_a_part_that_has_none_is_told_to_the_operator() -> None:
    driver = Lm75("lm75b", EXTENDED)
    with Playback([Transfer(ADDRESS, b"\x00", b"\x19\x00")] * 2) as bus:
        assert "TMP102" in play(driver.identify(), bus, address=ADDRESS).result.note
        assert play(driver.measure(), bus, address=ADDRESS).result == {"temperature": 25}


def test_identify_checks_the_id_of_a_tmp1075() -> None:
    with Playback([Transfer(ADDRESS, b"\x0f", b"\x75\x00"), Transfer(ADDRESS, b"\x0f", b"\x01\x17")]) as bus:
        identity = play(Lm75("tmp1075", Options()).identify(), bus, address=ADDRESS).result
        assert (identity.part, identity.channels, identity.note) == ("TMP1075", ("temperature",), "")
        with pytest.raises(WrongChip, match="expected 75 00, got 01 17"):
            play(Lm75("tmp1075", Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("configuration", [b"\x60\xa0", b"\x61\xb0", b"\xe1\x80"])
def test_identify_knows_a_tmp102_by_its_fixed_bits(configuration: bytes) -> None:
    with Playback([Transfer(ADDRESS, b"\x01", configuration)]) as bus:
        assert play(Lm75("tmp102", Options()).identify(), bus, address=ADDRESS).result.part == "TMP102"


@pytest.mark.parametrize("configuration", [b"\x00\x00", b"\x00\xff", b"\x60\xff"])
def test_identify_refuses_what_cannot_be_a_tmp102(configuration: bytes) -> None:
    with Playback([Transfer(ADDRESS, b"\x01", configuration)]) as bus, pytest.raises(WrongChip):
        play(Lm75("tmp102", Options()).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("step", ["identify", "setup", "measure"])
@pytest.mark.parametrize("variant", ROWS)
def test_a_chip_that_does_not_acknowledge_is_an_error_in_each_step(variant: str, step: str) -> None:
    class Absent:
        name = "absent"

        def open(self) -> None: ...

        def close(self) -> None: ...

        def transfer(self, address: int, data: bytes, count: int) -> bytes:
            raise Nack("nobody acknowledges")

    with pytest.raises(Nack):
        play(getattr(Lm75(variant, Options()), step)(), Absent(), address=ADDRESS)


@given(st.binary(max_size=4), st.sampled_from([9, 11, 12, 13]))
def test_any_bytes_are_a_value_within_limits_or_an_error_of_ours(frame: bytes, bits: int) -> None:
    try:
        values = convert(frame, bits=bits)
    except (BadFrame, OverRange, NotReady):
        return
    (channel,) = SPEC.variants["tmp102" if bits == 13 else "lm75"].channels
    assert channel.low <= values["temperature"] <= channel.high


@given(st.integers(-55 * 16, 125 * 16))
def test_twelve_bits_hold_every_sixteenth_of_a_degree(sixteenths: int) -> None:
    frame = (sixteenths << 4 & 0xFFFF).to_bytes(2, "big")
    assert convert(frame, bits=12) == {"temperature": sixteenths / 16}


@given(st.integers(-55 * 16, 150 * 16))
def test_extended_mode_holds_every_sixteenth_of_a_degree_up_to_150(sixteenths: int) -> None:
    frame = (sixteenths << 3 & 0xFFFF | 1).to_bytes(2, "big")
    assert convert(frame, bits=13) == {"temperature": sixteenths / 16}
