"""Texas Instruments OPT3001 (SBOS681): words, high byte first, behind a pointer.

Powers up shut down, with automatic range and 800 ms. Where the range is automatic it is the smallest that holds the
light; otherwise RN says, and what does not fit sets OVF and reads as full scale. This part converts at the slow end
(880 or 110 ms), and its result is there 3 ms later. Reading the configuration clears the flag CRF.

    00 result: | E(4) R(12) |   01 configuration: | RN(4) CT M(2) OVF | CRF FH FL L POL ME FC(2) |   7E, 7F ids
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.converter import Converter
from sensor_gateway.simulation.chips.registers import Pointed, Register

POWER_ON: Final = 0xC810
WRITABLE: Final = 0xFE1F
OVERFLOW: Final = 0x0100
READY: Final = 0x0080
MODE: Final = 0x0600
SINGLE_SHOT: Final = 0x0200
AUTOMATIC: Final = 0b1100
WIDEST: Final = 0b1011
FULL_SCALE: Final = 0xFFF
LONG_S, SHORT_S, RESULT_S = 0.880, 0.110, 0.003
LUX: Final = 0.01


class Opt3001(Pointed):
    """One OPT3001."""

    def __init__(self, mounting: Mounting) -> None:
        """Fresh from power-on: shut down, result 0."""
        self._lux = mounting.courses["illuminance"]
        self._configuration = POWER_ON
        self._result = 0
        self._converter = Converter()
        self._limits = {0x02: b"\xc0\x00", 0x03: b"\xbf\xff"}
        limits = {
            pointer: Register(
                content=lambda _now_s, pointer=pointer: self._limits[pointer],  # type: ignore[misc]
                taken=lambda data, _now_s, pointer=pointer: self._limits.update({pointer: data[:2]}),  # type: ignore[misc]
            )
            for pointer in self._limits
        }
        super().__init__(
            limits
            | {
                0x00: Register(content=self._newest),
                0x01: Register(content=self._told, taken=self._configure),
                0x7E: Register(content=lambda _now_s: b"\x54\x49"),
                0x7F: Register(content=lambda _now_s: b"\x30\x01"),
            }
        )

    def _configure(self, data: bytes, now_s: float) -> None:
        self._settle(now_s)
        self._configuration = int.from_bytes(data[:2], "big") & WRITABLE
        time_s = (LONG_S if self._configuration & 0x0800 else SHORT_S) + RESULT_S
        mode = self._configuration & MODE
        if not mode:
            self._converter.stop()
        elif mode == SINGLE_SHOT:
            self._converter.once(now_s, time_s)
        else:
            self._converter.repeat(now_s, time_s)

    def _newest(self, now_s: float) -> bytes:
        self._settle(now_s)
        return self._result.to_bytes(2, "big")

    def _told(self, now_s: float) -> bytes:
        self._settle(now_s)
        told = self._configuration
        self._configuration &= ~READY
        return told.to_bytes(2, "big")

    def _settle(self, now_s: float) -> None:
        """Take over the newest conversion that has ended by now."""
        done_s = self._converter.finished_s(now_s)
        if done_s is None:
            return
        counts = max(0.0, self._lux(done_s) / LUX)
        exponent = self._configuration >> 12
        if exponent >= AUTOMATIC:
            exponent = next((e for e in range(WIDEST) if round(counts / (1 << e)) <= FULL_SCALE), WIDEST)
        whole = round(counts / (1 << exponent))
        self._configuration |= READY
        self._configuration &= ~OVERFLOW
        if whole > FULL_SCALE:
            self._configuration |= OVERFLOW
        if self._configuration & MODE == SINGLE_SHOT:
            self._configuration &= ~MODE
        self._result = exponent << 12 | min(whole, FULL_SCALE)
