"""Sensirion SHTC3 (datasheet version 4) and SHTC1 (version 3), temperature and humidity: commands of two bytes.

Asleep, an SHTC3 takes no command but the one that wakes it; an SHTC1 knows neither sleep nor waking. Busy, both refuse
their address. Times are the longest of tables 5.

    answer: | first word msb | lsb | crc | second word msb | lsb | crc |     the command says which word comes first
    id:     | SHTC3 xxxx1xxxxx000111, SHTC1 xxxxxxxxxx000111 | crc |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.sensirion import Mouth, ticks, words_with_crc


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One row: the id, and the longest measurement in normal and in low power mode."""

    name: str
    identity: int
    normal_s: float
    low_power_s: float
    can_sleep: bool


PARTS: Final = {
    "shtc3": Part(name="SHTC3", identity=0x0887, normal_s=0.0121, low_power_s=0.0008, can_sleep=True),
    "shtc1": Part(name="SHTC1", identity=0x1007, normal_s=0.0144, low_power_s=0.00094, can_sleep=False),
}

TEMPERATURE_FIRST: Final = frozenset({0x7CA2, 0x7866, 0x6458, 0x609C})
HUMIDITY_FIRST: Final = frozenset({0x5C24, 0x58E0, 0x44DE, 0x401A})
LOW_POWER: Final = frozenset({0x6458, 0x609C, 0x44DE, 0x401A})
STRETCHED: Final = frozenset({0x7CA2, 0x5C24, 0x6458, 0x44DE})
"""With clock stretching: the read itself waits, which here takes no time."""

SLEEP: Final = 0xB098
WAKEUP: Final = 0x3517
SOFT_RESET: Final = 0x805D
READ_ID: Final = 0xEFC8
START_S: Final = 0.00024
"""Power-up, reset and waking."""

SPAN: Final = 1 << 16


class Shtc3:
    """One SHTC3 or SHTC1; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: idle, awake, nothing to read."""
        self._part = PARTS[mounting.variant]
        self._temperature = mounting.courses["temperature"]
        self._humidity = mounting.courses["humidity"]
        self._mouth = Mouth(self._part.name)
        self._mouth.prepare(None, mounting.powered_s + START_S)
        self._is_asleep = False

    def write(self, data: bytes, now_s: float) -> None:
        """Do what the command says. Nack while busy, asleep, and for an unknown one."""
        self._mouth.refuse_while_busy(now_s)
        if not data:
            return
        command = int.from_bytes(data[:2], "big") if len(data) > 1 else -1
        if self._part.can_sleep and command == WAKEUP:
            self._is_asleep = False
            self._mouth.prepare(None, now_s + START_S)
        elif self._is_asleep:
            raise Nack("the SHTC3 sleeps")
        elif command in TEMPERATURE_FIRST or command in HUMIDITY_FIRST:
            self._measure(command, now_s)
        elif command == READ_ID:
            self._mouth.prepare(words_with_crc(self._part.identity))
        elif command == SOFT_RESET:
            self._mouth.prepare(None, now_s + START_S)
        elif self._part.can_sleep and command == SLEEP:
            self._is_asleep = True
            self._mouth.prepare(None)
        else:
            self._mouth.prepare(None)
            raise Nack(f"an {self._part.name} knows no such command: {data[:2].hex()}")

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        return self._mouth.say(count, now_s)

    def _measure(self, command: int, now_s: float) -> None:
        done_s = now_s + (self._part.low_power_s if command in LOW_POWER else self._part.normal_s)
        words = [
            ticks((self._temperature(done_s) + 45) / 175, of=SPAN),
            ticks(self._humidity(done_s) / 100, of=SPAN),
        ]
        if command in HUMIDITY_FIRST:
            words.reverse()
        self._mouth.prepare(words_with_crc(*words), 0.0 if command in STRETCHED else done_s)
