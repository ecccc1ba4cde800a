"""When a bus is to blame rather than its sensors. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor_gateway.model.errors import BusRefused, MeasurementError, Nack, WireError
from sensor_gateway.sensing.driver_fault import DriverFault

MARGIN_S: Final = 5.0
ALONE_POLLS: Final = 3


class WireRecord:
    """What is known of one sensor's wire. ``answered_s`` is when the chip spoke last, whatever it said.

    ``failed_s`` is when its newest failed poll ended. ``unheard_polls`` have failed in a row because the wire carried
    nothing, the first of them at ``unheard_s``.
    """

    __slots__ = ("answered_s", "failed_s", "unheard_polls", "unheard_s")

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.answered_s = self.unheard_s = self.failed_s = float("-inf")
        self.unheard_polls = 0

    def answered(self, now_s: float) -> None:
        """The chip spoke."""
        self.answered_s = now_s
        self.unheard_polls = 0

    def failed(self, error: MeasurementError, now_s: float) -> None:
        """A poll failed: by an error of the wire, by what the chip said, or before anything was said at all."""
        self.failed_s = now_s
        if isinstance(error, DriverFault | BusRefused):
            self.unheard_polls = 0
        elif isinstance(error, WireError):
            if not self.unheard_polls:
                self.unheard_s = now_s
            self.unheard_polls += 1
        else:
            self.answered(now_s)


def is_bus_to_blame(
    records: Sequence[WireRecord],
    error: MeasurementError,
    *,
    since_s: float,
    longest_interval_s: float,
    is_known: bool,
) -> bool:
    """Whether the bus is stuck, now that a poll has ended with ``error``.

    It is when every sensor has failed on the wire since then and they began to do so together: two at least, within a
    cycle of the slowest. One sensor that fails long after the others is one more dead sensor. An only sensor blames the
    bus when the wire carries nothing at all, three polls in a row: a chip that is absent just does not acknowledge.
    A bus that ``is_known`` to be stuck remains so when all were tried, none has answered, and any was not heard.
    """
    if any(record.failed_s < since_s for record in records):
        return False
    unheard = [record for record in records if record.unheard_polls]
    if is_known:
        return bool(unheard) and not any(record.answered_s >= since_s for record in records)
    if len(unheard) < len(records):
        return False
    if len(records) == 1:
        return not isinstance(error, Nack) and records[0].unheard_polls >= ALONE_POLLS
    began = sorted(record.unheard_s for record in records)
    return began[-1] - began[-2] <= longest_interval_s + MARGIN_S
