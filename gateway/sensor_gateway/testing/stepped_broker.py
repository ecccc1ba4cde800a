"""The fake broker without threads, for tests in virtual time: it does nothing but while somebody calls ``serve``."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from sensor_gateway.testing.fake_broker import (
    Answer,
    Close,
    Connack,
    Policy,
    Reset,
    accept,
    decided,
    encoded,
    make_reset,
)
from sensor_gateway.testing.mqtt_packets import Packet, PacketReader

WELCOME: Final = Connack()


class SteppedBroker:
    """Listens on a free port of 127.0.0.1 while it is a context. Words and answers are the fake broker's."""

    def __init__(
        self, policy: Policy = accept, *, connack: Callable[[int, Packet], Connack] | Connack = WELCOME
    ) -> None:
        """Nothing is open before the context is entered."""
        self.policy = policy
        self.connack = connack
        self.on_subscribe: Policy | None = None
        self.packets: list[Packet] = []
        self.connections = 0
        self.port = 0
        self._listener: socket.socket | None = None
        self._poll = select.poll()
        self._peers: dict[int, tuple[socket.socket, PacketReader]] = {}
        self._numbers: dict[int, int] = {}

    def __enter__(self) -> Self:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._poll.register(self._listener, select.POLLIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self.cut()
        if self._listener is not None:
            self._listener.close()

    def serve(self, wait_s: float = 0.0) -> bool:
        """Take what has come in, waiting for something at most so long; whether there was anything."""
        ready = self._poll.poll(wait_s * 1000)
        for descriptor, _ in ready:
            number = self._numbers.get(descriptor)
            if number is None:
                self._accept()
            else:
                self._read(number)
        return bool(ready)

    def published(self, topic_end: str = "", *, connection: int | None = None) -> list[Packet]:
        """The PUBLISH packets so far, to topics that contain ``topic_end``."""
        return [
            packet
            for packet in self.packets
            if packet.kind == "PUBLISH"
            and topic_end in packet.topic
            and (connection is None or packet.connection == connection)
        ]

    def kinds(self, kind: str) -> list[Packet]:
        """The packets of one kind so far."""
        return [packet for packet in self.packets if packet.kind == kind]

    def answer(self, packet: Packet, answer: Answer) -> bool:
        """Answer a packet of before, on its connection; False where that is gone."""
        peer = self._peers.get(packet.connection)
        if peer is None:
            return False
        sock, reader = peer
        try:
            sock.sendall(encoded(answer, packet, is_v5=reader.is_v5))
        except OSError:
            return False
        if isinstance(answer, Reset):
            make_reset(sock)
        if isinstance(answer, Close | Reset):
            self._end(packet.connection)
        return True

    def send(self, data: bytes) -> None:
        """Send bytes to every client that is connected."""
        for sock, _ in list(self._peers.values()):
            with contextlib.suppress(OSError):
                sock.sendall(data)

    def cut(self, *, by_reset: bool = False) -> None:
        """End all connections."""
        for number, (sock, _) in list(self._peers.items()):
            if by_reset:
                make_reset(sock)
            self._end(number)

    def _accept(self) -> None:
        assert self._listener is not None
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections += 1
        self._peers[self.connections] = (sock, PacketReader(self.connections))
        self._numbers[sock.fileno()] = self.connections
        self._poll.register(sock, select.POLLIN)

    def _read(self, number: int) -> None:
        sock, reader = self._peers[number]
        try:
            data = sock.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._end(number)
            return
        for packet in reader.feed(data):
            self.packets.append(packet)
            if packet.kind == "DISCONNECT":
                self._end(number)
                return
            answer = decided(packet, self.policy, self.connack, is_v5=reader.is_v5, on_subscribe=self.on_subscribe)
            if not self.answer(packet, answer) or number not in self._peers:
                self._end(number)
                return

    def _end(self, number: int) -> None:
        peer = self._peers.pop(number, None)
        if peer is not None:
            sock, _ = peer
            del self._numbers[sock.fileno()]
            self._poll.unregister(sock)
            sock.close()
