"""An event that the outbox accepted: its position, and the bytes that will be sent."""

from __future__ import annotations

from dataclasses import field

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.event_json import boot_of, is_value, uptime_of
from sensor_gateway.model.light_value import light_value
from sensor_gateway.model.position import Position


@light_value()
class Stored:
    """One event in its place. ``body`` is its JSON as of append; only ``time`` and ``clock`` may improve later.

    ``event`` is there when ``append`` returned it, and None when it was read back (or is an epoch event).
    """

    position: Position
    body: bytes
    event: ChangeEvent | None = field(default=None, compare=False, repr=False)

    @property
    def uptime_ms(self) -> int:
        """Milliseconds since boot of the measurement, on the boot named by ``boot``."""
        return uptime_of(self.body)

    @property
    def boot(self) -> str:
        """The first 8 hex digits of the boot id under which the event was measured."""
        return boot_of(self.body)

    @property
    def is_value(self) -> bool:
        """Whether it carries news of a channel (and not an epoch or clock event)."""
        return is_value(self.body)
