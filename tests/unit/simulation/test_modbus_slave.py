from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.checksums import crc16_modbus
from sensor_gateway.simulation.chips.modbus_slave import Field, ModbusSlave


def field(value: float, **changes: object) -> Field:
    settings: dict[str, object] = {
        "function": 4,
        "register": 1,
        "type": "s16",
        "order": "ABCD",
        "scale": 0.1,
        "offset": 0.0,
        "course": lambda _at_s: value,
    }
    return Field(**(settings | changes))  # type: ignore[arg-type]


def ask(slave: ModbusSlave, unit: int, function: int, start: int, quantity: int) -> bytes | None:
    request = struct.pack(">BBHH", unit, function, start, quantity)
    answer = slave.hear(request + crc16_modbus(request), 0.0)
    if answer is None:
        return None
    assert crc16_modbus(answer[1][:-2]) == answer[1][-2:]
    return answer[1][:-2]


def test_the_xy_md02_example() -> None:
    """Its manual: 01 04 00 01 00 01 60 0A asks for 30.5 degrees, and 0131 is the answer."""
    slave = ModbusSlave(1, [field(30.5)])
    answer = slave.hear(bytes.fromhex("010400010001600a"), 0.0)
    assert answer is not None
    assert answer[1][:5] == bytes.fromhex("0104020131")


def test_it_hears_neither_other_units_nor_damaged_frames() -> None:
    slave = ModbusSlave(1, [field(20.0)])
    assert ask(slave, 2, 4, 1, 1) is None
    assert slave.hear(bytes.fromhex("010400010001600b"), 1.0) is None


def test_a_request_may_come_in_pieces_but_not_over_a_pause() -> None:
    request = bytes.fromhex("010400010001600a")
    slave = ModbusSlave(1, [field(30.5)])
    assert slave.hear(request[:3], 0.0) is None
    assert slave.hear(request[3:], 0.002) is not None
    assert slave.hear(request[:3], 1.0) is None
    assert slave.hear(request[3:], 1.1) is None


@pytest.mark.parametrize(
    ("function", "start", "quantity", "code"),
    [(6, 1, 1, 1), (4, 0, 1, 2), (4, 1, 2, 2), (3, 1, 1, 2), (4, 1, 0, 3), (4, 1, 126, 3)],
)
def test_exceptions(function: int, start: int, quantity: int, code: int) -> None:
    assert ask(ModbusSlave(7, [field(20.0)]), 7, function, start, quantity) == bytes((7, function | 0x80, code))


def test_a_block_holds_neighbours_in_order() -> None:
    slave = ModbusSlave(1, [field(30.5), field(54.6, register=2, type="u16")])
    assert ask(slave, 1, 4, 1, 2) == bytes.fromhex("01040401310222")


@pytest.mark.parametrize(
    ("order", "words"), [("ABCD", "01020304"), ("CDAB", "03040102"), ("BADC", "02010403"), ("DCBA", "04030201")]
)
def test_orders_of_32_bits(order: str, words: str) -> None:
    slave = ModbusSlave(1, [field(0x01020304, type="u32", order=order, scale=1.0)])
    answer = ask(slave, 1, 4, 1, 2)
    assert answer is not None
    assert answer[3:].hex() == words


def test_values_beyond_the_type_saturate() -> None:
    slave = ModbusSlave(1, [field(-9e9), field(-9e9, register=2, type="u16"), field(9e9, register=3, type="s32")])
    answer = ask(slave, 1, 4, 1, 4)
    assert answer is not None
    assert answer[3:].hex() == "800000007fffffff"


@given(value=st.floats(-1e6, 1e6), scale=st.sampled_from([1.0, 0.1, 0.01]), offset=st.floats(-50, 50))
def test_a_32_bit_register_gives_the_value_back(value: float, scale: float, offset: float) -> None:
    slave = ModbusSlave(1, [field(value, type="s32", scale=scale, offset=offset)])
    answer = ask(slave, 1, 4, 1, 2)
    assert answer is not None
    assert struct.unpack(">i", answer[3:])[0] * scale + offset == pytest.approx(value, abs=scale)


def test_floats_are_ieee_754() -> None:
    answer = ask(ModbusSlave(1, [field(21.5, type="f32", scale=1.0)]), 1, 4, 1, 2)
    assert answer is not None
    assert answer[3:].hex() == "41ac0000"
