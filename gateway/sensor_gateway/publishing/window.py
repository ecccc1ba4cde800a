"""The window: what one connection has sent at QoS 1 and the broker has not answered yet. Pure.

It lives and dies with its connection, so that an answer on another one can never count here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Content = TypeVar("Content")

MOST_UNANSWERED: Final = 100
MOST_BYTES: Final = 1 << 18
MOST_IDS: Final = 60_000
"""No packet may stay unanswered over so many later ones: packet ids wrap at 65,535."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight(Generic[Content]):
    """One QoS 1 publish without an answer. ``sent_s`` is on the clock that its session keeps."""

    content: Content
    size: int
    sent_s: float
    ordinal: int


class Window(Generic[Content]):
    """Counts every QoS 1 publish of a connection, and their bytes."""

    def __init__(self, *, receive_maximum: int, most_bytes: int = MOST_BYTES) -> None:
        """Hold as many as the broker takes, and never more than a hundred."""
        self._capacity = min(MOST_UNANSWERED, receive_maximum)
        self._most_bytes = most_bytes
        self._unanswered: dict[int, InFlight[Content]] = {}
        self._bytes = 0
        self._opened = 0

    def __len__(self) -> int:
        """How many are unanswered."""
        return len(self._unanswered)

    def __iter__(self) -> Iterator[Content]:
        """What is unanswered, in the order of sending."""
        return (packet.content for packet in self._unanswered.values())

    @property
    def has_room(self) -> bool:
        """Whether one more may be sent. A single message is always let through, however large."""
        if not self._unanswered:
            return True
        if len(self._unanswered) >= self._capacity or self._bytes >= self._most_bytes:
            return False
        oldest = next(iter(self._unanswered.values()))
        return self._opened - oldest.ordinal < MOST_IDS

    @property
    def opened(self) -> int:
        """How many were sent so far: the ordinal of the newest."""
        return self._opened

    @property
    def oldest_s(self) -> float | None:
        """When the longest unanswered one was sent; None when all are answered."""
        for packet in self._unanswered.values():
            return packet.sent_s
        return None

    def open(self, packet_id: int, content: Content, *, size: int, sent_s: float) -> None:
        """Remember what was sent under ``packet_id``. ValueError if that id still waits for an answer."""
        if packet_id in self._unanswered:
            raise ValueError(f"packet id {packet_id} is unanswered and was given out again")
        self._opened += 1
        self._bytes += size
        self._unanswered[packet_id] = InFlight(content=content, size=size, sent_s=sent_s, ordinal=self._opened)

    def settle(self, packet_id: int) -> InFlight[Content] | None:
        """What the answer to ``packet_id`` is about; None for an id that is not (or no longer) waited for."""
        packet = self._unanswered.pop(packet_id, None)
        if packet is not None:
            self._bytes -= packet.size
        return packet
