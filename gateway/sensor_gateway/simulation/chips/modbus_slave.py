"""A Modbus RTU slave (MODBUS Application Protocol V1.1b3; Modbus over serial line V1.02): frames in, answers out.

It knows functions 3 and 4 and answers the rest with exception 1, registers that it does not have with exception 2,
and a senseless quantity with exception 3. Frames for other units or with a wrong CRC it does not hear.

    answer: | unit | function | byte count | registers, high byte first | crc low | crc high |
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.checksums import crc16_modbus
from sensor_gateway.simulation.chips.chip import Course, Mounting

FUNCTIONS: Final = {"holding": 3, "input": 4}
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_DATA_ADDRESS: Final = 2
ILLEGAL_DATA_VALUE: Final = 3
MOST_REGISTERS: Final = 125

CHARACTER_S: Final = 11 / 9600
"""One character at 9600 baud, with parity or a second stop bit."""
SILENCE_S: Final = 3.5 * CHARACTER_S
TURNAROUND_S: Final = 0.005

FORMATS: Final = {"s16": ">h", "u16": ">H", "s32": ">i", "u32": ">I", "f32": ">f"}
ORDERS: Final = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}
SWAPPED: Final = {"BADC", "DCBA", "BA"}
"""Orders in which a 16-bit register has its bytes the wrong way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value in the slave's registers; ``value = count * scale + offset``."""

    function: int
    register: int
    type: str
    order: str
    scale: float
    offset: float
    course: Course

    @property
    def length(self) -> int:
        """Registers that it takes."""
        return struct.calcsize(FORMATS[self.type]) // 2

    def encoded(self, at_s: float) -> bytes:
        """The value as it stands in the registers."""
        count = (self.course(at_s) - self.offset) / self.scale
        if self.type == "f32":
            plain = struct.pack(">f", count)
        else:
            bits, is_signed = int(self.type[1:]), self.type[0] == "s"
            low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else (0, (1 << bits) - 1)
            plain = struct.pack(FORMATS[self.type], min(high, max(low, round(count))))
        if len(plain) == 2:
            return plain[::-1] if self.order in SWAPPED else plain
        return bytes(plain[place] for place in ORDERS[self.order])


class ModbusSlave:
    """One unit on the line."""

    def __init__(self, unit: int, fields: Sequence[Field], *, is_echoed: bool = False) -> None:
        """``fields`` are all that the unit has; every other register is an illegal address.

        With ``is_echoed`` the request stands before the answer, as with an adapter that hears itself.
        """
        self._unit = unit
        self._is_echoed = is_echoed
        self._words: Mapping[tuple[int, int], tuple[Field, int]] = {
            (field.function, field.register + word): (field, word) for field in fields for word in range(field.length)
        }
        self._heard = b""
        self._heard_s = float("-inf")

    def hear(self, data: bytes, now_s: float) -> tuple[float, bytes] | None:
        """A request may come in pieces; a pause of 3.5 characters begins a new one."""
        if now_s - self._heard_s > SILENCE_S:
            self._heard = b""
        self._heard = (self._heard + data)[-256:]
        self._heard_s = now_s
        if len(self._heard) < 4 or crc16_modbus(self._heard[:-2]) != self._heard[-2:]:
            return None
        request, self._heard = self._heard[:-2], b""
        if request[0] != self._unit:
            return None
        answer = bytes((self._unit,)) + self._answer(request[1], request[2:], now_s)
        after_s = (len(request) + 2 + len(answer) + 2) * CHARACTER_S + TURNAROUND_S
        answer += crc16_modbus(answer)
        return after_s, request + crc16_modbus(request) + answer if self._is_echoed else answer

    def _answer(self, function: int, content: bytes, now_s: float) -> bytes:
        if function not in FUNCTIONS.values():
            return _exception(function, ILLEGAL_FUNCTION)
        if len(content) != 4:
            return _exception(function, ILLEGAL_DATA_VALUE)
        start, quantity = struct.unpack(">HH", content)
        if not 1 <= quantity <= MOST_REGISTERS:
            return _exception(function, ILLEGAL_DATA_VALUE)
        wanted = [self._words.get((function, register)) for register in range(start, start + quantity)]
        encoded: dict[int, bytes] = {}
        words = []
        for place in wanted:
            if place is None:
                return _exception(function, ILLEGAL_DATA_ADDRESS)
            field, word = place
            content = encoded.get(id(field)) or field.encoded(now_s)
            encoded[id(field)] = content
            words.append(content[2 * word : 2 * word + 2])
        return bytes((function, 2 * quantity)) + b"".join(words)


def slave_of(mountings: Sequence[Mounting]) -> ModbusSlave:
    """The slave that answers for these sensors, which share its unit. Its registers are those of their options."""
    fields = [field for mounting in mountings for field in _fields_of(mounting)]
    is_echoed = any(getattr(mounting.options, "echo", False) for mounting in mountings)
    return ModbusSlave(mountings[0].address, fields, is_echoed=is_echoed)


def _fields_of(mounting: Mounting) -> list[Field]:
    registers: Mapping[str, object] = getattr(mounting.options, "registers", {})
    return [
        Field(
            function=FUNCTIONS[str(getattr(register, "function", "holding"))],
            register=int(getattr(register, "register", 0)),
            type=str(getattr(register, "type", "u16")),
            order=str(getattr(register, "order", "ABCD")),
            scale=float(getattr(register, "scale", 1.0)),
            offset=float(getattr(register, "offset", 0.0)),
            course=mounting.courses[name],
        )
        for name, register in registers.items()
    ]


def _exception(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))
