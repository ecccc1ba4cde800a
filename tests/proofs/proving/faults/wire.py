"""A simulated I2C bus on which one thing goes wrong, at one transfer or from it on for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import Nack, NoAnswer
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket


class Kind(StrEnum):
    """What goes wrong."""

    NACK = "nack"
    """Nobody acknowledges; the chip hears nothing."""
    LOST = "lost"
    """The chip heard all and answered; the adapter gave up."""
    ZEROS = "zeros"
    ONES = "ones"
    SHORT = "short"
    """The answer ends early, and the rest is read as ones; on a serial line there is no rest."""
    FLIP = "flip"
    """One bit of one byte of the answer is turned over."""
    STUCK = "stuck"
    """Bits of one byte stay as they are, as where a chip is busy for ever."""
    BROWN_OUT = "brown-out"
    """The chip loses its power for a moment, right before the transfer."""
    EARLY_BROWN_OUT = "early brown-out"
    """The same, right after the transfer before."""
    UNPLUGGED = "unplugged"
    """Gone for a while, and back fresh from power-on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that begins at the transfer number ``at`` and strikes it alone, or lasts for ``lasting_s``.

    One of bytes strikes answers to the same request only. SHORT leaves ``byte`` bytes, FLIP turns ``mask`` over, STUCK
    makes its bits ``value``.
    """

    kind: Kind
    at: int
    lasting_s: float = 0.0
    byte: int = 0
    mask: int = 0
    value: int = 0

    def __str__(self) -> str:
        lasting = f" for {self.lasting_s:g} s" if self.lasting_s else ""
        return f"{self.kind} at transfer {self.at}{lasting} (byte {self.byte}, bits {self.mask:02x})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One that was carried out: what was written, what was answered, and when."""

    data: bytes
    answer: bytes
    at_s: float


class FaultyBus(SimulatedI2cBus):
    """Carries out transfers but for its fault, and keeps them. ``since_s`` is when the fault began, or None."""

    def __init__(self, socket: Socket, fault: Fault | None, *, clock: Clock) -> None:
        super().__init__("i2c1", [socket], clock=clock)
        self.transfers: list[Transfer] = []
        self.since_s: float | None = None
        self._fault = fault
        self._struck: tuple[bytes, int] = (b"", 0)

    @property
    def is_over(self) -> bool:
        """Whether the fault has been, and is no more."""
        fault = self._fault
        return fault is None or (self.since_s is not None and self._now_s() >= self.since_s + fault.lasting_s)

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """As the simulated bus, with its fault."""
        now_s, place = self._now_s(), len(self.transfers)
        self.transfers.append(Transfer(data=data, answer=bytes(count), at_s=now_s))
        fault = self._fault
        if fault is not None and self._strikes(fault, address, data, count):
            answer = self._struck_answer(fault, address, data, count)
        else:
            answer = super().transfer(address, data, count)
        self.transfers[place] = Transfer(data=data, answer=answer, at_s=now_s)
        return answer

    def _strikes(self, fault: Fault, address: int, data: bytes, count: int) -> bool:
        now_s, place = self._now_s(), len(self.transfers) - 1
        if self.since_s is None:
            if place < fault.at:
                return False
            self.since_s = now_s
            self._struck = (data, count)
            if fault.kind is Kind.BROWN_OUT:
                self._power(address, now_s)
            elif fault.kind is Kind.EARLY_BROWN_OUT:
                self._power(address, self.transfers[place - 1].at_s if place else now_s)
            return True
        if now_s < self.since_s + fault.lasting_s:
            return True
        if fault.kind is Kind.UNPLUGGED:
            self._power(address, self.since_s + fault.lasting_s)
            self._fault = None
        return False

    def _power(self, address: int, at_s: float) -> None:
        socket = self._sockets[address]
        self._chips[address] = socket.model(replace(socket.mounting, powered_s=at_s))

    def _struck_answer(self, fault: Fault, address: int, data: bytes, count: int) -> bytes:
        if fault.kind in (Kind.NACK, Kind.UNPLUGGED):
            raise Nack("nobody acknowledges")
        answer = super().transfer(address, data, count)
        if fault.kind is Kind.LOST:
            raise NoAnswer("the adapter gave up")
        if fault.kind is Kind.SHORT and (data, count) == self._struck:
            return answer[: fault.byte].ljust(count, b"\xff")
        if fault.kind in (Kind.ZEROS, Kind.ONES) or (data, count) == self._struck:
            return changed(fault, answer)
        return answer


def changed(fault: Fault, answer: bytes) -> bytes:
    """What a fault of bytes makes of an answer."""
    if fault.kind is Kind.ZEROS:
        return bytes(len(answer))
    if fault.kind is Kind.ONES:
        return b"\xff" * len(answer)
    if fault.byte >= len(answer):
        return answer
    damaged = bytearray(answer)
    if fault.kind is Kind.FLIP:
        damaged[fault.byte] ^= fault.mask
    elif fault.kind is Kind.STUCK:
        damaged[fault.byte] = damaged[fault.byte] & ~fault.mask & 0xFF | fault.value & fault.mask
    return bytes(damaged)
