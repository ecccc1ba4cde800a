"""Whether a write to a chip that nobody knows yet is harmless, whichever of its candidates it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensor_gateway.model.driver_spec import Heeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A chip that may be there.

    ``heeds`` as its driver declares them (None: any write may act). ``opening`` is what its own identification
    writes first, which it is there for; None where it has none, or begins with a read.
    """

    name: str
    heeds: Heeds | None
    opening: bytes | None = None


def is_heeded(written: bytes, chip: Protected) -> bool:
    """Whether the chip may act on a write of these bytes. A command of one byte may act whatever comes behind it."""
    if not written or written == chip.opening:
        return False
    heeds = chip.heeds
    if heeds is None:
        return True
    return written[0] in heeds.alone or (len(written) > 1 and written[0] in heeds.with_data)


def disturbed_by(written: bytes, chips: Sequence[Protected]) -> str:
    """The name of the first chip that a write of these bytes would disturb; empty when all are safe from it."""
    return next((chip.name for chip in chips if is_heeded(written, chip)), "")
