"""The frame driver: what a frame means, and that any cutting of a stream gives the same frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers import frame_request
from sensor_drivers.frame import SPEC, VECTORS, Talker
from sensor_drivers.frame_format import CHECKSUMS, LONGEST, Field, LengthField, Options
from sensor_drivers.frame_layout import find, layout_of
from sensor_drivers.frame_request import Asked
from sensor_drivers.frame_values import convert
from sensor_gateway.driver import BadFrame, DriverSpec, OverRange
from sensor_gateway.testing import check_driver
from sensor_gateway.testing.playback import Dialogue, LinePlayback, play_line

CO2 = {"at": 2, "type": "u16", "quantity": "carbon_dioxide"}
REQUEST = bytes.fromhex("FF 01 86 00 00 00 00 00 79")
ANSWER = bytes.fromhex("FF 86 02 60 47 00 00 00 D1")


def options(fields: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> Options:
    made = {name: Field(**field) for name, field in (fields or {"carbon_dioxide": CO2}).items()}
    mh_z19 = {"header": "FF 86", "length": 9, "checksum": "neg_sum8", "checksum_from": 1}
    return Options(**{**mh_z19, **more, "fields": made})


MH_Z19 = options()
PMS = options(
    {"pm25": {"at": 12, "type": "u16", "quantity": "pm25"}},
    header="42 4D",
    length=None,
    length_field=LengthField(at=2, type="u16", plus=4),
    checksum="sum16",
    checksum_from=0,
)
PMS_FRAME = bytes.fromhex("424d001c0005000d00160005000d001602fd00fc001d000f00060006970003c5")


@pytest.mark.parametrize("spec", [SPEC, frame_request.SPEC], ids=lambda spec: spec.name)
def test_it_conforms(spec: DriverSpec) -> None:
    check_driver(spec)


@pytest.mark.parametrize("vector", [*VECTORS, *frame_request.VECTORS])
def test_each_vector_broken_at_any_byte_is_no_frame(vector: Any) -> None:
    (frame,) = vector.frames
    spec = SPEC if vector.variant == "frame" else frame_request.SPEC
    assert spec.replay(vector) == pytest.approx(vector.values)
    for place in range(len(frame)):
        broken = bytearray(frame)
        broken[place] ^= 0x10
        with pytest.raises(BadFrame):
            spec.replay(replace(vector, frames=(bytes(broken),)))


@pytest.mark.parametrize(
    ("field", "frame", "value"),
    [
        ({"at": 1, "type": "u8"}, "AA FF", 255),
        ({"at": 1, "type": "s8"}, "AA FF", -1),
        ({"at": 1, "type": "u16"}, "AA 01 02", 258),
        ({"at": 1, "type": "u16", "order": "little"}, "AA 01 02", 513),
        ({"at": 1, "type": "s16"}, "AA FF 33", -205),
        ({"at": 1, "type": "s24"}, "AA FF FF FE", -2),
        ({"at": 1, "type": "u24", "order": "little"}, "AA 01 00 01", 65537),
        ({"at": 1, "type": "s32"}, "AA FF FF FF FF", -1),
        ({"at": 1, "type": "f32"}, "AA 43 66 33 34", 230.2),
        ({"at": 1, "type": "f32", "order": "little"}, "AA 34 33 66 43", 230.2),
        ({"at": 1, "type": "u8", "scale": 0.5, "offset": -40}, "AA 0A", -35),
    ],
)
def test_a_value_is_read_as_its_type_says(field: dict[str, Any], frame: str, value: float) -> None:
    raw = bytes.fromhex(frame)
    chosen = options(
        {"x": {**field, "quantity": "other", "unit": "1"}},
        header="AA",
        length=len(raw),
        checksum="none",
        checksum_from=0,
    )
    assert convert(raw, chosen)["x"] == pytest.approx(value)


def test_a_value_that_is_none_is_said_so() -> None:
    chosen = options({"carbon_dioxide": {**CO2, "no_value": 0x0260}})
    with pytest.raises(OverRange, match="has no value for carbon_dioxide"):
        convert(ANSWER, chosen)


@pytest.mark.parametrize(
    ("checksum", "data", "check"),
    [
        ("sum8", "D4 04 3A 0A A1 60", "1D"),  # SDS011
        ("neg_sum8", "86 02 60 47 00 00 00", "D1"),  # MH-Z19
        ("neg_sum8", "01 86 00 00 00 00 00", "79"),
        ("xor8", "01 02 04", "07"),
        ("crc8", "BE EF", "92"),  # Sensirion
        ("crc16_modbus", "01 04 02 01 31", "79 74"),  # XY-MD02
        ("sum16", PMS_FRAME[:-2].hex(), "03 C5"),
        ("none", "01", ""),
    ],
)
def test_checksums_are_those_of_known_devices(checksum: str, data: str, check: str) -> None:
    size, compute = CHECKSUMS[checksum]
    assert compute(bytes.fromhex(data)) == bytes.fromhex(check)
    assert size == len(bytes.fromhex(check))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"header": "FG"}, "header is not hexadecimal"),
        ({"header": ""}, "header is empty"),
        ({"request": "1"}, "request is not hexadecimal"),
        ({"length": None}, "length is said once"),
        ({"length_field": LengthField(at=2)}, "length is said once"),
        ({"length": 2}, "length has to be 3 to"),
        ({"length": 5000}, "length has to be"),
        ({"checksum_from": -1}, "checksum_from counts from 0"),
        ({"timeout": 0.001}, "timeout has to be"),
        ({"fields": {"A b": CO2}}, "fields: channel 'A b'"),
        ({"fields": {"x": {**CO2, "at": -1}}}, "at counts from 0"),
        ({"fields": {"x": {**CO2, "scale": 0}}}, "scale has to be"),
        ({"fields": {"x": {**CO2, "offset": math.inf}}}, "offset has to be"),
        ({"fields": {"x": {**CO2, "no_value": 1 << 16}}}, "no_value is the raw bits"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_key(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        options(**wrong)


def test_options_that_do_not_go_together_are_told() -> None:
    assert frame_request.SPEC.check is not None
    assert SPEC.check is not None
    assert "request is missing" in frame_request.SPEC.check(MH_Z19)[0]
    assert "request is for" in SPEC.check(options(request="FF"))[0]
    assert "does not end before byte 8" in SPEC.check(options({"carbon_dioxide": {**CO2, "at": 7}}))[0]
    assert SPEC.check(MH_Z19) == ()


def test_a_device_that_is_asked_answers_with_its_frame() -> None:
    device = Asked(options(request=REQUEST.hex()))
    line = LinePlayback([Dialogue(REQUEST, b"\x00\xff" + ANSWER)])
    assert play_line(device.measure(), line).result == {"carbon_dioxide": 608}


def test_a_frame_that_says_a_length_that_cannot_be_is_passed_over() -> None:
    talker = Talker(PMS)
    found = talker.feed(b"BM\xff\xff" + PMS_FRAME)
    assert isinstance(found[0], BadFrame)
    assert found[1] == {"pm25": 13}


@given(st.binary(max_size=200))
def test_any_bytes_are_values_or_a_bad_frame(data: bytes) -> None:
    for chosen in (MH_Z19, PMS):
        try:
            values = convert(data, chosen)
        except (BadFrame, OverRange):
            continue
        assert all(math.isfinite(value) for value in values.values())


@given(st.lists(st.one_of(st.just(ANSWER), st.just(b"\xff\x86"), st.binary(max_size=12)), max_size=12), st.data())
def test_any_cutting_of_a_stream_gives_the_same_frames(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    whole = [item for item in Talker(MH_Z19).feed(stream) if not isinstance(item, Exception)]
    talker, cut = Talker(MH_Z19), []
    while stream:
        count = data.draw(st.integers(1, len(stream)))
        cut += [item for item in talker.feed(stream[:count]) if not isinstance(item, Exception)]
        stream = stream[count:]
    assert cut == whole


@given(st.binary(max_size=60))
def test_what_is_kept_is_bounded(garbage: bytes) -> None:
    for chosen in (MH_Z19, PMS):
        talker = Talker(chosen)
        for _ in range(40):
            talker.feed(garbage)
        assert len(talker._buffer) <= LONGEST + len(garbage)


def test_half_a_frame_is_forgotten_when_the_port_was_opened_again() -> None:
    talker = Talker(MH_Z19)
    talker.feed(ANSWER[:5])
    talker.reset()
    assert talker.feed(ANSWER[5:]) == []


def test_a_header_that_may_have_begun_is_kept() -> None:
    assert find(b"\x00\xff", layout_of(MH_Z19)) == (1, 1, False)
    assert find(b"\x00\x00", layout_of(MH_Z19)) == (2, 2, False)
