"""A loopback port that leads to the broker, as a network that can fail in each of its ways."""

from __future__ import annotations

import random
import selectors
import socket
import threading
import time
from enum import Enum

from sensor_gateway.service.demonstration.loopback_ports import free_port

QUOTA_EXCEEDED = 0x97
_CHUNK = 65536
_NAP_S = 0.005


class Flow(Enum):
    """What passes: everything, nothing (what was sent lies in buffers), or everything but the broker's answers."""

    BOTH = "both"
    NEITHER = "neither"
    NO_ANSWERS = "no answers"


class Gate:
    """Shut at first. ``flow`` may be changed at any time; ``refuse`` makes the gate answer as a busy broker does."""

    def __init__(self, target: int) -> None:
        """Lead to 127.0.0.1:``target``."""
        self.port = free_port()
        self.flow = Flow.BOTH
        self.refused = 0
        self._target = target
        self._refusal: tuple[float, random.Random] | None = None
        self._stop: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Let connections through; harmless when it is open."""
        if self._thread is not None:
            return
        self.flow = Flow.BOTH
        listener = socket.create_server(("127.0.0.1", self.port))
        self._stop, stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, args=(listener, stopped), daemon=True)
        self._thread.start()

    def shut(self) -> None:
        """Cut what is connected, with all that lies in buffers, and refuse from now on; harmless when it is shut."""
        if self._stop is not None and self._thread is not None:
            self._stop.close()
            self._thread.join()
            self._stop = self._thread = None

    def told(self) -> str:
        """Whether it is open, and what passes."""
        is_open = self._thread is not None and self._thread.is_alive()
        return f"the gate is {'open' if is_open else 'shut'}, and lets pass: {self.flow.value}"

    def refuse(self, share: float, chance: random.Random) -> None:
        """Keep back such a share of the messages of the event stream, and answer them with PUBACK 0x97."""
        self._refusal = (share, chance)

    def _carry(self, listener: socket.socket, stopped: socket.socket) -> None:
        pipes: dict[socket.socket, _Pipe] = {}
        with selectors.DefaultSelector() as selector, listener, stopped:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(stopped, selectors.EVENT_READ)
            while stopped not in (ready := [key.fileobj for key, _ in selector.select()]):
                moved = [self._serve(end, listener, pipes, selector) for end in ready]
                if not any(moved):
                    time.sleep(_NAP_S)
        for end in pipes:
            end.close()

    def _serve(
        self, end: object, listener: socket.socket, pipes: dict[socket.socket, _Pipe], selector: selectors.BaseSelector
    ) -> bool:
        """Let pass what may; whether anything did."""
        if end is listener and self.flow is not Flow.NEITHER:
            pipe = _Pipe(listener, self._target)
            for side in (pipe.near, pipe.far):
                pipes[side] = pipe
                selector.register(side, selectors.EVENT_READ)
            return True
        if not isinstance(end, socket.socket) or end not in pipes or not self._lets_pass(pipes[end], end):
            return False
        pipe = pipes[end]
        if not self._pass_on(pipe, end):
            for side in (pipe.near, pipe.far):
                selector.unregister(side)
                del pipes[side]
                side.close()
        return True

    def _lets_pass(self, pipe: _Pipe, end: socket.socket) -> bool:
        return self.flow is Flow.BOTH or (self.flow is Flow.NO_ANSWERS and end is pipe.near)

    def _pass_on(self, pipe: _Pipe, end: socket.socket) -> bool:
        try:
            data = end.recv(_CHUNK)
            if end is pipe.far or self._refusal is None:
                pipe.other(end).sendall(data)
            else:
                self._sort(pipe, data, *self._refusal)
        except OSError:
            return False
        return bool(data)

    def _sort(self, pipe: _Pipe, data: bytes, share: float, chance: random.Random) -> None:
        for packet in pipe.packets(data):
            packet_id = _stream_message(packet)
            if packet_id is not None and chance.random() < share:
                self.refused += 1
                pipe.near.sendall(bytes((0x40, 3)) + packet_id + bytes((QUOTA_EXCEEDED,)))
            else:
                pipe.far.sendall(packet)


class _Pipe:
    """One connection: ``near`` is the gateway's end, ``far`` the broker's."""

    def __init__(self, listener: socket.socket, target: int) -> None:
        self.near, _ = listener.accept()
        self.far = socket.socket()
        self._pending = b""
        if self.far.connect_ex(("127.0.0.1", target)) != 0:
            self.far.close()
            self.far, _ = socket.socketpair()  # its other end is gone: reading from it ends the pipe

    def other(self, end: socket.socket) -> socket.socket:
        return self.far if end is self.near else self.near

    def packets(self, data: bytes) -> list[bytes]:
        """The whole packets of MQTT that the gateway has sent by now, each with its header."""
        self._pending += data
        found = []
        while (size := _size(self._pending)) is not None and size <= len(self._pending):
            found.append(self._pending[:size])
            self._pending = self._pending[size:]
        return found


def _size(data: bytes) -> int | None:
    """How long the packet is that ``data`` begins with (MQTT 5, section 2.1.4); None while that is not known."""
    length = 0
    for index in range(1, min(len(data), 5)):
        length |= (data[index] & 127) << 7 * (index - 1)
        if data[index] < 128:
            return index + 1 + length
    return None


def _stream_message(packet: bytes) -> bytes | None:
    """The packet id of a PUBLISH of QoS 1 on the events topic; None for any other packet."""
    if packet[0] & 0xF6 != 0x32:
        return None
    at = next(index for index in range(1, 5) if packet[index] < 128) + 1
    end = at + 2 + int.from_bytes(packet[at : at + 2], "big")
    return packet[end : end + 2] if packet[at + 2 : end].endswith(b"/events") else None
