"""Whether there is a connection: from connector to session and back, told to the operator when it changes.

What flaps or fails again and again for the same reason is told once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.model.vitals.gateway_health import LinkState
from sensor_gateway.publishing.linking.connector import Connector, Refusal
from sensor_gateway.publishing.session import Connection, Session
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.tls.renewal import Renewal
from sensor_gateway.publishing.wire.greeting import Loss, Protocol

_TAKEN_OVER: Final = 0x8E
_QUICK_S: Final = 10.0
_QUICK_CLOSES: Final = 3
"""So many closes soon after the greeting and with nothing unanswered, and somebody else has our id.

Quick closes over something unanswered prove neither that nor the contrary: a busy gateway has something unanswered
most of the time. A connection that lasts ends the count.
"""

_UNDISPUTED_S: Final = 60.0
"""A connection that lasts so long ends the dispute about our id. Until then it is neither told nor fought anew."""

_REMEDY: Final = "stop that one, or give each its own mqtt.client_id; a copied state directory brings its id along"
_RENEWED: Final = "the files of mqtt.tls have changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """For status and health: the state, since when, and a sentence that says why (or what to mind)."""

    state: LinkState
    since: Stamp
    protocol: Protocol | None = None
    why: str = ""


class Link:
    """Has at most one session. ``report`` is replaced as a whole, so that any thread may read it.

    ``is_renewing``: the connection is about to be renewed, and ends once all that was sent on it is answered.
    """

    def __init__(
        self, connector: Connector, broker: BrokerSettings, *, log: Log, now: Stamp, mind_without_v5: str = ""
    ) -> None:
        """Without a session; ``attend`` gets one. ``mind_without_v5``: what else 3.1.1 means for this gateway."""
        self._connector = connector
        self._ack_timeout_s = broker.ack_timeout_s
        self._client_id = broker.client_id
        self._mind_without_v5 = mind_without_v5
        self._quick_closes = 0
        self._is_disputed = False
        self._log = log
        tls = broker.tls
        self._renewal = None if tls is None else Renewal(tls, spread_s=broker.first_retry_spread_s, log=log)
        self.is_renewing = False
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
            self._end_dispute(self.session, now_s)
            self._renew(self.session, now_s, now)
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
        if loss.is_planned:
            self._connector.lost(after_s, is_planned=True)
            self.report = LinkReport(state=LinkState.CONNECTING, since=now, why=loss.text)
            self._log.info("connection_renewing", why=loss.text)
            return
        is_taken = self._is_taken(session, loss, after_s)
        self._connector.lost(after_s, to_a_stranger=is_taken)
        if not self._is_disputed:
            self._log.warning("broker_lost", why=loss.text, by_peer=loss.by_peer, after_s=round(after_s, 1))
        if is_taken:
            self._dispute(now)
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

    def _renew(self, session: Session, now_s: float, now: Stamp) -> None:
        """Close it for new certificates, once nothing on it waits for an answer (for how long, the session knows)."""
        if self._renewal is None or session.loss is not None:
            return
        self.is_renewing = self._renewal.is_due(now_s, now)
        if self.is_renewing and len(session.window) == 0 and not session.wants_write:
            session.close(_RENEWED, is_planned=True)

    def _is_taken(self, session: Session, loss: Loss, after_s: float) -> bool:
        """Whether a stranger has our client id, as the broker says, or as it looks where the broker says nothing."""
        is_quick = loss.by_peer and loss.reason is None and after_s < _QUICK_S
        is_unexplained = len(session.window) == 0 and not session.has_unproven_states
        self._quick_closes = self._quick_closes + is_unexplained if is_quick else 0
        return (
            loss.reason == _TAKEN_OVER
            or self._quick_closes >= _QUICK_CLOSES
            or (self._is_disputed and is_quick and is_unexplained)
        )

    def _dispute(self, now: Stamp) -> None:
        why = f"another client uses our client id {self._client_id}: {_REMEDY}"
        self.report = LinkReport(state=LinkState.REFUSED, since=now, why=why)
        if not self._is_disputed:
            self._is_disputed = True
            self._log.error("client_id_taken", why=why, mind="tried again now and then, and told again once it is ours")

    def _end_dispute(self, session: Session, now_s: float) -> None:
        if self._is_disputed and now_s - session.since_s >= _UNDISPUTED_S:
            self._is_disputed = False
            self._log.info("client_id_ours_again", after_s=_UNDISPUTED_S)

    def _begin(self, connection: Connection, now_s: float, now: Stamp) -> Session:
        session = Session(connection, ack_timeout_s=self._ack_timeout_s, now_s=now_s)
        self.session = session
        self.connections += 1
        self.is_renewing = False
        if self._renewal is not None:
            self._renewal.begin(connection.tls_files, now_s)
        why = ""
        if session.protocol is Protocol.V311:
            why = "the broker speaks MQTT 3.1.1 only, where what it denies looks delivered, and states do not expire"
            why = self._mind_without_v5 or why
        self.report = LinkReport(state=LinkState.CONNECTED, since=now, protocol=session.protocol, why=why)
        facts = {"mqtt": session.protocol.value, "receive_maximum": connection.limits.receive_maximum}
        if self._is_disputed:
            return session
        if why:
            self._log.warning("broker_connected", **facts, mind=why)
        else:
            self._log.info("broker_connected", **facts)
        return session

    def _refused(self, refusal: Refusal, now: Stamp) -> None:
        state = LinkState.REFUSED if refusal.needs_a_person else LinkState.CONNECTING
        why = f"at the last try: {refusal.why}"
        if self.report.state is state and self.report.why == why:
            return
        self.report = LinkReport(state=state, since=now, why=why)
        if refusal.needs_a_person:
            self._log.error("broker_refused_us", why=refusal.why)
        else:
            self._log.warning("broker_unreachable", why=refusal.why)
