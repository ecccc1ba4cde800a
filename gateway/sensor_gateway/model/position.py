"""A place in the stream of events: never a bare seq (a seq alone names nothing after a power cut)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from sensor_gateway.model.light_value import light_value

Seq = NewType("Seq", int)
"""Counts events within an epoch, from 1, rising by one."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Epoch:
    """One life of the sequence: an ordinal counted on flash, and 32 random bits."""

    ordinal: int
    random: int

    def __str__(self) -> str:
        """Written so that text order is creation order: ``000012-7f3c9a2e``."""
        return f"{self.ordinal:06d}-{self.random:08x}"

    @classmethod
    def parse(cls, text: str) -> Epoch:
        """Read what ``str()`` wrote; ValueError for anything else."""
        ordinal, dash, digits = text.partition("-")
        if not (dash and len(digits) == 8 and ordinal.isdecimal()):
            raise ValueError(f"an epoch looks like 000012-7f3c9a2e, got {text!r}")
        return cls(ordinal=int(ordinal), random=int(digits, 16))


@light_value(order=True)
class Position:
    """One event's place: its epoch and its seq within it."""

    epoch: Epoch
    seq: Seq
