"""Whether anybody answers at an address, asked so that it does no harm.

No byte is ever written for it. The rule is i2cdetect's: the address alone is sent, as for a write, but where such an
empty write may change a memory (30..37: write protection of memory modules, 50..5F: the AT24RF08) one byte is read
instead. Some chips do not acknowledge a read that nothing was asked for (most of Sensirion's), and the Raspberry Pi 5
overlooks others (raspberrypi/bookworm-feedback #263): a read without an answer leaves it open.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sensor_gateway.model.errors import BusMissing, BusRefused, WireError
from sensor_gateway.sensing.bus import I2cBus

ADDRESSES: Final = range(0x08, 0x78)
"""All that a chip can have: the others are reserved (UM10204, section 3.1.12)."""

READ_ONLY: Final = frozenset((*range(0x30, 0x38), *range(0x50, 0x60)))


class Presence(StrEnum):
    """What is known of an address. ``open``: nobody answered a read, which not every chip does."""

    ANSWERS = "answers"
    SILENT = "silent"
    OPEN = "open"


def presence(bus: I2cBus, address: int, *, has_quick_write: bool) -> Presence:
    """Ask once. BusMissing passes; BusRefused where the adapter refuses even a read, or the kernel the address."""
    if has_quick_write and address not in READ_ONLY:
        try:
            bus.transfer(address, b"", 0)
        except BusMissing:
            raise
        except BusRefused:
            pass  # the adapter promised more than it can
        except WireError:
            return Presence.SILENT
        else:
            return Presence.ANSWERS
    try:
        bus.transfer(address, b"", 1)
    except (BusMissing, BusRefused):
        raise
    except WireError:
        return Presence.OPEN
    return Presence.ANSWERS
