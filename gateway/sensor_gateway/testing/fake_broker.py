"""A broker that does what a test tells it, on a raw socket: right, wrong, late or not at all. MQTT 5 and 3.1.1.

It takes packets apart by itself and shares no code with any client, so that both cannot be wrong in the same way.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from sensor_gateway.testing.mqtt_packets import Packet, PacketReader, granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Answer with PUBACK: the reason, how many times, and for which id (None: the right one)."""

    reason: int = 0
    times: int = 1
    packet_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Close the connection, after DISCONNECT with ``reason``, or after other bytes."""

    reason: int | None = None
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Answer with these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Cut the connection as a network does that has forgotten it: RST, and nothing else."""


Answer: TypeAlias = Ack | Silence | Close | Raw | Reset
Policy: TypeAlias = Callable[[Packet], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connack:
    """How CONNECT is answered. ``raw``: by other bytes. ``closes``: by closing (after ``raw``)."""

    reason: int = 0
    receive_maximum: int | None = None
    maximum_packet: int | None = None
    maximum_qos: int | None = None
    keepalive_s: int | None = None
    closes: bool = False
    raw: bytes | None = None

    def encoded(self, *, is_v5: bool) -> bytes:
        """The bytes that are sent."""
        if self.raw is not None:
            return self.raw
        if not is_v5:
            return bytes((0x20, 2, 0, self.reason))
        properties = b"".join(
            bytes((identifier,)) + value.to_bytes(size, "big")
            for identifier, value, size in (
                (0x21, self.receive_maximum, 2),
                (0x27, self.maximum_packet, 4),
                (0x24, self.maximum_qos, 1),
                (0x13, self.keepalive_s, 2),
            )
            if value is not None
        )
        return bytes((0x20, 3 + len(properties), 0, self.reason, len(properties))) + properties


def accept(_packet: Packet) -> Answer:
    """Acknowledge everything."""
    return Ack()


@dataclass(slots=True)
class _Peer:
    sock: socket.socket
    number: int
    reader: PacketReader


class FakeBroker:
    """Listens on a free port of 127.0.0.1 while it is a context.

    ``packets`` holds all that was received, in order; ``connections`` counts the clients. ``policy`` decides on each
    PUBLISH (the answer to one of QoS 0 may be Silence or Close only), ``connack`` on each CONNECT, by the number of
    the connection, ``on_subscribe`` on each SUBSCRIBE (None: granted). All may be replaced at any time.
    """

    def __init__(
        self,
        policy: Policy = accept,
        *,
        connack: Callable[[int, Packet], Connack] | Connack = Connack(),
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        """Nothing is open before the context is entered."""
        self.policy = policy
        self.connack = connack
        self.on_subscribe: Policy | None = None
        self.packets: list[Packet] = []
        self.port = port
        self._tls = tls
        self._listener: socket.socket | None = None
        self._peers: dict[int, _Peer] = {}
        self.connections = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Listen."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._threads = [_started(self._accept, listener)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        listener = self._listener
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5.0)

    def published(self, topic_end: str = "", *, connection: int | None = None) -> list[Packet]:
        """The PUBLISH packets so far, to topics that contain ``topic_end``."""
        return [
            packet
            for packet in list(self.packets)
            if packet.kind == "PUBLISH"
            and topic_end in packet.topic
            and (connection is None or packet.connection == connection)
        ]

    def kinds(self, kind: str) -> list[Packet]:
        """The packets of one kind so far."""
        return [packet for packet in list(self.packets) if packet.kind == kind]

    def send(self, data: bytes) -> None:
        """Send bytes to every client that is connected, in one write."""
        for peer in list(self._peers.values()):
            with contextlib.suppress(OSError):
                peer.sock.sendall(data)

    def cut(self) -> None:
        """Close all connections."""
        for peer in list(self._peers.values()):
            _hang_up(peer.sock)

    def wait_until(self, condition: Callable[[], bool], *, timeout_s: float = 5.0) -> bool:
        """Whether ``condition`` becomes true in time."""
        deadline_s = time.monotonic() + timeout_s
        pause = threading.Event()
        while not condition():
            if time.monotonic() > deadline_s:
                return False
            pause.wait(0.005)
        return True

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._threads = [known for known in self._threads if known.is_alive()]
            self._threads.append(_started(self._serve, sock, self.connections))

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            peer = _Peer(sock, number, PacketReader(number))
            self._peers[number] = peer
            while (data := sock.recv(1 << 16)) and self._take(peer, data):
                pass
        except (OSError, ValueError, LookupError):
            pass  # a client that is gone, or does not speak MQTT
        finally:
            self._peers.pop(number, None)
            if not is_reset(sock):
                _hang_up(sock)
            sock.close()

    def _take(self, peer: _Peer, data: bytes) -> bool:
        """Answer what has become complete; False to hang up."""
        for packet in peer.reader.feed(data):
            self.packets.append(packet)
            if packet.kind == "DISCONNECT":
                return False
            is_v5 = peer.reader.is_v5
            answer = decided(packet, self.policy, self.connack, is_v5=is_v5, on_subscribe=self.on_subscribe)
            data = encoded(answer, packet, is_v5=is_v5)
            if data:
                peer.sock.sendall(data)
            if isinstance(answer, Reset):
                make_reset(peer.sock)
            if isinstance(answer, Close | Reset):
                return False
        return True


def decided(
    packet: Packet,
    policy: Policy,
    connack: Callable[[int, Packet], Connack] | Connack,
    *,
    is_v5: bool,
    on_subscribe: Policy | None = None,
) -> Answer:
    """The answer to a packet: PUBLISH by ``policy``, CONNECT by ``connack``, SUBSCRIBE by ``on_subscribe``.

    PINGREQ is answered always, and so is SUBSCRIBE where that is None.

    To what is out of turn: a hang-up, and nobody is asked.
    """
    if not packet.is_in_turn:
        return Close()
    if packet.kind == "PUBLISH":
        return policy(packet)
    if packet.kind == "SUBSCRIBE":
        return Raw(data=granted(packet, is_v5=is_v5)) if on_subscribe is None else on_subscribe(packet)
    if packet.kind == "CONNECT":
        greeting = connack if isinstance(connack, Connack) else connack(packet.connection, packet)
        if greeting.closes:
            return Close(data=greeting.raw or b"")
        return Raw(data=greeting.encoded(is_v5=is_v5))
    return Raw(data=b"\xd0\x00") if packet.kind == "PINGREQ" else Silence()


def encoded(answer: Answer, packet: Packet, *, is_v5: bool) -> bytes:
    """The bytes of an answer to ``packet``."""
    match answer:
        case Raw(data=data):
            return data
        case Close(reason=int(reason)):
            return bytes((0xE0, 2, reason, 0))
        case Close(data=data):
            return data
        case Ack() as ack if packet.qos:
            packet_id = (packet.packet_id if ack.packet_id is None else ack.packet_id).to_bytes(2, "big")
            reason_part = bytes((ack.reason,)) if is_v5 and ack.reason else b""
            return (bytes((0x40, 2 + len(reason_part))) + packet_id + reason_part) * ack.times
        case _:
            return b""


def _started(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name="fake broker", daemon=True)
    thread.start()
    return thread


def make_reset(sock: socket.socket) -> None:
    """Let the next close of ``sock`` be a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_reset(sock: socket.socket) -> bool:
    """Whether the next close of ``sock`` is to be a reset."""
    return sock.fileno() >= 0 and sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)[0] == 1


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
