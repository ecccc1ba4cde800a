"""Whether there is a connection: from connector to session and back, told to the operator when it changes.

What flaps or fails again and again for the same reason is told once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.model.vitals.gateway_health import LinkState
from sensor_gateway.publishing.connector import Connector, Refusal
from sensor_gateway.publishing.session import Connection, Session
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.wire.greeting import Loss, Protocol

_TAKEN_OVER: Final = 0x8E
_QUICK_S: Final = 10.0
_QUICK_CLOSES: Final = 3
"""So many closes soon after the greeting and with nothing unanswered, and somebody else has our id.

Quick closes over something unanswered prove neither that nor the contrary: a busy gateway has something unanswered
most of the time. A connection that lasts ends the count.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """For status and health: the state, since when, and a sentence that says why (or what to mind)."""

    state: LinkState
    since: Stamp
    protocol: Protocol | None = None
    why: str = ""


class Link:
    """Has at most one session. ``report`` is replaced as a whole, so that any thread may read it."""

    def __init__(
        self, connector: Connector, broker: BrokerSettings, *, log: Log, now: Stamp, mind_without_v5: str = ""
    ) -> None:
        """Without a session; ``attend`` gets one. ``mind_without_v5``: what else 3.1.1 means for this gateway."""
        self._connector = connector
        self._ack_timeout_s = broker.ack_timeout_s
        self._client_id = broker.client_id
        self._mind_without_v5 = mind_without_v5
        self._quick_closes = 0
        self._log = log
        self.session: Session | None = None
        self.report = LinkReport(state=LinkState.CONNECTING, since=now)
        self.connections = 0

    @property
    def is_seeking(self) -> bool:
        """Whether a connection is being looked for, so that nobody has to ask for one."""
        return self._connector.is_running

    def attend(self, now_s: float, now: Stamp) -> Session | None:
        """See to it that there is a connection, or will be one. Gives the session that has just begun."""
        if self.session is not None:
            return None
        while (result := self._connector.take()) is not None:
            if isinstance(result, Refusal):
                self._refused(result, now)
            else:
                return self._begin(result, now_s, now)
        self._connector.start()
        return None

    def lost(self, loss: Loss, now_s: float, now: Stamp) -> None:
        """The session is over, and its socket closed."""
        session = self.session
        if session is None:
            return
        self.session = None
        after_s = now_s - session.since_s
        is_taken = self._is_taken(session, loss, after_s)
        self._connector.lost(after_s, to_a_stranger=is_taken)
        self._log.warning("broker_lost", why=loss.text, by_peer=loss.by_peer, after_s=round(after_s, 1))
        if is_taken:
            why = f"another client uses our client id {self._client_id}: each needs its own, see mqtt.client_id"
            self.report = LinkReport(state=LinkState.REFUSED, since=now, why=why)
            self._log.error("client_id_taken", why=why)
        else:
            self.report = LinkReport(state=LinkState.CONNECTING, since=now, why=loss.text)

    def stop(self, now: Stamp) -> None:
        """End for good, without a will; a try that is under way is left alone."""
        self._connector.stop()
        if self.session is not None:
            self.session.close()
            self.session = None
        self.report = LinkReport(state=LinkState.STOPPED, since=now)

    def drop(self, now: Stamp) -> None:
        """End as a crash would: the will is published. ``attend`` begins anew."""
        if self.session is not None:
            self.session.drop()
        self.stop(now)

    def _is_taken(self, session: Session, loss: Loss, after_s: float) -> bool:
        """Whether a stranger has our client id, as the broker says, or as it looks where the broker says nothing."""
        is_quick = loss.by_peer and loss.reason is None and after_s < _QUICK_S
        is_unexplained = len(session.window) == 0 and not session.has_unproven_states
        self._quick_closes = self._quick_closes + is_unexplained if is_quick else 0
        return loss.reason == _TAKEN_OVER or self._quick_closes >= _QUICK_CLOSES

    def _begin(self, connection: Connection, now_s: float, now: Stamp) -> Session:
        session = Session(connection, ack_timeout_s=self._ack_timeout_s, now_s=now_s)
        self.session = session
        self.connections += 1
        why = ""
        if session.protocol is Protocol.V311:
            why = "the broker speaks MQTT 3.1.1 only, where what it denies looks delivered, and states do not expire"
            why = self._mind_without_v5 or why
        self.report = LinkReport(state=LinkState.CONNECTED, since=now, protocol=session.protocol, why=why)
        facts = {"mqtt": session.protocol.value, "receive_maximum": connection.limits.receive_maximum}
        if why:
            self._log.warning("broker_connected", **facts, mind=why)
        else:
            self._log.info("broker_connected", **facts)
        return session

    def _refused(self, refusal: Refusal, now: Stamp) -> None:
        state = LinkState.REFUSED if refusal.needs_a_person else LinkState.CONNECTING
        if self.report.state is state and self.report.why == refusal.why:
            return
        self.report = LinkReport(state=state, since=now, why=refusal.why)
        if refusal.needs_a_person:
            self._log.error("broker_refused_us", why=refusal.why)
        else:
            self._log.warning("broker_unreachable", why=refusal.why)
