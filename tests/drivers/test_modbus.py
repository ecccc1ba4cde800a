"""The modbus driver: frames found in any stream, registers joined, refusals explained, wrong options refused."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.modbus import EXCEPTIONS, SPEC, VECTORS, Modbus, blocks, convert, framing, request
from sensor_drivers.register_map import Options, Register, channels_of, check
from sensor_gateway.config.loading import load_text
from sensor_gateway.driver import (
    BadFrame,
    DeviceBusy,
    DriverSpec,
    Exchange,
    MeasurementError,
    OverRange,
    Rejected,
    Seconds,
    crc16_modbus,
)
from sensor_gateway.testing import check_driver

T: Mapping[str, Any] = {"function": "input", "register": 1, "type": "s16", "scale": 0.1, "quantity": "temperature"}
H: Mapping[str, Any] = {"function": "input", "register": 2, "type": "u16", "scale": 0.1, "quantity": "humidity"}


def options(**registers: Mapping[str, Any]) -> Options:
    return Options(registers={name: Register(**fields) for name, fields in registers.items()})


def plain(register: int, kind: str = "u16", **more: Any) -> Mapping[str, Any]:
    return {"register": register, "type": kind, "quantity": "other", "unit": "1", **more}


def with_crc(body: bytes) -> bytes:
    return body + crc16_modbus(body)


def value(raw: bytes, **fields: Any) -> float:
    """What one value in these registers means."""
    (block,) = blocks(options(x=plain(0, **fields)))
    return convert(with_crc(bytes((1, 3, len(raw))) + raw), block)["x"]


# Conformance


def test_it_conforms_with_several_registers() -> None:
    check_driver(SPEC, options=options(t=T, h=H, far=plain(900, "f32")))


# Requests


def test_the_request_is_the_one_of_the_xy_md02_manual() -> None:
    (block,) = blocks(options(t=T))
    assert request(1, block) == bytes.fromhex("01 04 00 01 00 01 60 0A")


@pytest.mark.parametrize(
    ("unit", "register", "count", "function", "frame"),
    [
        (0x11, 0x6B, 3, "holding", "11 03 00 6B 00 03 76 87"),
        (1, 0, 2, "input", "01 04 00 00 00 02 71 CB"),
        (1, 1, 2, "input", "01 04 00 01 00 02 20 0B"),
        (1, 0x0C, 2, "holding", "01 03 00 0C 00 02 04 08"),
    ],
)
def test_requests_are_those_of_other_peoples_manuals(
    unit: int, register: int, count: int, function: str, frame: str
) -> None:
    """simplymodbus.ca, Eastron SDM320Y manual, e-tinkers/Modbus-RTU: checksums included."""
    fields = {f"r{n}": plain(register + n, function=function) for n in range(count)}
    (block,) = blocks(options(**fields))
    assert request(unit, block) == bytes.fromhex(frame)


def shape(chosen: Options) -> list[tuple[int, int, int]]:
    return [(block.function, block.start, block.count) for block in blocks(chosen)]


def test_registers_that_follow_each_other_are_one_request_in_whatever_order_they_are_written() -> None:
    assert shape(options(h=H, t=T)) == [(4, 1, 2)]
    assert shape(options(c=plain(4), a=plain(0, "f32"), b=plain(2, "s32"))) == [(3, 0, 5)]


def test_a_gap_is_not_bridged_and_functions_are_not_mixed() -> None:
    assert shape(options(a=plain(0), b=plain(2))) == [(3, 0, 1), (3, 2, 1)]
    assert shape(options(a=plain(0), b=plain(1, function="input"))) == [(3, 0, 1), (4, 1, 1)]


def test_a_request_asks_for_125_registers_at_most_and_never_for_half_a_value() -> None:
    many = {f"r{n}": plain(n) for n in range(300)}
    assert shape(options(**many)) == [(3, 0, 125), (3, 125, 125), (3, 250, 50)]
    wide = {f"r{n}": plain(2 * n, "f32") for n in range(70)}
    assert shape(options(**wide)) == [(3, 0, 124), (3, 124, 16)]


def test_a_device_that_allows_fewer_registers_is_asked_for_fewer() -> None:
    registers = {f"r{n}": Register(**plain(n)) for n in range(5)}
    assert shape(Options(registers=registers, max_registers=2)) == [(3, 0, 2), (3, 2, 2), (3, 4, 1)]


def test_a_measurement_asks_block_after_block_and_joins_the_values() -> None:
    driver = Modbus(options(far=plain(40), t=T, h=H), 1)
    steps = driver.measure()
    first = next(steps)
    assert isinstance(first, Exchange)
    assert first.timeout_s == 0.5
    assert first.request == request(1, blocks(options(far=plain(40)))[0])
    second = steps.send(with_crc(bytes.fromhex("01 03 02 00 07")))
    assert isinstance(second, Exchange)
    with pytest.raises(StopIteration) as end:
        steps.send(bytes.fromhex("01 04 04 01 31 02 22 2A CE"))
    assert end.value.value == pytest.approx({"far": 7, "t": 30.5, "h": 54.6})


# Framing

ANSWER = bytes.fromhex("01 04 04 01 31 02 22 2A CE")
BLOCK = blocks(options(t=T, h=H))[0]
ASKED = request(1, BLOCK)


def frames_in(pieces: list[bytes], echo: bytes = b"", most: int = 100) -> list[bytes]:
    """What a whole stream of answers would give, piece after piece."""
    frame = framing(1, BLOCK, echo)
    found: list[bytes] = []
    buffer = b""
    for piece in pieces:
        buffer += piece
        while buffer:
            count, answer = frame(buffer)
            assert 0 <= count <= len(buffer)
            if answer is not None:
                assert answer in buffer[:count]
                found.append(answer)
            elif not count:
                break
            buffer = buffer[count:]
            assert len(found) <= most
    return found


def byte_by_byte(content: bytes) -> list[bytes]:
    return [content[place : place + 1] for place in range(len(content))]


def test_an_answer_is_found_whole_and_byte_by_byte() -> None:
    assert frames_in([ANSWER]) == [ANSWER]
    assert frames_in(byte_by_byte(ANSWER)) == [ANSWER]


def test_an_exception_is_found_whole_and_byte_by_byte() -> None:
    refusal = bytes.fromhex("01 84 02 C2 C1")
    assert frames_in([refusal]) == [refusal]
    assert frames_in(byte_by_byte(refusal)) == [refusal]


@pytest.mark.parametrize(
    "foreign",
    [
        with_crc(b"\x02" + ANSWER[1:-2]),
        with_crc(b"\x01\x03" + ANSWER[2:-2]),
        with_crc(b"\x01\x04\x02\x01\x31"),
        with_crc(b"\x01\x04\x06\x01\x31\x02\x22\x00\x00"),
        with_crc(b"\x02\x84\x02"),
        with_crc(b"\x01\x83\x02"),
        ANSWER[:-1] + b"\x00",
        ANSWER[:3] + b"\x00\x00" + ANSWER[5:],
        ASKED,
    ],
    ids=["unit", "function", "short", "long", "unit's refusal", "function's refusal", "crc", "data", "request"],
)
def test_what_does_not_answer_this_request_is_passed_over(foreign: bytes) -> None:
    assert frames_in([foreign]) == []
    assert frames_in([foreign + ANSWER]) == [ANSWER]
    assert frames_in(byte_by_byte(foreign + ANSWER)) == [ANSWER]


def test_two_answers_glued_together_are_two() -> None:
    assert frames_in([ANSWER + ANSWER]) == [ANSWER, ANSWER]


def test_our_own_request_is_dropped_where_the_adapter_echoes() -> None:
    frame = framing(1, BLOCK, ASKED)
    assert frame(ASKED[:5]) == (0, None)
    assert frame(ASKED + ANSWER) == (len(ASKED), None)
    assert frame(ANSWER) == (len(ANSWER), ANSWER)
    assert frames_in(byte_by_byte(ASKED + ANSWER), ASKED) == [ANSWER]


STREAM = st.lists(
    st.one_of(
        st.just(ANSWER),
        st.just(ASKED),
        st.binary(max_size=12),
        st.sampled_from(
            [b"\x01", b"\x01\x04", ANSWER[:5], with_crc(b"\x01\x84\x06"), with_crc(b"\x02\x04\x02\x00\x00")]
        ),
    ),
    max_size=12,
).map(b"".join)


@given(content=STREAM, data=st.data())
def test_any_chunking_gives_the_same_frames(content: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=20)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    whole = frames_in([content])
    assert frames_in(pieces) == whole
    assert frames_in(byte_by_byte(content)) == whole
    for found in whole:
        assert crc16_modbus(found[:-2]) == found[-2:]
        assert found[0] == 1


@given(noise=st.binary(max_size=60))
def test_an_answer_behind_noise_is_found_once_the_noise_is_over(noise: bytes) -> None:
    """Noise may look like the head of an answer; then what follows fills it up, and it is looked at again."""
    found = frames_in([noise + ANSWER + bytes(9)])
    assert ANSWER in found


@given(lost=st.integers(0, len(ANSWER) - 1))
def test_an_answer_that_lost_a_byte_is_none(lost: int) -> None:
    damaged = ANSWER[:lost] + ANSWER[lost + 1 :]
    assert frames_in([damaged]) == []
    assert frames_in([damaged + ANSWER + bytes(9)])[-1:] == [ANSWER]


# Values


@pytest.mark.parametrize(
    ("raw", "fields", "expected"),
    [
        ("FF 33", {"kind": "s16", "scale": 0.1}, -20.5),  # XY-MD02 manual
        ("FF 33", {"kind": "u16"}, 65331),
        ("80 00", {"kind": "s16"}, -32768),
        ("FF FF FC 18", {"kind": "s32", "scale": 0.001}, -1.0),  # Seeed 101990787 manual, page 32
        ("00 00 6E 8C", {"kind": "s32", "scale": 0.001}, 28.3),  # the same, page 31
        ("FF FF FF FF", {"kind": "u32"}, 4294967295),
        ("43 66 33 34", {"kind": "f32"}, 230.2),
        ("7A E1 41 F4", {"kind": "f32", "order": "CDAB"}, 30.56),  # Vaisala Indigo 520: least significant word first
        ("7A E1 41 24", {"kind": "f32", "order": "CDAB"}, 10.28),  # MPM4700 protocol
        ("12 34 56 78", {"kind": "u32"}, 0x12345678),
        ("56 78 12 34", {"kind": "u32", "order": "CDAB"}, 0x12345678),
        ("34 12 78 56", {"kind": "u32", "order": "BADC"}, 0x12345678),
        ("78 56 34 12", {"kind": "u32", "order": "DCBA"}, 0x12345678),
        ("00 64", {"kind": "u16", "scale": 0.5, "offset": -40}, 10),
    ],
)
def test_registers_mean_what_manuals_say(raw: str, fields: dict[str, Any], expected: float) -> None:
    assert value(bytes.fromhex(raw), **fields) == pytest.approx(expected, abs=1e-4)


@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False), order=st.sampled_from(["ABCD", "DCBA"]))
def test_every_finite_float_comes_through(number: float, order: str) -> None:
    raw = struct.pack(">f" if order == "ABCD" else "<f", number)
    got = value(raw, kind="f32", order=order)
    assert got == number
    assert math.copysign(1, got) == 1 or number < 0, "minus zero is zero"


@pytest.mark.parametrize("raw", ["7F C0 00 00", "7F 80 00 00", "FF 80 00 00", "7F 80 00 01"])
def test_no_number_is_no_value(raw: str) -> None:
    with pytest.raises(OverRange, match="no value for x"):
        value(bytes.fromhex(raw), kind="f32")


def test_bits_that_mark_a_missing_value_are_no_value() -> None:
    with pytest.raises(OverRange, match="no value for x"):
        value(b"\x80\x00", kind="s16", no_value=0x8000)
    assert value(b"\x80\x01", kind="s16", no_value=0x8000) == -32767
    with pytest.raises(OverRange):
        value(b"\x00\x00\x00\x80", kind="s32", order="DCBA", no_value=0x80000000)


@given(content=st.binary(max_size=40))
def test_any_bytes_are_finite_values_or_an_error(content: bytes) -> None:
    for frame in (content, with_crc(content), with_crc(b"\x01\x04\x04" + content[:4])):
        try:
            values = convert(frame, BLOCK)
        except MeasurementError:
            continue
        assert set(values) == {"t", "h"}
        assert all(math.isfinite(number) for number in values.values())


def test_a_broken_checksum_says_what_was_expected_and_what_came() -> None:
    with pytest.raises(BadFrame, match="checksum of the answer: expected 2a ce, got 2a cf"):
        convert(ANSWER[:-1] + b"\xcf", BLOCK)


# Refusals


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8, 10, 11])
def test_each_exception_code_has_its_sentence(number: int) -> None:
    with pytest.raises(MeasurementError, match=f"exception {number}, ") as caught:
        convert(with_crc(bytes((1, 0x84, number))), BLOCK)
    assert EXCEPTIONS[number][0] in str(caught.value)
    assert "registers 1 to 2" in str(caught.value)
    assert caught.value.is_transient == (number in (5, 6, 11))
    assert type(caught.value) is (DeviceBusy if number in (5, 6, 11) else Rejected)


def test_an_exception_that_nobody_knows_is_a_refusal_all_the_same() -> None:
    with pytest.raises(Rejected, match="exception 9, which the standard does not know"):
        convert(with_crc(b"\x01\x84\x09"), BLOCK)


# Options


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (plain(40001), "register 40001 looks like .* `function: holding`, `register: 0` .*`as_is: true`"),
        (plain(30002), "register 30002 .* `function: input`, `register: 1`"),
        (plain(400001), "register 400001 .* `function: holding`, `register: 0`"),
        (plain(365536), "register 365536 .* `function: input`, `register: 65535`"),
        (plain(-1), "register -1 is none: wire addresses of a u16 are 0 to 65535"),
        (plain(70000), "register 70000 is none"),
        (plain(65535, "f32"), "register 65535 is none: wire addresses of a f32 are 0 to 65534"),
        (plain(0, order="CDAB"), "order CDAB is for values in two registers, and u16 stands in one"),
        (plain(0, scale=0), "scale has to be a finite number other than 0"),
        (plain(0, offset=math.inf), "offset has to be a finite number"),
        (plain(0, no_value=0x10000), "no_value is the raw bits of a u16"),
        (plain(0, no_value=-1), "no_value is the raw bits of a u16"),
        ({**T, "unit": "K"}, "unit of temperature is °C, got K"),
        (plain(0, unit=""), "unit is needed for the quantity `other`"),
        (plain(0, low=5, high=5), "low of 5 1 has to be below `high`"),
        (plain(0, resolution=0), "resolution has to be above 0"),
        (plain(0, deadband=-1), "deadband has to be 0 or more"),
        (plain(0, high=math.nan), "high has to be a finite number"),
    ],
)
def test_a_register_that_cannot_be_is_refused_by_its_key(fields: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        Register(**fields)


@pytest.mark.parametrize(
    "fields", [plain(30000), plain(40000), plain(29999), plain(50001), plain(65535), plain(40001, as_is=True)]
)
def test_a_wire_address_that_is_no_notation_is_taken(fields: Mapping[str, Any]) -> None:
    (block,) = blocks(options(x=fields))
    assert block.start == fields["register"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"registers": {}}, "registers is empty"),
        ({"registers": {"Flow T": Register(**T)}}, "registers: channel 'Flow T' has a name"),
        ({"timeout": Seconds(0.001)}, "timeout has to be between 10ms and 30s"),
        ({"timeout": Seconds(30.5)}, "timeout has to be between"),
        ({"max_registers": 1}, "max_registers has to be between 2 and 125"),
        ({"max_registers": 126}, "max_registers has to be between"),
    ],
)
def test_options_that_no_line_can_do_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        Options(**{"registers": {"t": Register(**T)}, **changes})


def test_values_that_share_a_register_are_told_pair_by_pair() -> None:
    sentences = check(options(wide=plain(10, "f32"), low=plain(11), same=plain(20), twin=plain(20)))
    assert len(sentences) == 2
    assert "wide (f32 at 10) and low (u16 at 11) overlap" in sentences[0]
    assert "same (u16 at 20) and twin (u16 at 20) overlap" in sentences[1]


def test_neighbours_and_other_functions_do_not_overlap() -> None:
    assert check(options(a=plain(10, "f32"), b=plain(12), c=plain(10, function="input"))) == ()


def test_channels_have_their_order_their_limits_and_the_step_of_their_scale() -> None:
    t, h, free = channels_of(options(t={**T, "low": -40, "high": 80}, h=H, free=plain(0, unit="rpm", scale=5)))
    assert (t.name, t.quantity.name, t.low, t.high, t.resolution, t.deadband) == ("t", "temperature", -40, 80, 0.1, 0.1)
    assert (h.low, h.high) == (0, 100)
    assert (free.quantity.name, free.quantity.unit, free.resolution, free.deadband) == ("other", "rpm", 5, 0)


class OnlyModbus:
    def names(self) -> tuple[str, ...]:
        return ("modbus",)

    def spec(self, name: str) -> DriverSpec:
        assert name == "modbus"
        return SPEC


FILE = """\
buses:
  rs485:
    type: serial
    port: /dev/ttyUSB0
sensors:
  boiler:
    driver: modbus
    bus: rs485
    unit: 9
    timeout: 200ms
    registers:
      flow_temperature:
        register: {register}
        type: s16
        scale: 0.1
        quantity: temperature
"""


def loaded(text: str) -> Any:
    return load_text(text, catalogue=OnlyModbus(), environ={}, needs_broker=False)


def test_a_configuration_file_makes_the_options() -> None:
    found = loaded(FILE.format(register=0))
    assert found.faults == ()
    register = Register(register=0, type="s16", scale=0.1, quantity="temperature")
    expected = Options(registers={"flow_temperature": register}, timeout=Seconds(0.2))
    assert found.configuration.sensors["boiler"].options == expected


def test_a_manuals_notation_in_a_file_is_refused_at_its_place() -> None:
    (fault,) = loaded(FILE.format(register=40001)).faults
    assert fault.path == "sensors.boiler.registers.flow_temperature.register"
    assert (fault.line, fault.column) == (13, 19)
    assert "`register: 0`" in fault.message


def test_vectors_are_from_at_least_three_hands() -> None:
    assert len({vector.source.split(",")[0].split(":")[0] for vector in VECTORS}) >= 3
