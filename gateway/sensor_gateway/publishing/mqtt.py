"""The only door to paho-mqtt: one client for one connection, driven from outside, whose callbacks only append.

It must never know what an event is. paho's own threads, queue, retries and resending stay unused: a client that is
done with is closed, never connected again.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.states import StateMessage
from sensor_gateway.publishing.tls.refusals import alert_of
from sensor_gateway.publishing.wire.greeting import LARGEST_PACKET, NO_RECEIVE_LIMIT, Greeting, Loss, Protocol, Will
from sensor_gateway.publishing.wire.mailbox import Mailbox
from sensor_gateway.publishing.wire.packets import StatePackets

LARGEST_INCOMING: Final = 8192
"""Largest packet that we let the broker send, as CONNECT tells it: paho takes properties apart in quadratic time."""

_WILL_DELAY_S: Final = 5
_TCP_ESTABLISHED: Final = 1
_PUBACK: Final = 0x40
_KEEPALIVE_TIMEOUT: Final = 0x8D
_READS_A_TURN: Final = 20
_MOST_QUEUED: Final = 5000
"""So many packets may wait for a broker that sends and does not read."""

_MOST_UNANSWERED: Final = 20
"""So many messages the broker may send us at QoS 1 and wait for answers, as it is told in CONNECT."""


class MqttClient:
    """One connection to one broker. One thread at a time drives it, by the readiness of its socket.

    ``answers`` holds the ids of answered packets with their reasons, ``grants`` the reasons of answered subscriptions,
    ``mailbox`` what came in; whoever reads takes them off. ``has_unread``: more has come in than a turn of ``serve``
    takes, and no selector may tell of it. After any call ``loss`` says whether the connection is gone.
    """

    def __init__(
        self, broker: BrokerSettings, will: Will, protocol: Protocol, *, dial: Callable[[BrokerSettings], socket.socket]
    ) -> None:
        """Prepare; nothing is sent before ``open``, which gets its socket from ``dial``."""
        self.protocol = protocol
        self._broker = broker
        self._inbox = _Inbox()
        self.answers, self.grants, self.mailbox = self._inbox.answers, self._inbox.grants, self._inbox.mailbox
        self.has_unread = False
        self._own_loss: Loss | None = None
        is_v5 = protocol is Protocol.V5
        self._states = StatePackets(has_properties=is_v5, has_expiry=broker.expiry)
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.dial = lambda: dial(broker)
        client.suppress_exceptions = True
        client.max_inflight_messages = 0  # no limit, and no scan of what is in flight at each answer
        client.on_connect = self._inbox.on_connect
        client.on_disconnect = self._inbox.on_disconnect
        client.on_publish = self._inbox.on_publish
        client.on_message = lambda _client, _data, message: self.mailbox.put(message)
        client.on_subscribe = self._inbox.on_subscribe
        client.on_socket_close = self._inbox.on_socket_close
        will_properties = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=_WILL_DELAY_S) if is_v5 else None
        client.will_set(will.topic, will.payload, qos=1, retain=True, properties=will_properties)
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        self._client = client

    @property
    def greeting(self) -> Greeting | None:
        """The broker's CONNACK, once it is there."""
        return self._inbox.greeting

    @property
    def loss(self) -> Loss | None:
        """How the connection ended; None while it lasts."""
        if self._own_loss is not None:
            return self._own_loss
        return self._inbox.loss() if self._client.socket() is None else None

    @property
    def wants_write(self) -> bool:
        """Whether bytes wait for the socket to take them."""
        return self._client.want_write()

    @property
    def keepalive_s(self) -> float:
        """Longest silence, as the broker may have decided."""
        return float(self._client.keepalive)

    def open(self) -> int:
        """Connect (blocking), send CONNECT, and give the descriptor. OSError and ValueError."""
        keepalive_s = round(self._broker.keepalive_s)
        if self.protocol is Protocol.V5:
            ours = _properties(PacketTypes.CONNECT, MaximumPacketSize=LARGEST_INCOMING, ReceiveMaximum=_MOST_UNANSWERED)
            self._client.connect(self._broker.host, self._broker.port, keepalive_s, clean_start=True, properties=ours)
        else:
            self._client.connect(self._broker.host, self._broker.port, keepalive_s)
        sock = self._client.socket()
        return -1 if sock is None else sock.fileno()

    def serve(self, *, readable: bool, writable: bool) -> None:
        """Read and write what the socket is ready for. Nothing that a broker sends raises."""
        client = self._client
        try:
            first = last = self.mailbox.arrived
            for _ in range(_READS_A_TURN if readable else 0):
                client.loop_read()
                last, before = self.mailbox.arrived, last
                self.has_unread = last > before or client.has_pending()
                if not self.has_unread or last - first >= _READS_A_TURN:
                    break  # as long as messages come, what stands behind them is not left for later
            if writable:
                client.loop_write()
            client.check()
        except (ValueError, LookupError, TypeError, struct.error) as error:
            self._give_up(f"what the broker sends cannot be taken: {error}")

    def tend(self) -> None:
        """Pings and their deadlines; to be called about every second, after reading."""
        self._client.loop_misc()

    def subscribe(self, filters: Iterable[str]) -> None:
        """Ask for what is published on these topics, at QoS 1. The answer comes to ``grants``."""
        self._client.subscribe([(topic, 1) for topic in filters])

    def publish(self, topic: str, payload: bytes, *, retain: bool, correlation: bytes | None = None) -> int:
        """Send at QoS 1; gives the packet id. 0: it does not count as sent, and the connection is to be renewed."""
        properties = None
        if correlation is not None and self.protocol is Protocol.V5:
            properties = _properties(PacketTypes.PUBLISH, CorrelationData=correlation)
        info = self._client.publish(topic, payload, 1, retain, properties)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else 0

    def publish_states(self, messages: Iterable[StateMessage], *, largest: int) -> None:
        """Send retained at QoS 0, in few writes. Packets above ``largest`` bytes are left out.

        They use no packet id, so none can run into one that waits for an answer.
        """
        self._client.on_publish = None  # or paho would build an answer for what needs none
        for chunk in self._states.chunks(messages, largest=largest):
            self._client.send_raw(chunk)
        self._client.on_publish = self._inbox.on_publish

    def close(self, why: str, *, is_planned: bool = False) -> None:
        """End the connection and close its socket for good. Never blocks. ``is_planned``: to make it anew.

        DISCONNECT is tried once: if it goes out at once, the broker does not publish the will.
        """
        is_alive = self.loss is None
        self._own_loss = self.loss or Loss(by_peer=False, reason=None, text=why, is_planned=is_planned)
        if is_alive and self.greeting is not None and not self._client.want_write():
            self._client.disconnect()
        self._client.close()

    def _give_up(self, why: str) -> None:
        """What came in cannot be taken."""
        if self.loss is None:
            self.close(why)
            self._own_loss = Loss(by_peer=False, reason=None, text=why, by_incoming=True)

    def drop(self) -> None:
        """Close the socket without a word: the broker then publishes the will."""
        self._own_loss = self.loss or Loss(by_peer=False, reason=None, text="dropped by us")
        self._client.close()


