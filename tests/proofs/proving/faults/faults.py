"""All that may go wrong with a subject: each kind of fault at each transfer of its first two polls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from proving.faults.subjects import Subject
from proving.faults.wire import Fault, Kind, Transfer
from sensor_gateway.model.driver_spec import BusKind

UNPLUGGED_S = 10.0
LASTING_INTERVALS = {BusKind.I2C: 3, BusKind.SERIAL_REQUEST: 3, BusKind.SERIAL_STREAM: 5}
"""A device that talks by itself is missed after three."""

BITS = tuple(1 << bit for bit in range(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of the matrix is run: all of it, or a sample of a seed."""

    is_all: bool
    seed: int


def all_faults(subject: Subject, transfers: Sequence[Transfer], *, is_blind: bool) -> Iterator[Fault]:
    """Every fault; ``transfers`` are those of the undisturbed polls.

    Where the chip ``is_blind``, without a checksum, damaged bytes do not last: it could not know what they should be.
    """
    lasting_s = LASTING_INTERVALS[subject.spec.bus] * subject.interval_s
    is_i2c = subject.spec.bus is BusKind.I2C
    for at, transfer in enumerate(transfers):
        yield Fault(kind=Kind.UNPLUGGED, at=at, lasting_s=UNPLUGGED_S)
        if is_i2c:
            yield Fault(kind=Kind.BROWN_OUT, at=at)
            yield Fault(kind=Kind.EARLY_BROWN_OUT, at=at)
        for seconds in (0.0, lasting_s):
            if is_i2c:
                yield Fault(kind=Kind.NACK, at=at, lasting_s=seconds)
            yield Fault(kind=Kind.LOST, at=at, lasting_s=seconds)
            if transfer.answer:
                yield Fault(kind=Kind.ZEROS, at=at, lasting_s=seconds)
                yield Fault(kind=Kind.ONES, at=at, lasting_s=seconds)
                if not (is_blind and seconds):
                    yield from _of_bytes(at, len(transfer.answer), seconds)


def sampled(faults: Sequence[Fault], transfers: Sequence[Transfer], random: Random) -> list[Fault]:
    """Fewer: one bit of each byte, two places where an answer ends, and of many equal transfers the first and last.

    What lasts is told once in three places: it covers those behind it.
    """
    places = {place for place in range(len(transfers)) if not _is_one_of_many(transfers, place)}
    bits = {(fault.at, fault.byte): random.choice(BITS) for fault in faults}
    ends = {(at, random.randrange(1, max(2, len(transfers[at].answer)))) for at in places for _ in range(2)}
    lasting = {at for at in places if at % 3 == random.randrange(3)}
    return [
        fault
        for fault in faults
        if fault.at in places
        and not (fault.kind is Kind.FLIP and fault.mask != bits[fault.at, fault.byte])
        and not (fault.kind is Kind.SHORT and (fault.at, fault.byte) not in ends)
        and not (fault.lasting_s and fault.at not in lasting)
    ]


def _is_one_of_many(transfers: Sequence[Transfer], place: int) -> bool:
    """Whether it is the same as the ones before and behind it: a poll of many for the end of a conversion."""
    around = transfers[max(0, place - 2) : place + 3]
    return (
        len(around) == 5
        and len({(transfer.data, transfer.answer) for transfer in around[::2]}) == 1
        and (len({(transfer.data, transfer.answer) for transfer in around[1::2]}) == 1)
    )


def _of_bytes(at: int, count: int, lasting_s: float) -> Iterator[Fault]:
    for place in range(count):
        if place:
            yield Fault(kind=Kind.SHORT, at=at, lasting_s=lasting_s, byte=place)
        for mask in BITS:
            yield Fault(kind=Kind.FLIP, at=at, lasting_s=lasting_s, byte=place, mask=mask)
