"""Sensirion SCD40/41, carbon dioxide, temperature and humidity (datasheet SCD4x, version 1.7): commands of two bytes.

Idle it is set up, and measures once when told (SCD41). In periodic mode it measures by itself, keeps the newest
measurement until it is read, and refuses all but a few commands. Times are the longest of table 9. The temperature
that it measures is that of its own warm inside; what it says is less by the offset that is set.

    answer: | word msb | lsb | crc | ...     measurement: CO2, temperature, humidity     status: 8000, and 06 with data
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting
from sensor_gateway.simulation.chips.sensirion import HIGHEST, Mouth, ticks, words_with_crc

PERIODS_S: Final = {0x21B1: 5.0, 0x21AC: 30.0}
"""Periodic measurement and its low power form."""

READ_MEASUREMENT, DATA_READY, STOP = 0xEC05, 0xE4B8, 0x3F86
AMBIENT_PRESSURE: Final = 0xE000
WHILE_PERIODIC: Final = frozenset({READ_MEASUREMENT, DATA_READY, STOP, AMBIENT_PRESSURE})
SINGLE_SHOT_S: Final = {0x219D: 5.0, 0x2196: 0.05}
WITHOUT_CO2: Final = 0x2196
POWER_DOWN, WAKE_UP = 0x36E0, 0x36F6
SERIAL_NUMBER, VARIANT, SELF_TEST = 0x3682, 0x202F, 0x3639
PERSIST, FACTORY_RESET, REINIT = 0x3615, 0x3632, 0x3646
LASTING_S: Final = {STOP: 0.5, PERSIST: 0.8, FACTORY_RESET: 1.2, REINIT: 0.03}
"""What answers nothing and takes its time."""

SETTINGS: Final = {
    0x241D: 0x2318,
    0x2427: 0x2322,
    0x2416: 0x2313,  # temperature offset, altitude, self-calibration
    0x243A: 0x233F,
    0x2445: 0x2340,
    0x244E: 0x234B,  # its target and periods
    AMBIENT_PRESSURE: AMBIENT_PRESSURE,
}
"""What sets a word to what reads it."""

FACTORY: Final = {
    0x2318: 0x05DA,
    0x2322: 0,
    0x2313: 1,
    0x233F: 400,
    0x2340: 44,
    0x234B: 156,
    AMBIENT_PRESSURE: 1013,
}
TEMPERATURE_OFFSET: Final = 0x2318
OWN_HEAT_KELVIN: Final = 4.0
NO_DATA, DATA = 0x8000, 0x8006
COMMAND_S, WAKE_S, POWER_UP_S, SELF_TEST_S = 0.001, 0.03, 0.03, 10.0
NEVER: Final = float("inf")


class Scd4x:
    """One SCD40, or an SCD41 for every other variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: idle."""
        self._courses = mounting.courses
        self._is_scd40 = mounting.variant == "scd40"
        self._serial = words_with_crc(0xF896, 0x9F07, 0x3B00 | mounting.address)
        self._mouth = Mouth("SCD4x")
        self._mouth.prepare(None, mounting.powered_s + POWER_UP_S)
        self._words, self._eeprom = dict(FACTORY), dict(FACTORY)
        self._period_s: float | None = None
        self._next_s = NEVER
        self._data: bytes | None = None
        self._is_asleep = False

    def write(self, data: bytes, now_s: float) -> None:
        """Do what the command says. Nack while busy, asleep, for an unknown one, and for one that must wait."""
        self._mouth.refuse_while_busy(now_s)
        self._settle(now_s)
        if not data:
            return
        command = int.from_bytes(data[:2], "big") if len(data) > 1 else -1
        if command == WAKE_UP:
            self._wake(now_s)
        if self._is_asleep or (self._period_s is not None and command not in WHILE_PERIODIC):
            raise Nack("the SCD4x takes no such command while it sleeps or measures")
        if len(data) > 2:
            self._set(command, data[2:])
        elif command in PERIODS_S:
            self._period_s = PERIODS_S[command]
            self._next_s = now_s + self._period_s
            self._data = None
        elif command in LASTING_S:
            self._period_s, self._next_s = None, NEVER
            self._keep(command)
            self._mouth.prepare(None, now_s + LASTING_S[command])
        elif command in SINGLE_SHOT_S or command == POWER_DOWN:
            self._scd41_only(command, now_s)
        else:
            self._answer(command, now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The answer, once; SDA stays high (FF) behind its end. Nack while busy, and without an answer."""
        return self._mouth.say(count, now_s)

    def _answer(self, command: int, now_s: float) -> None:
        ready_s = now_s + COMMAND_S
        if command == READ_MEASUREMENT:
            answer, self._data = self._data, None
        elif command == DATA_READY:
            answer = words_with_crc(NO_DATA if self._data is None else DATA)
        elif command == SERIAL_NUMBER:
            answer = self._serial
        elif command == VARIANT:
            answer = words_with_crc(0x0440 if self._is_scd40 else 0x1440)
        elif command == SELF_TEST:
            answer, ready_s = words_with_crc(0), now_s + SELF_TEST_S
        elif command in self._words:
            answer = words_with_crc(self._words[command])
        else:
            self._mouth.prepare(None)
            raise Nack(f"an SCD4x knows no command {command:04x}")
        self._mouth.prepare(answer, ready_s)

    def _set(self, command: int, word: bytes) -> None:
        if command not in SETTINGS or len(word) != 3 or crc8(word[:2]) != word[2]:
            raise Nack("the SCD4x does not take this setting")
        self._words[SETTINGS[command]] = int.from_bytes(word[:2], "big")
        self._mouth.prepare(None)

    def _keep(self, command: int) -> None:
        """What becomes of the settings, in memory and in the EEPROM (section 3.10)."""
        if command == FACTORY_RESET:
            self._eeprom = dict(FACTORY)
        if command == PERSIST:
            self._eeprom = self._words | {AMBIENT_PRESSURE: FACTORY[AMBIENT_PRESSURE]}
        elif command in (FACTORY_RESET, REINIT):
            self._words = dict(self._eeprom)

    def _wake(self, now_s: float) -> None:
        """Never acknowledged, heeded or not (section 3.11.4)."""
        if self._is_asleep:
            self._is_asleep = False
            self._mouth.prepare(None, now_s + WAKE_S)
        raise Nack("an SCD4x does not acknowledge that it is woken")

    def _scd41_only(self, command: int, now_s: float) -> None:
        if self._is_scd40:
            raise Nack("an SCD40 neither sleeps nor measures once")
        if command == POWER_DOWN:
            self._is_asleep = True
            self._mouth.prepare(None)
            return
        done_s = now_s + SINGLE_SHOT_S[command]
        self._data = self._measured(done_s, has_co2=command != WITHOUT_CO2)
        self._mouth.prepare(None, done_s)

    def _settle(self, now_s: float) -> None:
        """Take over the newest periodic measurement that is finished by now."""
        if self._period_s is None or now_s + EARLY_S < self._next_s:
            return
        done_s = self._next_s + int((now_s + EARLY_S - self._next_s) / self._period_s) * self._period_s
        self._next_s = done_s + self._period_s
        self._data = self._measured(done_s, has_co2=True)

    def _measured(self, at_s: float, *, has_co2: bool) -> bytes:
        co2 = min(HIGHEST, max(0, round(self._courses["carbon_dioxide"](at_s)))) if has_co2 else 0
        offset = 175 * self._words[TEMPERATURE_OFFSET] / HIGHEST
        celsius = self._courses["temperature"](at_s) + OWN_HEAT_KELVIN - offset
        return words_with_crc(co2, ticks((celsius + 45) / 175), ticks(self._courses["humidity"](at_s) / 100))
