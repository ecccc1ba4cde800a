"""Sensirion SHT40/41/43/45, temperature and humidity (datasheet SHT4x, version 6.5): commands in, words with CRC out.

A part that measures does not acknowledge its address; nor does one that has nothing to say. This one takes the maximum
times of the datasheet's table 5. An answer can be read once.

    answer: | S_T msb | S_T lsb | crc | S_RH msb | S_RH lsb | crc |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting

MEASURE_S: Final = {0xFD: 0.0083, 0xF6: 0.0045, 0xE0: 0.0016}
"""High, medium and low repeatability, with the longest measurement time of each."""

HEATER_S: Final = {0x39: 1.1, 0x32: 0.11, 0x2F: 1.1, 0x24: 0.11, 0x1E: 1.1, 0x15: 0.11}
SERIAL_NUMBER: Final = 0x89
SOFT_RESET: Final = 0x94
RESET_S: Final = 0.001
MEASURE_AFTER_HEATER_S: Final = 0.0083


class Sht4x:
    """One SHT4x. The serial number is made of the sensor's address and variant name."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: idle, nothing to read."""
        self._temperature = mounting.courses["temperature"]
        self._humidity = mounting.courses["humidity"]
        number = sum(byte << (8 * place) for place, byte in enumerate(mounting.variant.encode()[-3:]))
        self._serial = words_with_crc(0x1000 | mounting.address, number & 0xFFFF)
        self._busy_until_s = 0.0
        self._answer: bytes | None = None

    def write(self, data: bytes, now_s: float) -> None:
        """Start what the command byte says. Nack while busy, and for an unknown command."""
        self._refuse_while_busy(now_s)
        if not data:
            return
        command = data[0]
        self._answer = None
        if command in MEASURE_S:
            self._measure(now_s + MEASURE_S[command])
        elif command in HEATER_S:
            self._measure(now_s + HEATER_S[command] + MEASURE_AFTER_HEATER_S)
        elif command == SERIAL_NUMBER:
            self._answer = self._serial
        elif command == SOFT_RESET:
            self._busy_until_s = now_s + RESET_S
        else:
            raise Nack(f"an SHT4x knows no command {command:02x}")

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        self._refuse_while_busy(now_s)
        if self._answer is None:
            raise Nack("the SHT4x has nothing to say: no command came before this read")
        answer, self._answer = self._answer, None
        return answer[:count].ljust(count, b"\xff")

    def _refuse_while_busy(self, now_s: float) -> None:
        if now_s + EARLY_S < self._busy_until_s:
            raise Nack("the SHT4x measures, and does not acknowledge before it is done")

    def _measure(self, done_s: float) -> None:
        self._busy_until_s = done_s
        self._answer = words_with_crc(
            _ticks((self._temperature(done_s) + 45) / 175), _ticks((self._humidity(done_s) + 6) / 125)
        )


def words_with_crc(*words: int) -> bytes:
    """Words as Sensirion sends them: high byte, low byte, CRC of both (section 4.4)."""
    answer = b""
    for word in words:
        pair = word.to_bytes(2, "big")
        answer += pair + bytes((crc8(pair),))
    return answer


def _ticks(share: float) -> int:
    return min(0xFFFF, max(0, round(share * 0xFFFF)))
