"""One message that came in, who listens for such ones, and what may be said for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.announcements import Announcement


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message of a topic that we subscribed to, as the broker gave it. Nothing in it can be trusted.

    ``is_retained``: the broker had kept it from before. ``expiry_s`` is what is left of its lifetime;
    ``response_topic`` and ``correlation`` name where the sender wants an answer, and by which bytes it will know it.
    These three are MQTT 5's (section 3.3.2.3), and None where the message has none.
    """

    topic: str
    payload: bytes
    is_retained: bool
    expiry_s: int | None
    response_topic: str | None
    correlation: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message that is sent once, at QoS 1 and not retained; not after ``until_s`` of monotonic time.

    ``correlation`` goes with it on MQTT 5.
    """

    topic: str
    payload: bytes
    until_s: float
    correlation: bytes | None = None


Said: TypeAlias = Announcement | Reply
"""What a listener wants said. An announcement goes out even if it was said before with the same words."""


class Listener(Protocol):
    """Somebody whom messages of some topics are for. All of it is called on the publisher's thread, and never waits.

    Whatever a message holds, it raises nothing. Times are of the monotonic clock.
    """

    @property
    def topics(self) -> tuple[str, ...]:
        """The topic filters to subscribe to, at QoS 1; the same ones at any time."""
        ...

    def hear(self, incoming: Incoming, now_s: float, now: Stamp) -> Sequence[Said]:
        """A message came in on one of the topics; what is to be said for it now."""
        ...

    def tend(self, now_s: float, now: Stamp) -> Sequence[Said]:
        """Called with every turn, connected or not: what is to be said now. It must cost next to nothing."""
        ...

    def wait_s(self, now_s: float) -> float:
        """Seconds until ``tend`` is wanted, if nothing happens before; ``inf`` when there is no need."""
        ...
