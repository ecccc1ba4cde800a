"""What most chips have in common: registers behind a pointer, which the first byte of each write sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Content: TypeAlias = Callable[[float], bytes]
"""What a register holds at a time (seconds since the simulation began)."""

Taken: TypeAlias = Callable[[bytes, float], None]
"""What a register does with what is written to it, and when."""

OPEN_WIRE: Final = b"\xff"
"""Nobody drives SDA: the master reads ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register; one that takes nothing is read-only."""

    content: Content
    taken: Taken | None = None


class Pointed:
    """Registers of several bytes each behind one pointer; reading goes on no further than the register's end.

    A write of one byte sets the pointer and changes nothing. A pointer to no register reads as an open wire.
    """

    def __init__(self, registers: Mapping[int, Register], *, pointer: int = 0) -> None:
        """``pointer`` is where it points after power-on."""
        self._registers = registers
        self._pointer = pointer

    def write(self, data: bytes, now_s: float) -> None:
        """Set the pointer, and hand what follows to its register."""
        if not data:
            return
        self._pointer = data[0]
        register = self._registers.get(data[0])
        if len(data) > 1 and register is not None and register.taken is not None:
            register.taken(data[1:], now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """The register that the pointer points at."""
        register = self._registers.get(self._pointer)
        content = b"" if register is None else register.content(now_s)
        return content[:count].ljust(count, OPEN_WIRE)


class Counting:
    """Registers of one byte each behind a pointer that counts on with every byte read.

    A longer write goes on to the next register too, unless the chip takes register and value in pairs.
    """

    def __init__(self, registers: Mapping[int, Register], *, takes_pairs: bool = False) -> None:
        """``takes_pairs``: each value of a longer write is preceded by its register, as Bosch's chips have it."""
        self._registers = registers
        self._takes_pairs = takes_pairs
        self._pointer = 0

    def write(self, data: bytes, now_s: float) -> None:
        """Set the pointer, and give each further byte to its register."""
        if not data:
            return
        self._pointer = data[0]
        if self._takes_pairs:
            for at in range(0, len(data) - 1, 2):
                self._take(data[at], data[at + 1 : at + 2], now_s)
            return
        for place, byte in enumerate(data[1:]):
            self._take((data[0] + place) & 0xFF, bytes((byte,)), now_s)

    def read(self, count: int, now_s: float) -> bytes:
        """So many registers from the pointer on; what is no register reads as 0."""
        answer = bytearray()
        for _ in range(count):
            register = self._registers.get(self._pointer)
            answer += b"\x00" if register is None else register.content(now_s)
            self._pointer = (self._pointer + 1) & 0xFF
        return bytes(answer)

    def _take(self, pointer: int, byte: bytes, now_s: float) -> None:
        register = self._registers.get(pointer)
        if register is not None and register.taken is not None:
            register.taken(byte, now_s)
