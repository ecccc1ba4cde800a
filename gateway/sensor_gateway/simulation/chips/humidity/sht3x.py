"""Sensirion SHT30/31/35, temperature and humidity (datasheet SHT3x-DIS, version 6): commands of two bytes.

Idle it measures once when told; in periodic mode it measures by itself, and takes few commands until a break. It does
not acknowledge while it is busy, and wants a millisecond between commands. Times are the longest of tables 4 and 5.

    answer: | S_T msb | S_T lsb | crc | S_RH msb | S_RH lsb | crc |
    status: | 15 alert  13 heater  4 reset detected  1 command refused  0 checksum of what was written was wrong | crc |
    limit:  | RH, upper 7 bits | T, upper 9 bits | crc |    (application note "Alert Mode of SHT3x- and STS3x-DIS")
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.sensirion import Mouth, ticks, words_with_crc

SINGLE_SHOT_S: Final = {0x2400: 0.0155, 0x240B: 0.0065, 0x2416: 0.0045}
STRETCHED: Final = frozenset({0x2C06, 0x2C0D, 0x2C10})
"""With clock stretching: the read itself waits, which here takes no time."""

PERIODS_S: Final = {
    **dict.fromkeys((0x2032, 0x2024, 0x202F), 2.0),
    **dict.fromkeys((0x2130, 0x2126, 0x212D), 1.0),
    **dict.fromkeys((0x2236, 0x2220, 0x222B), 0.5),
    **dict.fromkeys((0x2334, 0x2322, 0x2329, 0x2B32), 0.25),
    **dict.fromkeys((0x2737, 0x2721, 0x272A), 0.1),
}
FETCH: Final = 0xE000
BREAK: Final = 0x3093
SOFT_RESET: Final = 0x30A2
HEATER_ON: Final = 0x306D
HEATER_OFF: Final = 0x3066
READ_STATUS: Final = 0xF32D
CLEAR_STATUS: Final = 0x3041
READ_LIMIT: Final = {0xE11F: "high set", 0xE114: "high clear", 0xE109: "low clear", 0xE102: "low set"}
WRITE_LIMIT: Final = {0x611D: "high set", 0x6116: "high clear", 0x610B: "low clear", 0x6100: "low set"}
LIMITS: Final = {
    "high set": (80.0, 60.0),
    "high clear": (79.0, 58.0),
    "low clear": (22.0, -9.0),
    "low set": (20.0, -10.0),
}
"""Humidity and temperature after power-on. Only what is kept is modelled: no alert comes of it."""
SERIAL_NUMBERS: Final = frozenset({0x3780, 0x3682})
WHILE_PERIODIC: Final = frozenset({FETCH, BREAK, READ_STATUS, CLEAR_STATUS, HEATER_ON, HEATER_OFF})

COMMAND_S: Final = 0.001
RESET_S: Final = 0.0015
POWER_UP_S: Final = 0.0015
HEATER_KELVIN: Final = 3.0
"""Section 4.10: "a few degrees"."""

ALERT, HEATER, RESET, REFUSED, WRONG_CHECKSUM = 0x8000, 0x2000, 0x0010, 0x0002, 0x0001
CLEARED: Final = 0x8C10
"""The flags 15, 11, 10 and 4."""

NEVER: Final = float("inf")


class Sht3x:
    """One SHT3x. The serial number is made of the sensor's address and variant name."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: idle, nothing to read."""
        self._temperature = mounting.courses["temperature"]
        self._humidity = mounting.courses["humidity"]
        number = sum(byte << (8 * place) for place, byte in enumerate(mounting.variant.encode()[-3:]))
        self._serial = words_with_crc(0x3000 | mounting.address, number & 0xFFFF)
        self._mouth = Mouth("SHT3x")
        self._mouth.prepare(None, mounting.powered_s + POWER_UP_S)
        self._status = ALERT | RESET
        self._limits = {name: limit_word(*limit) for name, limit in LIMITS.items()}
        self._period_s: float | None = None
        self._next_s = NEVER
        self._waits_until_s = mounting.powered_s

    def write(self, data: bytes, now_s: float) -> None:
        """Do what the command says. Nack while busy, too soon after the last one, and for an unknown one."""
        self._mouth.refuse_while_busy(now_s)
        if now_s + EARLY_S < self._waits_until_s:
            raise Nack("the SHT3x wants a millisecond between commands")
        if not data:
            return
        command = int.from_bytes(data[:2], "big")
        self._waits_until_s = now_s + COMMAND_S
        if len(data) < 2 or (self._period_s is not None and command not in WHILE_PERIODIC):
            self._refuse(command)
        elif command in SINGLE_SHOT_S:
            done_s = now_s + SINGLE_SHOT_S[command]
            self._mouth.prepare(self._measured(done_s), done_s)
        elif command in STRETCHED:
            self._mouth.prepare(self._measured(now_s))
        elif command in PERIODS_S:
            self._period_s = PERIODS_S[command]
            self._next_s = now_s + SINGLE_SHOT_S[0x2400]
            self._mouth.prepare(None)
        elif command == FETCH:
            self._mouth.prepare(self._fetched(now_s))
        elif command in WRITE_LIMIT:
            self._limit(WRITE_LIMIT[command], data[2:])
        else:
            self._obey(command, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        return self._mouth.say(count, now_s)

    def _obey(self, command: int, now_s: float) -> None:
        answer, ready_s = None, 0.0
        if command == BREAK:
            self._period_s, self._next_s = None, NEVER
            ready_s = now_s + COMMAND_S
        elif command == SOFT_RESET:
            self._status = ALERT | RESET
            ready_s = now_s + RESET_S
        elif command == HEATER_ON:
            self._status |= HEATER
        elif command == HEATER_OFF:
            self._status &= ~HEATER
        elif command == CLEAR_STATUS:
            self._status &= ~CLEARED
        elif command == READ_STATUS:
            answer = words_with_crc(self._status)
        elif command in READ_LIMIT:
            answer = words_with_crc(self._limits[READ_LIMIT[command]])
        elif command in SERIAL_NUMBERS:
            answer, ready_s = self._serial, now_s + COMMAND_S
        else:
            self._refuse(command)
        self._status &= ~REFUSED
        self._mouth.prepare(answer, ready_s)

    def _limit(self, name: str, written: bytes) -> None:
        """Keep a limit whose checksum is right, and say in the status that one was not."""
        word = int.from_bytes(written[:2], "big")
        self._status &= ~(REFUSED | WRONG_CHECKSUM)
        if words_with_crc(word) == written[:3]:
            self._limits[name] = word
        else:
            self._status |= WRONG_CHECKSUM
        self._mouth.prepare(None)

    def _refuse(self, command: int) -> None:
        self._status |= REFUSED
        self._mouth.prepare(None)
        raise Nack(f"an SHT3x does not take the command {command:04x} now")

    def _fetched(self, now_s: float) -> bytes | None:
        """The newest periodic measurement that nobody has fetched."""
        if self._period_s is None or now_s + EARLY_S < self._next_s:
            return None
        done_s = self._next_s + int((now_s + EARLY_S - self._next_s) / self._period_s) * self._period_s
        self._next_s = done_s + self._period_s
        return self._measured(done_s)

    def _measured(self, at_s: float) -> bytes:
        celsius = self._temperature(at_s) + (HEATER_KELVIN if self._status & HEATER else 0.0)
        return words_with_crc(ticks((celsius + 45) / 175), ticks(self._humidity(at_s) / 100))


def limit_word(humidity: float, celsius: float) -> int:
    """An alert limit as the chip keeps it: the upper bits of what it would measure."""
    return ticks(humidity / 100) & 0xFE00 | ticks((celsius + 45) / 175) >> 7
