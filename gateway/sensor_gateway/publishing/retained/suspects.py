"""Which retained topic makes the broker hang up? Found without ever blaming one for a bad link. Pure.

A broker takes packets in order, so the first one that it left unanswered is suspected, and goes alone from then on.
Three closes over it alone, and it is left out for a while: the stream must not stand still for a topic that the broker
forbids. An answer to it clears it.
"""

from __future__ import annotations

from typing import Final

_STRIKES: Final = 3
_REST_S: Final = 300.0
"""So long a topic is left out; then it is tried again, alone."""


class Suspects:
    """Topics under suspicion, and until when each is left out."""

    def __init__(self) -> None:
        """Trust everything."""
        self._strikes: dict[str, int] = {}
        self._rests_until_s: dict[str, float] = {}

    def __contains__(self, topic: object) -> bool:
        """Whether ``topic`` is to be sent alone."""
        return topic in self._strikes

    def closed(self, topic: str, now_s: float, *, is_alone: bool) -> bool:
        """The broker closed a connection over ``topic``; alone, it counts. True when it is left out from now on.

        It is said once: not again for each later try that ends in the same way.
        """
        strikes = self._strikes[topic] = self._strikes.get(topic, 0) + is_alone
        if strikes < _STRIKES or not is_alone:
            return False
        self._rests_until_s[topic] = now_s + _REST_S
        return strikes == _STRIKES

    def cleared(self, topic: str) -> None:
        """The broker answered to it."""
        self._strikes.pop(topic, None)
        self._rests_until_s.pop(topic, None)

    def rests(self, topic: str, now_s: float) -> bool:
        """Whether ``topic`` is left out now."""
        return now_s < self._rests_until_s.get(topic, 0.0)

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until a topic that is left out may be tried again; None when none is."""
        return min((until_s - now_s for until_s in self._rests_until_s.values() if until_s > now_s), default=None)
