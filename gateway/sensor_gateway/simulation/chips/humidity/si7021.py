"""Si7021 (Silicon Labs, revision 1.2), HTU21D (TE, revision 6), SHT20/21/25 (Sensirion SHT21, version 5).

One command measures temperature, another one humidity; busy, the chip does not acknowledge. Times are the longest of
each datasheet. The last two bits of a word are status: 00 temperature, 10 humidity.

    answer: | word msb | lsb | crc |     user register: RES1 VDDS - - - HTRE OTP RES0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.sensirion import Mouth, ticks, words_with_crc


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One make: longest measurements, the user register after power-on, and what only one of them has."""

    temperature_s: float
    humidity_s: float
    user_register: int
    is_silicon_labs: bool = False
    start_s: float = 0.015


SHT2X: Final = Part(temperature_s=0.085, humidity_s=0.029, user_register=0x3A)
PARTS: Final = {
    "si7021": Part(temperature_s=0.0108, humidity_s=0.0228, user_register=0x3A, is_silicon_labs=True, start_s=0.08),
    "htu21d": Part(temperature_s=0.050, humidity_s=0.016, user_register=0x02),
    "sht20": SHT2X,
    "sht21": SHT2X,
    "sht25": SHT2X,
}

TEMPERATURE: Final = frozenset({0xE3, 0xF3})
HUMIDITY: Final = frozenset({0xE5, 0xF5})
HOLDING: Final = frozenset({0xE3, 0xE5})
"""With clock stretching: the read itself waits, which here takes no time."""

TEMPERATURE_OF_HUMIDITY: Final = 0xE0
WRITE_USER, READ_USER = 0xE6, 0xE7
WRITE_HEATER, READ_HEATER = 0x51, 0x11
SOFT_RESET: Final = 0xFE
FIRST_ID, SECOND_ID, FIRMWARE = b"\xfa\x0f", b"\xfc\xc9", b"\x84\xb8"
RESET_S: Final = 0.015
HEATER: Final = 0x04
HEATER_KELVIN: Final = 1.5
MISSING_BITS: Final = {0x00: (2, 4), 0x01: (4, 8), 0x80: (3, 6), 0x81: (5, 5)}
"""By RES1 RES0: how many of 16 bits a temperature and a humidity lack."""

SPAN: Final = 1 << 16
SI7021_ID, SERIAL = 0x15, bytes.fromhex("842cf9b1")


class Si7021:
    """One chip; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: idle."""
        self._part = PARTS[mounting.variant]
        self._temperature = mounting.courses["temperature"]
        self._humidity = mounting.courses["humidity"]
        self._mouth = Mouth("chip")
        self._mouth.prepare(None, mounting.powered_s + self._part.start_s)
        self._user_register = self._part.user_register
        self._heater = 0
        self._with_humidity: bytes | None = None

    def write(self, data: bytes, now_s: float) -> None:
        """Do what the command says. Nack while busy, and for an unknown one."""
        self._mouth.refuse_while_busy(now_s)
        if not data:
            return
        command = data[0]
        if command in TEMPERATURE:
            done_s = now_s + self._part.temperature_s
            self._mouth.prepare(self._measured_t(done_s), 0.0 if command in HOLDING else done_s)
        elif command in HUMIDITY:
            done_s = now_s + self._part.humidity_s
            self._with_humidity = self._measured_t(done_s)[:2]
            self._mouth.prepare(self._measured_h(done_s), 0.0 if command in HOLDING else done_s)
        elif command == SOFT_RESET:
            kept = 0 if self._part.is_silicon_labs else self._user_register & HEATER
            self._user_register = self._part.user_register | kept
            self._heater = 0
            self._mouth.prepare(None, now_s + RESET_S)
        elif command in (READ_USER, WRITE_USER):
            if command == WRITE_USER and len(data) > 1:
                self._user_register = data[1]
            self._mouth.prepare(bytes((self._user_register,)))
        else:
            self._mouth.prepare(self._of_silicon_labs(data))

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        return self._mouth.say(count, now_s)

    def _of_silicon_labs(self, data: bytes) -> bytes | None:
        if self._part.is_silicon_labs:
            if data[0] == TEMPERATURE_OF_HUMIDITY:
                return self._with_humidity
            if data[0] in (READ_HEATER, WRITE_HEATER):
                self._heater = data[1] & 0x0F if data[0] == WRITE_HEATER and len(data) > 1 else self._heater
                return bytes((self._heater,))
            if data[:2] == FIRST_ID:
                return b"".join(bytes((byte, _crc(SERIAL[: at + 1]))) for at, byte in enumerate(SERIAL))
            if data[:2] == SECOND_ID:
                head, tail = bytes((SI7021_ID, 0xFF)), b"\xff\xff"
                return head + bytes((_crc(head),)) + tail + bytes((_crc(head + tail),))
            if data[:2] == FIRMWARE:
                return b"\x20"
        self._mouth.prepare(None)
        raise Nack(f"this chip knows no command {data[:2].hex()}")

    def _measured_t(self, at_s: float) -> bytes:
        celsius = self._temperature(at_s) + (HEATER_KELVIN if self._user_register & HEATER else 0.0)
        return self._word((celsius + 46.85) / 175.72, MISSING_BITS[self._user_register & 0x81][0], 0b00)

    def _measured_h(self, at_s: float) -> bytes:
        return self._word((self._humidity(at_s) + 6) / 125, MISSING_BITS[self._user_register & 0x81][1], 0b10)

    def _word(self, share: float, missing_bits: int, status: int) -> bytes:
        return words_with_crc(ticks(share, of=SPAN) >> missing_bits << missing_bits | status, initial=0)


def _crc(data: bytes) -> int:
    return crc8(data, initial=0)
