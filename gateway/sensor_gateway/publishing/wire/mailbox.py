"""What came in on one connection and waits for the publisher's turn: bounded, whatever the broker sends. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from sensor_gateway.publishing.incoming import Incoming

MOST_MESSAGES: Final = 200
MOST_BYTES: Final = 500_000


class Arrival(Protocol):
    """A PUBLISH as the client library gives it. ``topic`` raises UnicodeDecodeError where it is no UTF-8."""

    @property
    def topic(self) -> str:
        """Where it was published."""
        ...

    @property
    def payload(self) -> bytes | bytearray:
        """What was published."""
        ...

    @property
    def retain(self) -> bool:
        """Whether the broker had kept it."""
        ...

    @property
    def properties(self) -> object:
        """MQTT 5's, as attributes."""
        ...


class Mailbox:
    """Keeps what has room. What has none, or has a topic that nobody can read, is dropped and counted."""

    def __init__(self) -> None:
        """Empty."""
        self.arrived = 0
        self.dropped = 0
        self._messages: deque[Incoming] = deque()
        self._bytes = 0

    def put(self, arrival: Arrival) -> None:
        """Keep it, if there is room."""
        self.arrived += 1
        size = len(arrival.payload)
        if len(self._messages) >= MOST_MESSAGES or self._bytes + size > MOST_BYTES:
            self.dropped += 1
            return
        try:
            topic = arrival.topic
        except UnicodeDecodeError:
            self.dropped += 1
            return
        self._bytes += size
        properties = arrival.properties
        self._messages.append(
            Incoming(
                topic=topic,
                payload=bytes(arrival.payload),
                is_retained=bool(arrival.retain),
                expiry_s=getattr(properties, "MessageExpiryInterval", None),
                response_topic=getattr(properties, "ResponseTopic", None),
                correlation=getattr(properties, "CorrelationData", None),
            )
        )

    def take(self) -> list[Incoming]:
        """All of it, in order."""
        if not self._messages:
            return []
        taken = list(self._messages)
        self._messages.clear()
        self._bytes = 0
        return taken
