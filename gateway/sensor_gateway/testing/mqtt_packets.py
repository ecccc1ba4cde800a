"""MQTT packets as a client sends them, taken apart for tests. Sans I/O, and no client's code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_TYPES: Final = {
    1: "CONNECT",
    3: "PUBLISH",
    4: "PUBACK",
    5: "PUBREC",
    7: "PUBCOMP",
    8: "SUBSCRIBE",
    12: "PINGREQ",
    14: "DISCONNECT",
}
_NO_CLIENTS: Final = {0, 2, 9, 11, 13}
"""Types that no client sends: reserved, CONNACK, SUBACK, UNSUBACK, PINGRESP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What a client sent. ``number`` counts the PUBLISH packets of its connection, ``connection`` from 1.

    ``is_in_turn``: the protocol allows it here (MQTT 5, sections 2.1.2 and 3.1): CONNECT comes first, and once.
    """

    connection: int
    kind: str
    flags: int
    body: bytes
    number: int = 0
    packet_id: int = 0
    topic: str = ""
    payload: bytes = b""
    properties: bytes = b""
    is_in_turn: bool = True

    @property
    def qos(self) -> int:
        """Of a PUBLISH."""
        return self.flags >> 1 & 3

    @property
    def is_retained(self) -> bool:
        """Whether a PUBLISH is to be kept."""
        return bool(self.flags & 1)

    @property
    def expiry_s(self) -> int | None:
        """MQTT 5's message expiry, where it is the only property."""
        return int.from_bytes(self.properties[1:5], "big") if self.properties[:1] == b"\x02" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A PUBLISH as a broker sends it, right or wrong. ``properties`` are MQTT 5's, in bytes; None: 3.1.1."""

    topic: bytes
    payload: bytes = b""
    qos: int = 0
    packet_id: int = 1
    is_retained: bool = False
    is_duplicate: bool = False
    properties: bytes | None = b""

    def encoded(self) -> bytes:
        """The bytes (MQTT 5.0, section 3.3)."""
        flags = self.is_duplicate << 3 | self.qos << 1 | self.is_retained
        body = len(self.topic).to_bytes(2, "big") + self.topic
        body += self.packet_id.to_bytes(2, "big") if self.qos else b""
        body += b"" if self.properties is None else _variable(len(self.properties)) + self.properties
        body += self.payload
        return bytes((0x30 | flags,)) + _variable(len(body)) + body


def granted(packet: Packet, *, is_v5: bool, reasons: Iterable[int] | None = None) -> bytes:
    """SUBACK for a SUBSCRIBE: by default QoS 1 for every filter (MQTT 5.0, section 3.9)."""
    wanted = list(filters(packet, is_v5=is_v5))
    body = packet.body[:2] + (b"\0" if is_v5 else b"") + bytes([1] * len(wanted) if reasons is None else reasons)
    return b"\x90" + _variable(len(body)) + body


def filters(packet: Packet, *, is_v5: bool) -> Iterator[str]:
    """The topic filters of a SUBSCRIBE (MQTT 5.0, section 3.8)."""
    at = 3 + packet.body[2] if is_v5 else 2
    while at < len(packet.body):
        end = at + 2 + int.from_bytes(packet.body[at : at + 2], "big")
        yield packet.body[at + 2 : end].decode()
        at = end + 1


def _variable(length: int) -> bytes:
    encoded = bytearray()
    while length >= 128:
        encoded.append(length & 127 | 128)
        length >>= 7
    return bytes((*encoded, length))


class PacketReader:
    """Bytes in, packets out. ``is_v5`` is known once CONNECT has come."""

    def __init__(self, connection: int) -> None:
        """``connection`` is the number that the packets will carry."""
        self.is_v5 = True
        self._connection = connection
        self._is_connected = False
        self._published = 0
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that have become complete."""
        self._pending += data
        packets = []
        while (split := _split(self._pending)) is not None:
            packets.append(self._parse(*split))
        return packets

    def _parse(self, first: int, body: bytes) -> Packet:
        kind = _TYPES.get(first >> 4, str(first >> 4))
        is_in_turn = first >> 4 not in _NO_CLIENTS and self._is_connected is not (kind == "CONNECT")
        if kind == "CONNECT":
            self.is_v5 = body[6] == 5
            self._is_connected = True
        if kind != "PUBLISH":
            return Packet(connection=self._connection, kind=kind, flags=first & 15, body=body, is_in_turn=is_in_turn)
        self._published += 1
        at = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:at].decode()
        packet_id = 0
        if first >> 1 & 3:
            packet_id = int.from_bytes(body[at : at + 2], "big")
            at += 2
        properties = b""
        if self.is_v5:
            properties = body[at + 1 : at + 1 + body[at]]
            at += 1 + len(properties)
        return Packet(
            connection=self._connection,
            kind=kind,
            flags=first & 15,
            body=body,
            number=self._published,
            packet_id=packet_id,
            topic=topic,
            payload=body[at:],
            properties=properties,
            is_in_turn=is_in_turn,
        )


def _split(pending: bytearray) -> tuple[int, bytes] | None:
    """Take the first whole packet off: its first byte and its body (MQTT 5, section 2.1)."""
    length = 0
    for index in range(1, min(len(pending), 5)):
        length |= (pending[index] & 127) << 7 * (index - 1)
        if pending[index] & 128 == 0:
            end = index + 1 + length
            if len(pending) < end:
                return None
            first, body = pending[0], bytes(pending[index + 1 : end])
            del pending[:end]
            return first, body
    return None
