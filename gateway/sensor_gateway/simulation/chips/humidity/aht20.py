"""Aosong AHT20, AHT21, DHT20 (datasheet AHT20, version 1.1), AHT10 and AHT15 (AHT10, version 1.1).

A chip that measures acknowledges, and answers with its status (busy) and its old data. The newer ones are calibrated
from power-on and have a checksum; the older ones are to be initialized first. Each knows its own initialization only.

    answer: | status: 7 busy, 4 always, 3 calibrated | humidity, 20 bits | temperature, 20 bits | crc of all before it |
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.registers import OPEN_WIRE

OLD: Final = frozenset({"aht10", "aht15"})
TRIGGER: Final = 0xAC
SOFT_RESET: Final = 0xBA
STATUS: Final = 0x71
INITIALIZE: Final = 0xBE
INITIALIZE_OLD: Final = 0xE1
MEASURE_S: Final = 0.08
INITIALIZE_S: Final = 0.01
RESET_S: Final = 0.02
POWER_UP_S: Final = 0.04
BUSY, ALWAYS, CALIBRATED = 0x80, 0x10, 0x08
FULL_SCALE: Final = 1 << 20


class Aht20:
    """One member of the family; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: nothing measured."""
        self._is_old = mounting.variant in OLD
        self._temperature = mounting.courses["temperature"]
        self._humidity = mounting.courses["humidity"]
        self._reset(mounting.powered_s + POWER_UP_S)

    def write(self, data: bytes, now_s: float) -> None:
        """Do what the command byte says. Nack while it restarts, and for a command that this part does not know."""
        self._settle(now_s)
        if not data:
            return
        command = data[0]
        if command == TRIGGER and len(data) > 1:
            self._busy_until_s = now_s + MEASURE_S
            self._measures = True
        elif command == SOFT_RESET:
            self._reset(now_s + RESET_S)
        elif command == (INITIALIZE_OLD if self._is_old else INITIALIZE):
            self._is_calibrated = True
            self._busy_until_s = now_s + INITIALIZE_S
        elif command != STATUS or self._is_old:
            raise Nack(f"this AHT knows no command {command:02x}")

    def read(self, count: int, now_s: float) -> bytes:
        """Status and data; SDA stays high (FF) behind their end. Nack while it restarts."""
        self._settle(now_s)
        status = ALWAYS | (CALIBRATED if self._is_calibrated else 0)
        if now_s + EARLY_S < self._busy_until_s:
            status |= BUSY
        answer = bytes((status,)) + self._data
        if not self._is_old:
            answer += bytes((crc8(answer),))
        return answer[:count].ljust(count, OPEN_WIRE)

    def _reset(self, ready_s: float) -> None:
        self._is_calibrated = not self._is_old
        self._ready_s = ready_s
        self._busy_until_s = ready_s
        self._measures = False
        self._data = bytes(5)

    def _settle(self, now_s: float) -> None:
        """Refuse while it restarts; take over a measurement that is finished by now."""
        if now_s + EARLY_S < self._ready_s:
            raise Nack("the AHT restarts, and does not acknowledge before it is done")
        if self._measures and now_s + EARLY_S >= self._busy_until_s:
            self._measures = False
            h = _counts(self._humidity(self._busy_until_s) / 100)
            t = _counts((self._temperature(self._busy_until_s) + 50) / 200)
            self._data = (h << 20 | t).to_bytes(5, "big")


def _counts(share: float) -> int:
    return min(FULL_SCALE - 1, max(0, round(share * FULL_SCALE)))
