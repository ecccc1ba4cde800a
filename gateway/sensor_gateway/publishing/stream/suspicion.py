"""Which event makes the broker hang up? Found without ever blaming an event for a bad link. Pure.

Only a close by the broker is evidence, with one packet unanswered and a status publish answered before it. So after a
close the stream goes one message at a time, and after a close over a message of several, one event at a time. The
event over which the broker closed three connections is condemned. A gap is sent in its place then, and where the broker
closes three over that too, it was not the event: the broker forbids the topic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor_gateway.model.position import Position
from sensor_gateway.publishing.stream.batch import Batch, place

_STRIKES: Final = 3


class Suspicion:
    """How carefully to send, and what is condemned."""

    def __init__(self) -> None:
        """Trust everything."""
        self._careful_until: Position | None = None
        self._single_until: Position | None = None
        self._strikes: dict[Position, int] = {}

    @property
    def is_careful(self) -> bool:
        """Whether only one message may be unanswered."""
        return self._careful_until is not None

    @property
    def is_single(self) -> bool:
        """Whether a message may carry one event only."""
        return self._single_until is not None

    def closed(self, unanswered: Sequence[Batch], *, is_evidence: bool) -> bool:
        """The broker closed a connection over these. ``is_evidence``: nothing else was unanswered.

        True when that shows that it is the topic, and nothing that is sent to it.
        """
        ends = [batch.last for batch in unanswered if batch.last is not None]
        if not ends:
            return False
        self._careful_until = max(ends) if self._careful_until is None else max(*ends, self._careful_until)
        if not is_evidence or len(unanswered) != 1:
            return False
        (batch,) = unanswered
        if len(batch.entries) > 1:
            self._single_until = ends[0]
            return False
        position = place(batch.entries[0])
        strikes = self._strikes.get(position, 0) + 1
        self._strikes[position] = strikes
        if strikes < 2 * _STRIKES:
            return False
        del self._strikes[position]
        return True

    def cleared(self, last: Position) -> None:
        """The broker took everything up to here in one go."""
        if self._careful_until is not None and last >= self._careful_until:
            self._careful_until = None
        if self._single_until is not None and last >= self._single_until:
            self._single_until = None
        if self._strikes:
            self._strikes = {position: count for position, count in self._strikes.items() if position > last}

    def is_condemned(self, position: Position) -> bool:
        """Whether three closes speak against the event at ``position``."""
        return self._strikes.get(position, 0) >= _STRIKES
