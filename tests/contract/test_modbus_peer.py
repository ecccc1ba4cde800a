"""The Modbus slave in software, questioned by pymodbus: an implementation that knows neither it nor our driver."""

from __future__ import annotations

from typing import Any

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteSingleRegisterRequest,
)

from sensor_gateway.simulation.chips.modbus_slave import Field, ModbusSlave

UNIT = 7


def slave() -> ModbusSlave:
    def field(function: int, register: int, kind: str, value: float) -> Field:
        return Field(
            function=function,
            register=register,
            type=kind,
            order="ABCD",
            scale=1.0,
            offset=0.0,
            course=lambda _at_s: value,
        )

    return ModbusSlave(UNIT, [field(4, 1, "s16", -5), field(4, 2, "u32", 70_000), field(3, 0, "f32", 1.5)])


def answer_to(request: Any) -> Any:
    framer = FramerRTU(DecodePDU(is_server=False))
    heard = slave().hear(framer.buildFrame(request), 0.0)
    assert heard is not None
    used, answer = framer.handleFrame(heard[1], UNIT, 0)
    assert used == len(heard[1])
    return answer


def test_pymodbus_reads_the_registers() -> None:
    inputs = answer_to(ReadInputRegistersRequest(address=1, count=3, dev_id=UNIT))
    assert inputs.registers == [0x10000 - 5, 1, 70_000 - 0x10000]
    holdings = answer_to(ReadHoldingRegistersRequest(address=0, count=2, dev_id=UNIT))
    assert holdings.registers == [0x3FC0, 0]


@pytest.mark.parametrize(
    ("request_made", "code"),
    [
        (WriteSingleRegisterRequest(address=1, registers=[1], dev_id=UNIT), 1),
        (ReadInputRegistersRequest(address=1, count=9, dev_id=UNIT), 2),
    ],
)
def test_pymodbus_understands_the_refusals(request_made: Any, code: int) -> None:
    answer = answer_to(request_made)
    assert answer.isError()
    assert answer.exception_code == code
