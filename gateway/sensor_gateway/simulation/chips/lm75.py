"""LM75 and its family: LM75A, LM75B, PCT2075 (NXP), TMP75, TMP102, TMP112, TMP1075 (TI). One pointer, few registers.

Rows after TI SNIS153 (LM75), NXP LM75A Rev. 4, LM75B Rev. 6.1 and PCT2075 Rev. 9, TI SBOS288 (TMP75), SBOS397 (TMP102),
SBOS473 (TMP112) and SBOS854 (TMP1075); conversion times are the longest of each. Until the first conversion is done,
temperature reads 0 °C.

    pointer 0 temperature: | sign, 7 bits of °C | fraction, left-aligned |    1 configuration   2 low   3 high limit
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S, Mounting

TEMPERATURE: Final = 0x00
CONFIGURATION: Final = 0x01
DEVICE_ID: Final = 0x0F
TMP1075_ID: Final = b"\x75\x00"
SHUTDOWN: Final = 0x01
ONE_SHOT: Final = 0x80
EXTENDED: Final = 0x10
"""TMP102 and TMP112: EM, in the second byte of the configuration."""

COLDEST: Final = -55.0
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One row of the family: resolution and longest conversion (None: as R1 R0 say), registers after power-on."""

    bits: int | None
    conversion_s: float = 0.0
    power_on: bytes = b"\x00"
    last_pointer: int = 0x03
    has_one_shot: bool = False
    has_extended: bool = False


PARTS: Final = {
    "lm75": Part(bits=9, conversion_s=0.3),
    "lm75a": Part(bits=11, conversion_s=0.1),
    "lm75b": Part(bits=11, conversion_s=0.1),
    "pct2075": Part(bits=11, conversion_s=0.1, last_pointer=0x04),
    "tmp75": Part(bits=None, has_one_shot=True),
    "tmp102": Part(bits=12, conversion_s=0.035, power_on=b"\x60\xa0", has_one_shot=True, has_extended=True),
    "tmp112": Part(bits=12, conversion_s=0.035, power_on=b"\x60\xa0", has_one_shot=True, has_extended=True),
    "tmp1075": Part(bits=12, conversion_s=0.0275, power_on=b"\x00\xff", has_one_shot=True),
}

TMP75_SPEED: Final = {0: (9, 0.0375), 1: (10, 0.075), 2: (11, 0.15), 3: (12, 0.3)}
"""R1 R0 to resolution and longest conversion (SBOS288, electrical characteristics)."""


class Lm75:
    """One member of the family; which one is the mounting's variant."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: pointer 0, and the first conversion begun."""
        self._part = PARTS[mounting.variant]
        self._course = mounting.courses["temperature"]
        self._pointer = TEMPERATURE
        self._registers = {CONFIGURATION: self._part.power_on, 0x02: b"\x4b\x00", 0x03: b"\x50\x00", 0x04: b"\x00"}
        if mounting.variant == "tmp1075":
            self._registers[DEVICE_ID] = TMP1075_ID
        self._answer = b"\x00\x00"
        self._ready_s = mounting.powered_s + self._speed()[1]

    def write(self, data: bytes, now_s: float) -> None:
        """The pointer, and what goes into the register it points at. Nack for a register the part does not have."""
        self._settle(now_s)
        if not data:
            return
        pointer = data[0]
        if pointer > self._part.last_pointer and pointer not in self._registers:
            raise Nack(f"this part of the LM75 family has no register {pointer:02x}")
        self._pointer = pointer
        if len(data) > 1 and pointer in self._registers and pointer != DEVICE_ID:
            kept = self._registers[pointer]
            self._registers[pointer] = (data[1:] + kept[len(data) - 1 :])[: len(kept)]
            if pointer == CONFIGURATION:
                self._configure(now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The register that the pointer points at; SDA stays high (FF) behind its end."""
        self._settle(now_s)
        register = self._answer if self._pointer == TEMPERATURE else self._registers[self._pointer]
        return register[:count].ljust(count, b"\xff")

    def _speed(self) -> tuple[int, float]:
        if self._part.bits is None:
            return TMP75_SPEED[self._registers[CONFIGURATION][0] >> 5 & 0x03]
        return self._part.bits, self._part.conversion_s

    def _configure(self, now_s: float) -> None:
        first = self._registers[CONFIGURATION][0]
        if not first & SHUTDOWN or (first & ONE_SHOT and self._part.has_one_shot):
            self._ready_s = now_s + self._speed()[1]
        else:
            self._ready_s = NEVER
        if self._part.has_one_shot:
            # OS reads as 0; R1 R0 of TMP102 and TMP112 are read-only.
            first = first & ~ONE_SHOT | (self._part.power_on[0] & 0x60)
            self._registers[CONFIGURATION] = bytes((first,)) + self._registers[CONFIGURATION][1:]

    def _settle(self, now_s: float) -> None:
        """Take over the newest conversion that is finished by now."""
        bits, conversion_s = self._speed()
        done_s = self._ready_s
        if now_s + EARLY_S < done_s:
            return
        if self._registers[CONFIGURATION][0] & SHUTDOWN:
            self._ready_s = NEVER
        else:
            done_s += int((now_s + EARLY_S - done_s) / conversion_s) * conversion_s
            self._ready_s = done_s + conversion_s
        self._answer = self._encoded(self._course(done_s), bits)

    def _encoded(self, celsius: float, bits: int) -> bytes:
        is_extended = self._part.has_extended and bool(self._registers[CONFIGURATION][1] & EXTENDED)
        whole_bits = 9 if is_extended else 8
        step = 2.0 ** (whole_bits - bits - is_extended)
        hottest = 150.0 if is_extended else 128.0 - step
        counts = round(min(hottest, max(COLDEST, celsius)) / step)
        # The lowest bit tells a reader that the extended form was meant (SBOS397, table 9).
        return ((counts << (16 - bits - is_extended)) & 0xFFFF | is_extended).to_bytes(2, "big")
