"""What we ask the broker to send us: asked once per connection, refusals told, and left out where it does harm.

A broker that hangs up on the request, or that sends us what ends the connection, must not keep events from being
delivered: after three such ends the gateway goes without listening for a while. Pure, but for the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.publishing.retained.suspects import Suspects
from sensor_gateway.publishing.session import Session
from sensor_gateway.publishing.wire.greeting import Loss

_FAILURE: Final = 0x80
_PATIENCE_S: Final = 10.0
"""So long everything else waits for the answer, where the request is suspected."""

_STABLE_S: Final = 60.0
"""A connection that lasted so long after the request clears what came in."""

_ASKING: Final = "asking"
_HEARING: Final = "hearing"
_REFUSED: Final = (
    "the broker does not let us listen there: give this client read access to it in the broker's access list"
)


class Subscription:
    """The topic filters of one publisher, through all its connections."""

    def __init__(self, filters: Sequence[str], *, log: Log) -> None:
        """Nothing is asked yet; without ``filters`` nothing ever is."""
        self._filters = tuple(dict.fromkeys(filters))
        self._log = log
        self._suspects = Suspects()
        self._refused: set[str] = set()
        self._asked_s: float | None = None
        self._is_answered = False
        self._is_alone = False

    def begin(self) -> None:
        """A new connection: the broker knows nothing of what it was asked before."""
        self._asked_s = None
        self._is_answered = False

    def ask(self, session: Session, now_s: float) -> bool:
        """Ask, unless that was done or is left out. Whether other things may be sent now."""
        if not self._filters or (self._asked_s is None and self._rests(now_s)):
            return True
        if self._asked_s is None:
            self._is_alone = _ASKING in self._suspects
            if self._is_alone and len(session.window):
                return False
            session.subscribe(self._filters)
            self._asked_s = now_s
        elif now_s - self._asked_s > _STABLE_S:
            self._suspects.cleared(_HEARING)
        return self._is_answered or not self._is_alone or now_s - self._asked_s > _PATIENCE_S

    def answered(self, reasons: Sequence[int]) -> None:
        """The broker's SUBACK: a reason for each filter. One that nobody waits for means nothing."""
        if self._asked_s is None or self._is_answered:
            return
        self._is_answered = True
        self._suspects.cleared(_ASKING)
        for topic, reason in zip(self._filters, reasons, strict=False):
            if reason < _FAILURE:
                self._refused.discard(topic)
            elif topic not in self._refused:
                self._refused.add(topic)
                self._log.error("subscription_refused", topic=topic, reason=f"0x{reason:02x}", why=_REFUSED)

    def ended(self, loss: Loss, now_s: float, *, is_evidence: bool) -> bool:
        """The connection is gone; whether it is our listening that is suspected.

        ``is_evidence``: the broker hung up, for what may be a fault of something that we sent.
        """
        if self._asked_s is None:
            return False
        if loss.by_incoming:
            topic, is_alone = _HEARING, True
        elif is_evidence and not self._is_answered:
            topic, is_alone = _ASKING, self._is_alone
        else:
            return False
        if self._suspects.closed(topic, now_s, is_alone=is_alone):
            what = "what comes in ends the connection" if loss.by_incoming else "the broker hangs up when it is asked"
            self._log.error("listening_suspended", topics=list(self._filters), why=f"{what}: {loss.text}")
        return True

    def wait_s(self, now_s: float) -> float:
        """Seconds until something is to be done here, if nothing happens before; ``inf`` when there is nothing."""
        if self._asked_s is None:
            rest_s = self._suspects.wait_s(now_s)
            return inf if rest_s is None else rest_s
        if self._is_alone and not self._is_answered:
            return max(self._asked_s + _PATIENCE_S - now_s, 0.0) + 0.001
        return inf

    def _rests(self, now_s: float) -> bool:
        return self._suspects.rests(_ASKING, now_s) or self._suspects.rests(_HEARING, now_s)
