"""The pieces of a convert that is total give a value or one of our errors, whatever the bytes."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.driver import (
    HUMIDITY,
    TEMPERATURE,
    BadFrame,
    Channel,
    OverRange,
    Vector,
    all_within,
    number,
    numbers,
    other,
    vector,
    vectors,
    within,
)

CHANNEL = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=1)


def test_a_number_is_read_in_either_order_with_or_without_a_sign() -> None:
    assert number(b"\x01\x02", 2) == 258
    assert number(b"\x01\x02", 2, byteorder="little") == 513
    assert number(b"\xe7", 1, signed=True) == -25
    assert number(b"\xff\xff\xfe", 3, signed=True) == -2


@pytest.mark.parametrize(
    ("frame", "count", "sentence"),
    [
        (b"", 1, "answer of the wrong length: expected 1 byte, got nothing"),
        (b"\x01\x02\x03", 2, "answer of the wrong length: expected 2 bytes, got 01 02 03"),
    ],
)
def test_another_length_is_a_bad_frame(frame: bytes, count: int, sentence: str) -> None:
    with pytest.raises(BadFrame) as raised:
        number(frame, count)
    assert str(raised.value) == sentence
    with pytest.raises(BadFrame, match="register T_A of the wrong length"):
        number(frame, count, what="register T_A")


def test_numbers_are_read_as_struct_lays_them_out() -> None:
    assert numbers(b"\x01\x02\xff\xfe", ">Hh") == (0x0102, -2)
    assert numbers(b"\x07\x02\x01", "<BH") == (7, 0x0102)


@given(st.binary(max_size=6).filter(lambda frame: len(frame) != 3))
def test_numbers_in_a_frame_of_another_length_are_a_bad_frame(frame: bytes) -> None:
    with pytest.raises(BadFrame, match=r"^burst of the wrong length: expected 3 bytes, got "):
        numbers(frame, "<BH", what="burst")


def test_a_channel_is_called_after_its_quantity_unless_it_has_a_name() -> None:
    assert Channel(quantity=TEMPERATURE, low=-40, high=125, resolution=1) == CHANNEL
    assert Channel(name="", quantity=TEMPERATURE, low=-40, high=125, resolution=1) == CHANNEL
    assert Channel(name="outside", quantity=TEMPERATURE, low=-40, high=125, resolution=1).name == "outside"
    with pytest.raises(ValueError, match="in Ω, needs a name"):
        Channel(quantity=other("Ω"), low=0, high=1, resolution=1)


def test_a_value_beyond_its_channel_is_over_range() -> None:
    assert (within(CHANNEL, -40), within(CHANNEL, 125)) == (-40, 125)
    with pytest.raises(OverRange) as raised:
        within(CHANNEL, 126.25)
    assert str(raised.value) == "temperature of 126.25 °C is beyond what the chip can measure, -40 to 125 °C"
    for value in (-40.01, math.nan, math.inf):
        with pytest.raises(OverRange):
            within(CHANNEL, value)


def test_all_values_are_within_their_channels_or_none_is_given() -> None:
    channels = (CHANNEL, Channel(quantity=HUMIDITY, low=0, high=100, resolution=1))
    for values in ({"temperature": 125.0, "humidity": 0.0}, {"humidity": 100.0}):
        assert all_within(channels, values) == values
    for values in ({"temperature": 126.0, "humidity": 0.0}, {"temperature": 0.0, "humidity": math.nan}):
        with pytest.raises(OverRange):
            all_within(channels, values)


def test_a_value_without_its_channel_is_a_fault_of_the_driver() -> None:
    with pytest.raises(KeyError, match="temprature"):
        all_within((CHANNEL,), {"temprature": 99.0})


@pytest.mark.parametrize("layout", ["BH", "<f", ">2s", "", "<", "=H"])
def test_a_layout_without_byte_order_or_of_something_else_than_whole_numbers_is_a_fault_of_the_driver(
    layout: str,
) -> None:
    with pytest.raises(ValueError, match="expected a byte order and whole numbers"):
        numbers(b"\x01\x02\x03", layout)


@given(st.binary(max_size=4))
def test_together_they_are_total(frame: bytes) -> None:
    with suppress(BadFrame, OverRange):
        assert -40 <= within(CHANNEL, number(frame, 2, signed=True) / 16) <= 125


def test_a_vector_is_written_in_one_line() -> None:
    written = vector("x1", "0a 0b", b"\x0c", temperature=1.5, humidity=50, source="a table", tolerance=0.1)
    values = {"temperature": 1.5, "humidity": 50}
    assert written == Vector(
        variant="x1", frames=(b"\x0a\x0b", b"\x0c"), values=values, source="a table", tolerance=0.1
    )
    with pytest.raises(ValueError, match="non-hexadecimal"):
        vector("x1", "0g", temperature=1, source="a table")


def test_a_table_of_a_datasheet_is_a_vector_for_each_row() -> None:
    written = vectors("x1", "a table", temperature={"19 00": 25, "e7 00": -25}, options={"bits": 9})
    assert written == tuple(
        vector("x1", frame, temperature=value, source="a table", options={"bits": 9})
        for frame, value in (("19 00", 25), ("e7 00", -25))
    )
