"""What Sensirion's chips and their look-alikes have in common: words with checksums, and silence while they are busy.

answer: | word 1 msb | lsb | crc | word 2 msb | lsb | crc | ...
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.checksums import crc8
from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import EARLY_S
from sensor_gateway.simulation.chips.registers import OPEN_WIRE

HIGHEST: Final = 0xFFFF


def words_with_crc(*words: int, initial: int = 0xFF) -> bytes:
    """Words as Sensirion sends them: high byte, low byte, CRC of both (SHT4x, version 6.5, section 4.4)."""
    answer = b""
    for word in words:
        pair = word.to_bytes(2, "big")
        answer += pair + bytes((crc8(pair, initial=initial),))
    return answer


def ticks(share: float, *, of: int = HIGHEST) -> int:
    """The word for a share of full scale: ``of`` is the number that the data sheet divides by. It saturates."""
    return min(HIGHEST, max(0, round(share * of)))


class Mouth:
    """What a chip says: nothing while it is busy, each answer once, and ones behind its end."""

    def __init__(self, part: str) -> None:
        """``part`` is whose mouth it is, for messages. Idle, and nothing to say."""
        self._part = part
        self._busy_until_s = 0.0
        self._answer: bytes | None = None

    def refuse_while_busy(self, now_s: float) -> None:
        """Nack before the chip is done."""
        if now_s + EARLY_S < self._busy_until_s:
            raise Nack(f"the {self._part} is busy, and does not acknowledge before it is done")

    def prepare(self, answer: bytes | None, ready_s: float = 0.0) -> None:
        """Be busy until ``ready_s``, then have this to say. Forgets what was not read."""
        self._answer = answer
        self._busy_until_s = ready_s

    def say(self, count: int, now_s: float) -> bytes:
        """The answer. Nack while busy, and without one."""
        self.refuse_while_busy(now_s)
        if self._answer is None:
            raise Nack(f"the {self._part} has nothing to say")
        answer, self._answer = self._answer, None
        return answer[:count].ljust(count, OPEN_WIRE)
