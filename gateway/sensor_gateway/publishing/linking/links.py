"""The links of one publisher, one after the other: a new one is made where the broker's settings change."""

from __future__ import annotations

import socket
from collections.abc import Callable

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.delivery import NEEDS_MQTT_5, PublishingPlan
from sensor_gateway.publishing.linking.connector import Connector
from sensor_gateway.publishing.linking.link import Link
from sensor_gateway.publishing.messages import last_will
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.wire.greeting import Will


class Links:
    """Makes them. ``link`` is the present one."""

    def __init__(
        self,
        plan: PublishingPlan,
        *,
        wake: Callable[[], None],
        dialer: Callable[[BrokerSettings], socket.socket],
        log: Log,
        now: Stamp,
    ) -> None:
        """Make the first one; it connects when it is attended to. ``wake`` is called when it has something to say."""
        self._wake = wake
        self._dial = dialer
        self._log = log
        self._former_connections = 0
        self.link = self._made(plan, now)

    @property
    def connections(self) -> int:
        """How often there was a connection, over all links."""
        return self._former_connections + self.link.connections

    def renew(self, plan: PublishingPlan, now: Stamp, *, is_moving: bool) -> None:
        """Leave the connection, if there is one; what is unanswered on it goes out again over the next.

        ``is_moving``: the broker that is left has to learn that we are gone.
        """
        if is_moving:
            self.link.drop(now)  # without DISCONNECT, so that the broker publishes the will
        else:
            self.link.stop(now)
        self._former_connections += self.link.connections
        self.link = self._made(plan, now)

    def _made(self, plan: PublishingPlan, now: Stamp) -> Link:
        will = Will(topic=plan.topics.status, payload=last_will(plan.program))
        connector = Connector(plan.broker, will, wake=self._wake, dialer=self._dial)
        mind = NEEDS_MQTT_5 if plan.stream.hold_when_no_subscriber else ""
        return Link(connector, plan.broker, log=self._log, now=now, mind_without_v5=mind)