class _Client(Client):
    """paho's client, with what its public methods lack: a socket of ours, raw packets, a look at what comes in."""

    dial: Callable[[], socket.socket]

    def _create_socket(self) -> socket.socket:
        return self.dial()

    def send_raw(self, packets: bytes) -> None:
        """Queue whole QoS 0 PUBLISH packets behind what is queued, and write."""
        self._packet_queue(0x31, packets, 0, 0, MQTTMessageInfo(0))

    def has_pending(self) -> bool:
        """Whether TLS holds decrypted bytes that no selector will tell of."""
        pending = getattr(self.socket(), "pending", None)
        return pending is not None and pending() > 0

    def _handle_publish(self) -> MQTTErrorCode:
        """PUBLISH. One of QoS 2, for which we never ask, is given on at once: paho would keep it without a bound."""
        code = super()._handle_publish()
        while self._in_messages:
            self._handle_on_message(self._in_messages.popitem()[1])
        return code

    @property
    def has_puback(self) -> bool:
        """Whether the packet that has come in is a PUBACK."""
        return (int(self._in_packet["command"]) & 0xF0) == _PUBACK

    def check(self) -> None:
        """ValueError where more comes in than we take."""
        size = int(self._in_packet["remaining_length"])
        if size > LARGEST_INCOMING:
            raise ValueError(f"a packet has {size} bytes, and at most {LARGEST_INCOMING} are taken")
        if len(self._out_packet) > _MOST_QUEUED:
            raise ValueError("it sends more and more, and does not read our answers")

    def _packet_handle(self) -> MQTTErrorCode:
        """A whole packet has come in."""
        self.check()
        return super()._packet_handle()

    def close(self) -> None:
        """Close the socket, and let go of all callbacks."""
        self._sock_close()
        self.on_publish = self.on_connect = self.on_disconnect = self.on_socket_close = None
        self.on_message = self.on_subscribe = None


