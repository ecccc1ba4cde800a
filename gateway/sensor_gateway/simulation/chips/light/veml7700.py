"""Vishay VEML7700 (84286 rev 1.8) and VEML6030 (84366): words, low byte first, behind a command code.

Powers up shut down, with nothing counted. A result stands until the next integration has ended, also through shutdown
("auto-memorization"). This part integrates 30 % longer than it should, the most that the application note (84323) lets
one assume, and needs 2.5 ms to wake up. Bright light bends its response, as the note's correction formula undoes it.

    00 ALS_CONF_0: | 000 gain(2) 0 IT(4:3) | IT(2:1) PERS(2) 00 INT_EN SD |    04 ALS   05 WHITE   06 ALS_INT   07 ID
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter
from sensor_gateway.simulation.chips.registers import Pointed, Register

SHUT_DOWN: Final = 0x0001
WRITABLE: Final = 0x1BF3
GAINS: Final = (1.0, 2.0, 0.125, 0.25)
TIMES_S: Final = {0b1100: 0.025, 0b1000: 0.05, 0b0000: 0.1, 0b0001: 0.2, 0b0010: 0.4, 0b0011: 0.8}
SLOW: Final = 1.3
WAKE_UP_S: Final = 0.0025
LUX_PER_COUNT: Final = 0.0042
"""At gain 2 and 800 ms."""

BENT_FROM: Final = 100.0
IDS: Final = {0x10: b"\x81\xc4", 0x48: b"\x81\xd4"}


class Veml7700(Pointed):
    """One VEML7700 or VEML6030."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: shut down, all counts 0."""
        self._lux = mounting.courses["illuminance"]
        self._configuration = SHUT_DOWN
        self._counts = b"\x00\x00"
        self._converter = Converter()
        words = {0x01: b"\x00\x00", 0x02: b"\x00\x00", 0x03: b"\x00\x00"}
        super().__init__(
            {
                0x00: Register(content=lambda _now_s: self._configuration.to_bytes(2, "little"), taken=self._configure),
                **{
                    code: Register(
                        content=lambda _now_s, code=code: words[code],  # type: ignore[misc]
                        taken=lambda data, _now_s, code=code: words.update({code: data[:2]}),  # type: ignore[misc]
                    )
                    for code in words
                },
                0x04: Register(content=self._newest),
                0x05: Register(content=self._newest),
                0x06: Register(content=lambda _now_s: b"\x00\x00"),
                0x07: Register(content=lambda _now_s: IDS.get(mounting.address, IDS[0x10])),
            }
        )

    @property
    def _period_s(self) -> float:
        return SLOW * TIMES_S.get(self._configuration >> 6 & 0b1111, 0.1)

    def _configure(self, data: bytes, now_s: float) -> None:
        self._newest(now_s)
        self._configuration = int.from_bytes(data[:2], "little") & WRITABLE
        if self._configuration & SHUT_DOWN:
            self._converter.stop()
        else:
            self._converter.repeat(now_s, self._period_s, first_s=WAKE_UP_S + self._period_s)

    def _newest(self, now_s: float) -> bytes:
        """The newest integration that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is not None:
            self._counts = self._counted(self._lux(done_s))
        return self._counts

    def _counted(self, lux: float) -> bytes:
        gain = GAINS[self._configuration >> 11 & 0b11]
        per_count = LUX_PER_COUNT * 2 / gain * 0.8 * SLOW / self._period_s
        seen = bent(lux) if gain < 1 else lux
        return min(0xFFFF, max(0, round(seen / per_count))).to_bytes(2, "little")


def corrected(seen: float) -> float:
    """What the application note makes of a seen illuminance, section "correction formula"."""
    return 6.0135e-13 * seen**4 - 9.3924e-9 * seen**3 + 8.1488e-5 * seen**2 + 1.0023 * seen


@lru_cache(maxsize=64)
def bent(lux: float) -> float:
    """What the chip sees of an illuminance: the formula turned round by halving, from 100 lx on."""
    if lux <= BENT_FROM:
        return lux
    low, high = 0.0, lux
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if corrected(middle) < lux else (low, middle)
    return max(high, BENT_FROM)
