"""One connection's life: its client, its window, and its patience. Everything here dies with the connection.

Patience runs on a clock of its own, on which our own stalls do not count: a process that was stopped for a minute
must read what has come in before it blames the broker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.incoming import Incoming, Reply
from sensor_gateway.publishing.mqtt import MqttClient
from sensor_gateway.publishing.states import StateMessage
from sensor_gateway.publishing.stream.batch import Batch
from sensor_gateway.publishing.tls.renewal import FileStamps
from sensor_gateway.publishing.window import Window
from sensor_gateway.publishing.wire.greeting import Greeting, Loss
from sensor_gateway.publishing.wire.packets import payload_room

Content: TypeAlias = Batch | Announcement | Reply

_STALL_S: Final = 1.0
"""A turn that comes later than this after the time it was wanted is a stall of our own."""

_LONGEST_TEND_S: Final = 5.0
_CORRELATION: Final = 3 + 3
"""What correlation data costs beside itself: its name and length, and a longer length of all properties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What the connector hands over: a client that the broker greeted, its descriptor, and the broker's limits.

    ``tls_files``: how the files of TLS were just before it was made.
    """

    client: MqttClient
    descriptor: int
    limits: Greeting
    tls_files: FileStamps = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the broker said to one publish. ``reason`` is MQTT 5's (0 on 3.1.1, where there is only success)."""

    content: Content
    reason: int


class Session:
    """Drives one connection.

    ``is_trusted``: the broker has answered an announcement. ``has_proven_states``: it has taken all states that were
    sent, as an answer to what came behind them shows.
    """

    def __init__(self, connection: Connection, *, ack_timeout_s: float, now_s: float) -> None:
        """Begin; the broker has answered CONNECT just now."""
        self.descriptor = connection.descriptor
        self.protocol = connection.client.protocol
        self.since_s = now_s
        self.is_trusted = False
        self.has_proven_states = False
        self._states_behind: int | None = None
        self.window: Window[Content] = Window(receive_maximum=connection.limits.receive_maximum)
        self._client = connection.client
        self._largest = connection.limits.maximum_packet
        self._ack_timeout_s = ack_timeout_s
        self._tend_every_s = min(connection.client.keepalive_s / 8 or _LONGEST_TEND_S, _LONGEST_TEND_S)
        self._next_tend_s = now_s
        self._now_s = now_s
        self._wanted_s = 0.0
        self._patience_s = 0.0

    @property
    def loss(self) -> Loss | None:
        """How the connection ended; None while it lasts."""
        return self._client.loss

    @property
    def has_unproven_states(self) -> bool:
        """Whether states were sent, and nothing shows yet that the broker took them."""
        return self._states_behind is not None

    @property
    def wants_write(self) -> bool:
        """Whether bytes wait for the socket."""
        return self._client.wants_write

    def room(self, topic: str, correlation: bytes | None = None) -> int:
        """How large a payload to ``topic`` this broker takes."""
        return payload_room(topic, self._largest) - (len(correlation) + _CORRELATION if correlation else 0)

    def turn(self, now_s: float, *, readable: bool, writable: bool) -> list[Answer]:
        """Serve the socket; give the answers that came in. Those to packets we do not wait for mean nothing."""
        self._patience_s += min(now_s - self._now_s, self._wanted_s + _STALL_S)
        self._now_s = now_s
        readable = readable or self._client.has_unread
        if readable or writable:
            self._client.serve(readable=readable, writable=writable)
        if now_s >= self._next_tend_s:
            self._next_tend_s = now_s + self._tend_every_s
            self._client.tend()
        answers = []
        incoming = self._client.answers
        while incoming:
            packet_id, reason = incoming.popleft()
            packet = self.window.settle(packet_id)
            if packet is not None:
                if self._states_behind is not None and packet.ordinal > self._states_behind:
                    self._states_behind = None
                    self.has_proven_states = True
                answers.append(Answer(content=packet.content, reason=reason))
        oldest_s = self.window.oldest_s
        if oldest_s is not None and self._patience_s - oldest_s > self._ack_timeout_s:
            self._client.close(f"the broker left a message unanswered for {self._ack_timeout_s:g} s")
        return answers

    def wait_s(self) -> float:
        """Seconds until the next turn is wanted, if the socket has nothing to say before."""
        if self._client.has_unread:
            return 0.0
        wait_s = max(self._next_tend_s - self._now_s, 0.0)
        oldest_s = self.window.oldest_s
        if oldest_s is not None:
            wait_s = min(wait_s, max(oldest_s + self._ack_timeout_s - self._patience_s, 0.0) + 0.001)
        return wait_s

    def will_wait(self, wait_s: float) -> None:
        """The next turn is wanted in ``wait_s``; what comes much later than that was a stall of ours."""
        self._wanted_s = wait_s

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for what is published on these topics. ``take_grants`` gives the answer."""
        self._client.subscribe(filters)

    def take_grants(self) -> list[tuple[int, ...]]:
        """The answers to ``subscribe`` that came in: a reason for each topic filter."""
        grants = self._client.grants
        return [grants.popleft() for _ in range(len(grants))]

    def take_incoming(self) -> tuple[list[Incoming], int]:
        """What was published for us and came in, and how many of these were dropped since the last call."""
        mailbox = self._client.mailbox
        dropped, mailbox.dropped = mailbox.dropped, 0
        return mailbox.take(), dropped

    def publish(self, content: Content, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Send at QoS 1 and wait for the answer. False: not sent, and the connection is gone."""
        if isinstance(content, Reply):
            packet_id = self._client.publish(topic, payload, retain=retain, correlation=content.correlation)
        else:
            packet_id = self._client.publish(topic, payload, retain=retain)
        if packet_id == 0:
            self._client.close("a message could not be sent")
            return False
        self.window.open(packet_id, content, size=len(payload), sent_s=self._patience_s)
        return True

    def publish_states(self, messages: Iterable[StateMessage]) -> None:
        """Send retained states, for which there is no answer."""
        self._states_behind = self.window.opened
        self.has_proven_states = False
        self._client.publish_states(messages, largest=self._largest)

    def close(self, why: str = "closed by us", *, is_planned: bool = False) -> None:
        """End it without a will, if the broker can be told at once. ``is_planned``: to make it anew."""
        self._client.close(why, is_planned=is_planned)

    def drop(self) -> None:
        """End it as a crash would, so that the broker publishes the will."""
        self._client.drop()
