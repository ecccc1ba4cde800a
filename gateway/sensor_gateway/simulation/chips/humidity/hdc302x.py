"""TI HDC3020/3021/3022, temperature and humidity (datasheet SNAS778D): commands of two bytes.

Asleep it measures once when told; in auto measurement it measures by itself, and a readout leaves ones behind. It does
not let itself be read before a measurement is done. Times are the longest of section 6.5.

    answer: | T msb | lsb | crc | RH msb | lsb | crc |     status: 15 alerts  13 heater  4 reset detected
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.sensirion import Mouth, ticks, words_with_crc

TRIGGER_S: Final = {
    **dict.fromkeys((0x2400, 0x2C06), 0.0141),
    **dict.fromkeys((0x240B, 0x2C0D), 0.0084),
    **dict.fromkeys((0x2416, 0x2C10), 0.0057),
    0x24FF: 0.0042,
}
PERIODS_S: Final = {
    **dict.fromkeys((0x2032, 0x2024, 0x202F, 0x20FF), 2.0),
    **dict.fromkeys((0x2130, 0x2126, 0x212D, 0x21FF), 1.0),
    **dict.fromkeys((0x2236, 0x2220, 0x222B, 0x22FF), 0.5),
    **dict.fromkeys((0x2334, 0x2322, 0x2329, 0x23FF), 0.25),
    **dict.fromkeys((0x2737, 0x2721, 0x272A, 0x27FF), 0.1),
}
READOUT, EXIT_AUTO = 0xE000, 0x3093
CLEARED: Final = words_with_crc(0xFFFF, 0xFFFF)
SOFT_RESET, HEATER_ON, HEATER_OFF = 0x30A2, 0x306D, 0x3066
READ_STATUS, CLEAR_STATUS = 0xF32D, 0x3041
IDS: Final = {0x3781: 0x3000, 0x3683: 0xC295, 0x3684: 0xB149}
LAST_OF_SERIAL: Final = 0x3685
WORDS: Final = {0x306E: 0, 0xA004: 0, 0xE102: 0x3466, 0xE11F: 0xCD33, 0xE109: 0x3869, 0xE114: 0xC92D}
"""Heater, offsets and alert limits: by the command that reads them, with what they are after power-on."""

WRITES: Final = {0x306E: 0x306E, 0xA004: 0xA004, 0x6100: 0xE102, 0x611D: 0xE11F, 0x610B: 0xE109, 0x6116: 0xE114}
OFFSETS: Final = 0xA004
PROGRAM_S: Final = 0.077
RESET_S, POWER_UP_S, EXIT_S = 0.003, 0.005, 0.001
ALERT, HEATER, RESET = 0x8000, 0x2000, 0x0010
HEATER_KELVIN: Final = 10.0
NEVER: Final = float("inf")


class Hdc302x:
    """One HDC302x. The offsets are kept and have no effect."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: asleep."""
        self._temperature = mounting.courses["temperature"]
        self._humidity = mounting.courses["humidity"]
        self._ids = {**IDS, LAST_OF_SERIAL: 0x1500 | mounting.address}
        self._words = dict(WORDS)
        self._mouth = Mouth("HDC302x")
        self._period_s: float | None = None
        self._reset(mounting.powered_s + POWER_UP_S)

    def write(self, data: bytes, now_s: float) -> None:
        """Do what the command says. Nack while busy, and for an unknown one, and a new measurement in auto mode."""
        self._mouth.refuse_while_busy(now_s)
        if not data:
            return
        command = int.from_bytes(data[:2], "big") if len(data) > 1 else -1
        if len(data) > 2:
            self._set(command, data[2:], now_s)
        elif command in TRIGGER_S and self._period_s is None:
            done_s = now_s + TRIGGER_S[command]
            self._mouth.prepare(self._measured(done_s), done_s)
        elif command in PERIODS_S:
            self._period_s = PERIODS_S[command]
            self._next_s = now_s + TRIGGER_S[0x2400]
            self._mouth.prepare(None)
        elif command == READOUT and self._period_s is not None:
            self._mouth.prepare(self._newest(now_s))
        elif command == SOFT_RESET:
            self._reset(now_s + RESET_S)
        else:
            self._obey(command, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        return self._mouth.say(count, now_s)

    def _reset(self, ready_s: float) -> None:
        self._status = ALERT | RESET
        self._period_s = None
        self._next_s = NEVER
        self._mouth.prepare(None, ready_s)

    def _obey(self, command: int, now_s: float) -> None:
        answer, ready_s = None, 0.0
        if command == EXIT_AUTO:
            ready_s = 0.0 if self._period_s is None else now_s + EXIT_S
            self._period_s, self._next_s = None, NEVER
        elif command in (HEATER_ON, HEATER_OFF):
            self._status = self._status & ~HEATER | (HEATER if command == HEATER_ON else 0)
        elif command == CLEAR_STATUS:
            self._status &= HEATER
        elif command == READ_STATUS:
            answer = words_with_crc(self._status)
        elif command in self._ids or command in self._words:
            answer = words_with_crc({**self._ids, **self._words}[command])
        else:
            self._mouth.prepare(None)
            raise Nack(f"an HDC302x does not take the command {command:04x} now")
        self._mouth.prepare(answer, ready_s)

    def _set(self, command: int, word: bytes, now_s: float) -> None:
        if command not in WRITES or len(word) != 3 or crc8(word[:2]) != word[2]:
            raise Nack("the HDC302x does not take this setting")
        self._words[WRITES[command]] = int.from_bytes(word[:2], "big")
        self._mouth.prepare(None, now_s + PROGRAM_S if command == OFFSETS else 0.0)

    def _newest(self, now_s: float) -> bytes:
        """The newest measurement of auto mode, once; ones where there is none."""
        if self._period_s is None or now_s + EARLY_S < self._next_s:
            return CLEARED
        done_s = self._next_s + int((now_s + EARLY_S - self._next_s) / self._period_s) * self._period_s
        self._next_s = done_s + self._period_s
        return self._measured(done_s)

    def _measured(self, at_s: float) -> bytes:
        celsius = self._temperature(at_s) + (HEATER_KELVIN if self._status & HEATER else 0.0)
        return words_with_crc(ticks((celsius + 45) / 175), ticks(self._humidity(at_s) / 100))