class _Inbox:
    """What paho's callbacks leave behind. It refers to nothing, so that a retired client goes at once."""

    def __init__(self) -> None:
        self.answers: deque[tuple[int, int]] = deque()
        self.grants: deque[tuple[int, ...]] = deque(maxlen=16)
        self.mailbox = Mailbox()
        self.greeting: Greeting | None = None
        self._goodbye: ReasonCode | None = None
        self._is_closed_by_peer = self._is_silent = False
        self._alert = ""
        self._text = "the connection was given up"

    def on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        """CONNACK. A second one on the same connection changes nothing."""
        self.greeting = self.greeting or Greeting(
            reason=reason.value,
            text=str(reason),
            receive_maximum=getattr(properties, "ReceiveMaximum", NO_RECEIVE_LIMIT),
            maximum_packet=getattr(properties, "MaximumPacketSize", LARGEST_PACKET),
            maximum_qos=getattr(properties, "MaximumQoS", 2),
        )

    def on_publish(
        self, client: Client, _data: object, packet_id: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        """PUBACK. paho calls this for a PUBCOMP too, which answers nothing of ours."""
        if isinstance(client, _Client) and client.has_puback:
            self.answers.append((packet_id, reason.value))

    def on_subscribe(
        self, _client: Client, _data: object, _packet_id: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        """SUBACK."""
        self.grants.append(tuple(reason.value for reason in reasons))

    def on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        """The end, which paho may tell twice."""
        if flags.is_disconnect_packet_from_server:
            self._goodbye = reason
        else:
            self._is_silent = reason.value == _KEEPALIVE_TIMEOUT
            self._text = f"the connection was given up: {reason}"

    def on_socket_close(self, _client: Client, _data: object, sock: object) -> None:
        """While the socket still tells who closed first."""
        if isinstance(sock, socket.socket):
            self._is_closed_by_peer = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _TCP_ESTABLISHED
            self._alert = alert_of(sock)

    def loss(self) -> Loss:
        """How the connection ended."""
        if self._goodbye is not None:
            return Loss(by_peer=True, reason=self._goodbye.value, text=f"the broker disconnected us: {self._goodbye}")
        if self._alert or self._is_closed_by_peer:
            text = self._alert or "the broker closed the connection"
            return Loss(by_peer=True, reason=None, text=text, is_alert=bool(self._alert))
        return Loss(by_peer=False, reason=None, text=self._text, by_incoming=not self._is_silent)


def _properties(packet_type: int, **values: object) -> Properties:
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
