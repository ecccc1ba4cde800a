"""What the publisher knows of itself, as one frozen value, and whom it asks for the payload of the health topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sensor_gateway.model.health import SensorState
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.linking.link import LinkReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherCounters:
    """What happened since the start. ``refused`` and ``held`` count messages, the others events or connections.

    ``no_subscriber``: acknowledged, although nobody subscribed; ``held``: sent in vain, because nobody did.
    ``damaged`` and ``unexplained``: found missing as the stream was read, and announced.
    """

    connections: int
    messages: int
    sent: int
    acknowledged: int
    no_subscriber: int
    refused: int
    held: int
    quarantined: int
    damaged: int = 0
    unexplained: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherReport:
    """The publisher now. ``is_denied``: the broker forbids the stream; ``is_held``: it waits for a subscriber."""

    link: LinkReport
    counters: PublisherCounters
    is_denied: bool
    is_held: bool


class Pulse(Protocol):
    """Makes health messages, and decides when. The publisher's thread alone asks, in turns that it takes anyway."""

    def note_sensors(self, states: Iterable[SensorState]) -> None:
        """The health of sensors changed."""
        ...

    def change(self, sensors: Sequence[str], *, interval_s: float | None, now: Stamp) -> None:
        """These are configured from now on, in this order; a message is due after so long, None for never."""
        ...

    def is_due(self, now_s: float) -> bool:
        """Whether ``beat`` may have something to say. It is asked every turn, and costs next to nothing."""
        ...

    def begin(self) -> None:
        """A new connection: something is to be said at once."""
        ...

    def beat(self, report: PublisherReport, *, room: int | None, now_s: float, now: Stamp) -> bytes | None:
        """The payload to publish now, of ``room`` bytes at most where that can be; None where nothing is new yet.

        Without ``room`` nothing can be published, and what others may look at is brought up to date all the same.
        """
        ...
