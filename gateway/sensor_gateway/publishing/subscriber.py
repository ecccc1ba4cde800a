"""Listening at the broker: for `tail` and the demonstration, never in the daemon. Its door to paho-mqtt is its own.

A client that listens shares nothing with the publisher's, which is driven without paho's loop, queue and callbacks.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.publishing.linking.connector import NEEDS_A_PERSON
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.wire.dialing import meaning

_UNSUPPORTED_VERSION: Final = 0x84
_CLIENT_ID: Final = "sensor-gateway-tail-"
_REFUSALS: Final = {
    **NEEDS_A_PERSON,
    0x85: f"the broker does not accept the client id with which we listen: it begins with {_CLIENT_ID}",
}
_SILENCE: Final = (
    "no greeting came from the broker: is this its port for MQTT? An encrypted one needs mqtts:// in mqtt.url"
)

_PROTOCOLS: Final = {
    "auto": (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311),
    "5": (MQTTProtocolVersion.MQTTv5,),
    "3.1.1": (MQTTProtocolVersion.MQTTv311,),
}


class BrokerUnreachable(OperatorError):
    """No connection to the broker. The message names it; ``why`` is the reason alone.

    ``is_let_in``: the broker has taken the connection, and only listening to the topics failed.
    """

    def __init__(self, broker: BrokerSettings, why: str, *, is_let_in: bool = False) -> None:
        """Say which broker, and why."""
        self.why = why
        self.is_let_in = is_let_in
        super().__init__(f"{broker.host}:{broker.port}: {why}")


class Subscriber:
    """One connection that listens. The thread that calls ``listen`` is the one in which ``hear`` is called."""

    def __init__(
        self,
        broker: BrokerSettings,
        topics: Sequence[str],
        hear: Callable[[str, bytes], None],
        *,
        dial: Callable[[BrokerSettings], socket.socket],
    ) -> None:
        """Listen to ``topics``; ``hear`` gets topic and payload of each message."""
        self._broker = broker
        self._topics = topics
        self._hear = hear
        self._dial = dial
        self._client: Client | None = None
        self._answer: ReasonCode | None = None
        self._grants: list[ReasonCode] | None = None

    def connect(self, timeout_s: float = 10.0) -> None:
        """Return when the broker has taken the subscription. BrokerUnreachable otherwise; it may be tried again.

        MQTT 5 first where any version will do; 3.1.1 then if the broker says that it does not know 5.
        """
        for protocol in _PROTOCOLS[self._broker.version]:
            self._open(protocol, time.monotonic() + timeout_s)
            if self._answer is None or self._answer.value != _UNSUPPORTED_VERSION:
                break
        problem = self._problem()
        if problem:
            is_let_in = self._answer is not None and not self._answer.is_failure
            raise BrokerUnreachable(self._broker, problem, is_let_in=is_let_in)

    def _problem(self) -> str:
        """Why nothing will be heard; empty if it will."""
        if self._answer is None:
            return _SILENCE
        if self._answer.is_failure:
            return _REFUSALS.get(self._answer.value, f"the broker refused the connection: {self._answer}")
        if self._grants is None:
            return "the broker does not answer"
        if any(grant.is_failure for grant in self._grants):
            return f"the broker does not let us listen to {', '.join(self._topics)}: see its access list"
        return ""

    def _open(self, protocol: MQTTProtocolVersion, deadline_s: float) -> None:
        self.close()
        self._answer = None
        client = _DialingClient(
            CallbackAPIVersion.VERSION2,
            client_id=f"{_CLIENT_ID}{secrets.token_hex(4)}",
            protocol=protocol,
            reconnect_on_failure=False,
        )
        client.dial = lambda: self._dial(self._broker)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._heard
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        self._client = client
        try:
            client.connect(self._broker.host, self._broker.port, round(self._broker.keepalive_s))
        except (OSError, ValueError) as error:
            raise BrokerUnreachable(self._broker, meaning(error)) from error
        while time.monotonic() < deadline_s and self._grants is None:
            if client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return

    def listen(self, seconds: float) -> bool:
        """Hear what comes for so long; False when the connection is gone."""
        if self._client is None:
            return False
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            if self._client.loop(min(left_s, 0.5)) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
        return True

    def close(self) -> None:
        """Say goodbye; harmless when there is no connection."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop(0)
        self._client = None
        self._grants = None

    def _connected(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self._answer = reason
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _subscribed(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        self._grants = reasons

    def _heard(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        self._hear(topic, bytes(message.payload))


class _DialingClient(Client):
    """paho's client on a socket of ours, so that both directions reach a broker in the same way."""

    dial: Callable[[], socket.socket]

    def _create_socket(self) -> socket.socket:
        return self.dial()
