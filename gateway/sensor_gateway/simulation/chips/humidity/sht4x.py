"""Sensirion SHT40/41/43/45, temperature and humidity (datasheet SHT4x, version 6.5): commands in, words with CRC out.

A part that measures does not acknowledge its address; nor does one that has nothing to say. This one takes the maximum
times of the datasheet's table 5. An answer can be read once.

    answer: | S_T msb | S_T lsb | crc | S_RH msb | S_RH lsb | crc |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.sensirion import Mouth, ticks, words_with_crc

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
        self._mouth = Mouth("SHT4x")

    def write(self, data: bytes, now_s: float) -> None:
        """Start what the command byte says. Nack while busy, and for an unknown command."""
        self._mouth.refuse_while_busy(now_s)
        if not data:
            return
        command = data[0]
        if command in MEASURE_S:
            self._measure(now_s + MEASURE_S[command])
        elif command in HEATER_S:
            self._measure(now_s + HEATER_S[command] + MEASURE_AFTER_HEATER_S)
        elif command == SERIAL_NUMBER:
            self._mouth.prepare(self._serial)
        elif command == SOFT_RESET:
            self._mouth.prepare(None, now_s + RESET_S)
        else:
            self._mouth.prepare(None)
            raise Nack(f"an SHT4x knows no command {command:02x}")

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        return self._mouth.say(count, now_s)

    def _measure(self, done_s: float) -> None:
        temperature, humidity = self._temperature(done_s), self._humidity(done_s)
        self._mouth.prepare(words_with_crc(ticks((temperature + 45) / 175), ticks((humidity + 6) / 125)), done_s)
